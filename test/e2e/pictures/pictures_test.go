package pictures

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

func folder(t *testing.T) string {
	t.Helper()
	root, err := repository.Root()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return filepath.Join(root, "docs", "pictures")
}

func recorded(t *testing.T) Recording {
	t.Helper()
	r, err := Read(filepath.Join(folder(t), "recording.json"))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return r
}

func TestThePicturesAreThoseOfTheRecording(t *testing.T) {
	g := NewWithT(t)
	drawn, err := Draw(recorded(t))
	g.Expect(err).NotTo(HaveOccurred())
	for name, want := range drawn {
		got, err := os.ReadFile(filepath.Join(folder(t), name))
		g.Expect(err).NotTo(HaveOccurred(), "run `make pictures`")
		g.Expect(string(got)).To(Equal(string(want)), name+" is not up to date: run `make pictures`")
	}
	entries, err := os.ReadDir(folder(t))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(entries).To(HaveLen(len(drawn)+1), "the pictures and their recording")
}

// TestTheRecordingShowsTheDefectAndItsCure keeps a picture of a failed run out of the README.
func TestTheRecordingShowsTheDefectAndItsCure(t *testing.T) {
	g := NewWithT(t)
	r := recorded(t)
	g.Expect(on(r.Before, "")).To(HaveLen(len(r.Nodes)))
	for _, pod := range on(r.Before, "") {
		g.Expect(pod.Scheduler).To(ContainSubstring("didn't match pod anti-affinity rules"))
	}
	for _, node := range r.Nodes {
		g.Expect(on(r.Before, node)).To(HaveLen(1))
		g.Expect(on(r.After, node)).To(ConsistOf(HaveField("Cluster", r.Source), HaveField("Cluster", r.Target)))
	}
	g.Expect(on(r.After, "")).To(BeEmpty())
}

var elsewhere = regexp.MustCompile(`(?i)<script|<foreignObject|\bhref\b|\bsrc\b|\bon[a-z]+=|@import|url\(|//`)

func TestPicturesNeedNothingFromElsewhere(t *testing.T) {
	g := NewWithT(t)
	drawn, err := Draw(recorded(t))
	g.Expect(err).NotTo(HaveOccurred())
	for name, picture := range drawn {
		text := strings.Replace(string(picture), `xmlns="http://www.w3.org/2000/svg"`, "", 1)
		g.Expect(elsewhere.FindString(text)).To(BeEmpty(), name)
		g.Expect(text).To(ContainSubstring("@media (prefers-color-scheme: dark)"), name)
		g.Expect(text).To(ContainSubstring("<title>"), name)
		expectXML(g, text)
	}
}

func expectXML(g Gomega, text string) {
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		g.Expect(err).NotTo(HaveOccurred())
	}
}

func TestTextIsEscaped(t *testing.T) {
	g := NewWithT(t)
	r := Recording{Nodes: []string{"<script>"}, Before: []Pod{{Name: `"&`, Node: "<script>"}}, Lines: []Line{{Text: "</svg>"}}}
	drawn, err := Draw(r)
	g.Expect(err).NotTo(HaveOccurred())
	for name, picture := range drawn {
		g.Expect(elsewhere.FindString(strings.Replace(string(picture), "http://", "", 1))).To(BeEmpty(), name)
		expectXML(g, string(picture))
	}
}

func TestLongLinesAreWrapped(t *testing.T) {
	g := NewWithT(t)
	g.Expect(wrap("")).To(Equal([]string{""}))
	g.Expect(wrap(strings.Repeat("é", columns+1))).To(Equal([]string{strings.Repeat("é", columns), "é"}))
}
