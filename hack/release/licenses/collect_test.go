package licenses

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
)

// Short texts that are recognized.
const (
	isc = `Copyright (c) 2026 The authors

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided
that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED
WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR
CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT,
NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
`
	beerware = `"THE BEER-WARE LICENSE" (Revision 42):
<phk@FreeBSD.ORG> wrote this file. As long as you retain this notice you can do whatever you want with this stuff. If we meet
some day, and you think this stuff is worth it, you can buy me a beer in return. Poul-Henning Kamp
`
)

// tree returns a main module that links the modules dep, on every system, and windep, on Windows only.
func tree() map[string]string {
	return map[string]string{
		"LICENSE":                  isc,
		"go.mod":                   gomod,
		"main.go":                  "package main\n\nimport _ \"example.com/dep/part\"\n\nfunc main() {}\n",
		"main_windows.go":          "package main\n\nimport _ \"example.com/windep\"\n",
		"dep/go.mod":               "module example.com/dep\n",
		"dep/LICENSE":              isc,
		"dep/NOTICE":               "Made by the authors.\n",
		"dep/license.go":           "package dep\n",
		"dep/part/part.go":         "package part\n",
		"dep/unused/LICENSE":       beerware,
		"dep/unused/unused.go":     "package unused\n",
		"windep/go.mod":            "module example.com/windep\n",
		"windep/LICENCE.txt":       isc,
		"windep/windep_windows.go": "package windep\n",
	}
}

const gomod = `module example.com/main

go 1.26.0

require (
	example.com/dep v0.0.0
	example.com/windep v0.0.0
)

replace (
	example.com/dep => ./dep
	example.com/windep => ./windep
)
`

func TestCollectCopiesTheLicencesOfAllLinkedModules(t *testing.T) {
	g := NewWithT(t)
	files := tree()
	files["dep/part/LICENSE-PART"] = isc

	output, err := collect(t, files)
	g.Expect(err).NotTo(HaveOccurred())
	var names []string
	g.Expect(filepath.WalkDir(output, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(output, path)
			names = append(names, name)
		}
		return err
	})).To(Succeed())
	g.Expect(names).To(ConsistOf(
		"example.com/main/LICENSE",
		"example.com/dep/LICENSE",
		"example.com/dep/NOTICE",
		"example.com/dep/part/LICENSE-PART",
		"example.com/windep/LICENCE.txt",
		"std/LICENSE",
		"std/PATENTS",
	))
	g.Expect(os.ReadFile(filepath.Join(output, "example.com/dep/NOTICE"))).To(BeEquivalentTo("Made by the authors.\n"))
}

// A module in a folder of the repository has the licence of the repository.
func TestCollectTakesTheLicenceAboveAMainModule(t *testing.T) {
	g := NewWithT(t)
	files := map[string]string{"LICENSE": isc}
	for name, text := range tree() {
		files["nested/"+name] = text
	}
	delete(files, "nested/LICENSE")

	output, err := collectFrom(t, files, "nested")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.ReadFile(filepath.Join(output, "example.com/main/LICENSE"))).To(BeEquivalentTo(isc))
}

func TestCollectRefusesALicenceThatIsNotAllowed(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		message    string
	}{
		"no licence":               {"dep/LICENSE", "", "example.com/dep/part: no licence in"},
		"no licence, on Windows":   {"windep/LICENCE.txt", "", "example.com/windep: no licence in"},
		"an unknown licence":       {"dep/LICENSE", "Ask the authors for permission before you use this.", "the licence is unknown"},
		"a licence not allowed":    {"dep/LICENSE", beerware, "Beerware is not an allowed licence"},
		"terms added to a licence": {"dep/LICENSE", isc + beerware, "Beerware is not an allowed licence"},
		"a second licence":         {"dep/part/COPYING", beerware, "Beerware is not an allowed licence"},
	} {
		t.Run(name, func(t *testing.T) {
			files := tree()
			files[c.file] = c.text
			if c.text == "" {
				delete(files, c.file)
			}

			_, err := collect(t, files)
			NewWithT(t).Expect(err).To(MatchError(ContainSubstring(c.message)))
		})
	}
}

func TestCollectFailsOnSourceThatDoesNotLoad(t *testing.T) {
	files := tree()
	delete(files, "dep/part/part.go")

	_, err := collect(t, files)
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("list what is linked on linux")))
}

// collect writes the files to a folder and runs [Collect] on it.
func collect(t *testing.T, files map[string]string) (output string, err error) {
	t.Helper()
	return collectFrom(t, files, "")
}

// collectFrom is collect for the program in a folder below.
func collectFrom(t *testing.T, files map[string]string, folder string) (output string, err error) {
	t.Helper()
	source := t.TempDir()
	for name, text := range files {
		NewWithT(t).Expect(write(filepath.Join(source, name), []byte(text))).To(Succeed())
	}
	output = t.TempDir()
	return output, Collect(t.Context(), filepath.Join(source, folder), output, []string{"linux", "windows"})
}
