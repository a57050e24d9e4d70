package kubeblocks

import (
	"strings"
	"testing"
)

func TestDownloadRefusesContentThatIsNotPinned(t *testing.T) {
	m := volumeSnapshots()
	m.sum = "h1:another="
	_, err := m.download(t.Context())
	if err == nil || !strings.Contains(err.Error(), "expected h1:another=") {
		t.Fatalf("error is %v", err)
	}
}
