package cli

import (
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// TestAnAuditShowsItsProgressOnATerminal gives the command a terminal that echoes what is written, with a line feed for each carriage return.
func TestAnAuditShowsItsProgressOnATerminal(t *testing.T) {
	g := NewWithT(t)
	t.Setenv("NO_COLOR", "")
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	g.Expect(err).NotTo(HaveOccurred())
	defer terminal.Close()
	s := serverWith(t)
	for i := range 250 {
		s.objects[backupsPath] = append(s.objects[backupsPath], backupOf("default", "my1", fmt.Sprintf("n%d", i), 1, ""))
	}
	streams, _, stdout, _ := genericiooptions.NewTestIOStreams()
	streams.ErrOut = terminal
	cmd := newAudit(&auditOptions{IOStreams: streams, cluster: s.cluster(t), now: time.Now})
	cmd.SetArgs([]string{"-A", "--kubeblocks", "0.9", "-o", "json"})

	g.Expect(cmd.Execute()).To(Succeed())

	g.Expect(terminal.SetReadDeadline(time.Now().Add(time.Minute))).To(Succeed())
	const want = "\r\n100 Backups\r\n200 Backups\r\n^[[K"
	echo := make([]byte, len(want))
	_, err = io.ReadFull(terminal, echo) // the echo comes in parts
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(echo)).To(Equal(want))
	g.Expect(stdout.String()).To(ContainSubstring(`"backups": 250`))
}
