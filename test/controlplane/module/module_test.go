package module

import (
	"strings"
	"testing"
)

func TestDownloadFailsIfTheHashIsNotThePinnedOne(t *testing.T) {
	m := Module{Path: "sigs.k8s.io/yaml", Version: "v1.6.0", Sum: "h1:another="}
	_, err := m.Download(t.Context())
	if err == nil || !strings.Contains(err.Error(), "expected h1:another=") {
		t.Fatalf("error is %v", err)
	}
}
