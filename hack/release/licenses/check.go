package licenses

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/licensecheck"
)

// allowed are the SPDX names of the licences under which a module may be linked. They require that each copy has their text, which
// [Collect] ensures.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

// recognized is the percentage of a text that must match known licences. The rest are names and copyright lines.
const recognized = 75

// check returns an error if the text of a licence file is not allowed.
func check(text []byte) error {
	coverage := licensecheck.Scan(text)
	for _, match := range coverage.Match {
		if !slices.Contains(allowed, match.ID) {
			return fmt.Errorf("%s is not an allowed licence: %v", match.ID, allowed)
		}
	}
	if coverage.Percent < recognized {
		return errors.New("the licence is unknown")
	}
	return nil
}
