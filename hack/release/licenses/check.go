package licenses

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/licensecheck"
)

// allowed are the licences, by their SPDX names, under which a module may be linked: they ask for no more than that their text
// goes with each copy, which [Collect] sees to.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

// recognized is the share of a text, in percent, that must be that of known licences. Names and copyright lines are the rest.
const recognized = 75

// check tells what is wrong with the text of a licence file.
func check(text []byte) error {
	coverage := licensecheck.Scan(text)
	for _, match := range coverage.Match {
		if !slices.Contains(allowed, match.ID) {
			return fmt.Errorf("%s is not among the licences that are allowed: %v", match.ID, allowed)
		}
	}
	if coverage.Percent < recognized {
		return errors.New("the licence is none that is known")
	}
	return nil
}
