// Package licenses collects the licences of all modules linked into a program, and refuses those that are not allowed.
package licenses

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// terms matches the names of files with the licence of a folder and the folders below it.
var terms = regexp.MustCompile(`(?i)^(un)?licen[sc]e|^copying`)

// notices matches the names of other files that each copy must have.
var notices = regexp.MustCompile(`(?i)^(notice|patents)(\.(txt|md))?$`)

// Collect copies to output the files that each copy of the main package in source must have, built for any of the operating systems:
// the licence, notice and patent files of each linked module and of the standard library, under the module's path. It fails if a
// linked package has no licence, or one that is not allowed.
func Collect(ctx context.Context, source, output string, systems []string) error {
	for _, system := range systems {
		packages, err := linked(ctx, source, system)
		if err != nil {
			return fmt.Errorf("list what is linked on %s: %w", system, err)
		}
		for _, p := range packages {
			if err := p.collect(output); err != nil {
				return fmt.Errorf("%s: %w", p.ImportPath, err)
			}
		}
	}
	return nil
}

// collect copies the files that apply to p: those in its folder and its parents, up to the root of its module. A main module without a
// licence has the one of the folder above, as in what Go downloads of it.
func (p listedPackage) collect(output string) error {
	licensed := false
	for dir := p.Dir; ; dir = filepath.Dir(dir) {
		below, err := filepath.Rel(p.Module.Dir, dir)
		if err != nil || !filepath.IsLocal(below) {
			break
		}
		found, err := copyTerms(dir, filepath.Join(output, filepath.FromSlash(p.Module.Path), below))
		if err != nil {
			return err
		}
		licensed = licensed || found
	}
	if !licensed && p.Module.Main {
		var err error
		if licensed, err = copyTerms(filepath.Dir(p.Module.Dir), filepath.Join(output, filepath.FromSlash(p.Module.Path))); err != nil {
			return err
		}
	}
	if !licensed {
		return fmt.Errorf("no licence in %s or above", p.Dir)
	}
	return nil
}

// copyTerms copies the licence and notice files of one folder. It reports whether there is a licence.
func copyTerms(from, to string) (licensed bool, err error) {
	entries, err := os.ReadDir(from)
	if err != nil {
		return false, err
	}
	for _, entry := range entries {
		isLicence := isTerms(entry)
		if !isLicence && !notices.MatchString(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(from, entry.Name()))
		if err != nil {
			return false, err
		}
		if isLicence {
			if err := check(text); err != nil {
				return false, fmt.Errorf("%s: %w", filepath.Join(from, entry.Name()), err)
			}
			licensed = true
		}
		if err := write(filepath.Join(to, entry.Name()), text); err != nil {
			return false, err
		}
	}
	return licensed, nil
}

// isTerms reports whether an entry is a licence, and not a folder or source file with such a name.
func isTerms(entry fs.DirEntry) bool {
	return entry.Type().IsRegular() && terms.MatchString(entry.Name()) && !strings.HasSuffix(entry.Name(), ".go")
}

func write(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
