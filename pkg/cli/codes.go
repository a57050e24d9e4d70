package cli

import (
	"strings"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/manifest"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// codes are the stable codes of findings. docs/codes.md has a section for each. A code is never reused.
var codes = map[rewrite.Class]string{
	rewrite.SourceIdentity:      "RH001",
	rewrite.ThirdParty:          "RH002",
	rewrite.Unscoped:            "RH003",
	rewrite.NodeBound:           "RH004",
	rewrite.Generated:           "RH005",
	rewrite.Invalid:             "RH006",
	manifest.RestoresNothing:    "RH007",
	rewrite.Intended:            "RH008",
	rewrite.NamespaceShift:      "RH009",
	rewrite.Vacuous:             "RH010",
	rewrite.Placeholder:         "RH011",
	manifest.Carried:            "RH012",
	manifest.NamesSource:        "RH013",
	manifest.BackupNotCompleted: "RH014",
	manifest.PasswordLeftOut:    "RH015",
	manifest.OtherNamespace:     "RH016",
	audit.Gone:                  "RH017",
	audit.NoSnapshot:            "RH018",
	audit.BadSnapshot:           "RH019",
	audit.RestoreIgnored:        "RH020",
}

// hangs reports whether a finding can leave a Pod without a node, or the Cluster without data, although the rules are rewritten. A
// preferred rule cannot.
func hangs(f rewrite.Finding, edits []rewrite.Edit) bool {
	switch f.Class {
	case rewrite.Unscoped, rewrite.NodeBound, rewrite.Generated, rewrite.NamespaceShift, rewrite.Vacuous:
		return f.Required && !isEdited(f, edits)
	case manifest.BackupNotCompleted, manifest.OtherNamespace:
		return true
	}
	return false
}

// isEdited reports whether the rule of a finding is rewritten.
func isEdited(f rewrite.Finding, edits []rewrite.Edit) bool {
	for _, edit := range edits {
		if strings.HasPrefix(edit.Path, f.Path+"/") {
			return true
		}
	}
	return false
}
