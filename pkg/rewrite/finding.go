package rewrite

// Class is the kind of a finding.
type Class string

// The classes of findings.
const (
	// SourceIdentity rules name the source and were inherited: they are rewritten.
	SourceIdentity Class = "SourceIdentity"
	// Intended rules name the source but are in no snapshot: they were added on purpose and are kept.
	Intended Class = "Intended"
	// ThirdParty rules name another cluster and are kept. With consent, one that KubeBlocks overwrote is put back.
	ThirdParty Class = "ThirdParty"
	// Unscoped rules select the source's Pods without naming it. They are kept, or scoped to the target with consent.
	Unscoped Class = "Unscoped"
	// Generated rules name a shard of the source or a UID, and the target has no such value. They are kept.
	Generated Class = "Generated"
	// Placeholder rules have an empty component name, which KubeBlocks fills in. They are kept.
	Placeholder Class = "Placeholder"
	// NamespaceShift rules select other Pods than before, because the target is in another namespace. They are kept.
	NamespaceShift Class = "NamespaceShift"
	// NodeBound rules tie Pods to nodes or zones of the source. They are kept.
	NodeBound Class = "NodeBound"
	// Vacuous rules select no Pod of the source, and none that the target can have. They are kept.
	Vacuous Class = "Vacuous"
	// Invalid rules would be rejected by the API server. Then no rule is edited.
	Invalid Class = "Invalid"
)

// Finding reports what Rewrite found about one rule.
type Finding struct {
	// Path is the JSON Pointer of the rule.
	Path  string `json:"path"`
	Class Class  `json:"class"`
	// Required reports whether the scheduler must obey the rule.
	Required bool `json:"-"`
	// Rule describes the rule, its place and, where it was inherited, the Backup.
	Rule string `json:"-"`
	// Message is Rule, what was found, and what happens to the rule.
	Message string `json:"message"`
}
