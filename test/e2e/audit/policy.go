package audit

import _ "embed"

//go:embed policy.yaml
var policy []byte

// Policy is the audit policy for a control plane whose log is to be read here.
func Policy() []byte { return policy }
