package rewrite

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// KeepOff returns the edits that restrict a policy's Pods to nodes that meet all of the requirements, too.
func KeepOff(p *Policy, requirements []corev1.NodeSelectorRequirement) []Edit {
	required := corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: requirements}}}
	node := corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &required}
	var e edits
	path := p.Path + "/affinity"
	switch {
	case p.Affinity == nil:
		e.add(path, nil, corev1.Affinity{NodeAffinity: &node})
		return e
	case p.Affinity.NodeAffinity == nil:
		e.add(path+"/nodeAffinity", nil, node)
		return e
	case p.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil:
		e.add(path+"/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution", nil, required)
		return e
	}
	for i, term := range p.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		at := path + "/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/" + strconv.Itoa(i) + "/matchExpressions"
		switch {
		case len(term.MatchExpressions) > 0:
			for _, requirement := range requirements {
				e.add(at+"/-", nil, requirement)
			}
		case len(term.MatchFields) > 0: // a term without either matches no node
			e.add(at, nil, requirements)
		}
	}
	return e
}
