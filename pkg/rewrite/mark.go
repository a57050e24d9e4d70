package rewrite

import "encoding/json"

// markVersion is the version of Mark's JSON that this package writes.
const markVersion = 1

// Mark says, in an annotation of a cluster, which of its rules were rewritten. The annotation is written while the cluster is
// created and has no UID. A snapshot of the cluster holds the annotation, too: the name and the namespace say whose it is.
type Mark struct {
	Version   int       `json:"version"`
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Rules     Rewritten `json:"rules"`
}

// NewMark returns the mark of a cluster.
func NewMark(of Identity, rules Rewritten) Mark {
	return Mark{Version: markVersion, Namespace: of.Namespace, Name: of.Name, Rules: rules}
}

// ReadMark returns the rewritten rules of a cluster. It returns none for a mark that cannot be read, has another version, is too
// large, or belongs to another cluster.
func ReadMark(annotation string, of Identity) Rewritten {
	var m Mark
	err := json.Unmarshal([]byte(annotation), &m)
	if err != nil || m.Version != markVersion || m.Namespace != of.Namespace || m.Name != of.Name || len(m.Rules) > maxRewritten {
		return nil
	}
	return m.Rules
}

// String returns the mark as its annotation.
func (m Mark) String() string {
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // a Mark holds nothing that JSON cannot encode
	}
	return string(data)
}
