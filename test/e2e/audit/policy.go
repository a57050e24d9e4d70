package audit

import _ "embed"

//go:embed policy.yaml
var policy []byte

// Policy is the audit policy that the control plane of a Log needs.
func Policy() []byte { return policy }
