package docs

import (
	"path/filepath"
	"regexp"
	"testing"
)

var (
	makeCommand = regexp.MustCompile("(?m)(?:`|^    +|&& )make ([a-z][a-z0-9-]*)")
	makeTarget  = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
)

// TestTargetsOfMakeExist checks the targets that pages name. Most take too long to be run.
func TestTargetsOfMakeExist(t *testing.T) {
	targets := map[string]bool{}
	for _, file := range []string{"Makefile", filepath.Join("hack", "release", "release.mk")} {
		for _, match := range makeTarget.FindAllStringSubmatch(read(t, filepath.Join("..", file)), -1) {
			targets[match[1]] = true
		}
	}
	named := 0
	for _, page := range pages(t) {
		for _, match := range makeCommand.FindAllStringSubmatch(read(t, page), -1) {
			named++
			if !targets[match[1]] {
				t.Errorf("%s names `make %s`, which does not exist", page, match[1])
			}
		}
	}
	if named < 20 {
		t.Errorf("pages name %d targets only", named)
	}
}
