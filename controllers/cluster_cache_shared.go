package controllers

import (
	"crypto/sha256"
	"encoding/json"
	"runtime"
	"sync"
	"weak"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// policyPool holds one copy of equal policies. A Component and a Restore have the rules of their Cluster: three copies take a quarter of
// the memory of a Cluster at rest. Sharing is safe, because nobody modifies cached objects. The pool keeps no policy alive.
type policyPool struct {
	mu       sync.Mutex
	policies map[[sha256.Size]byte]weak.Pointer[kubeblocks.SchedulingPolicy]
}

func newPolicyPool() *policyPool {
	return &policyPool{policies: map[[sha256.Size]byte]weak.Pointer[kubeblocks.SchedulingPolicy]{}}
}

// share returns the policy that equals this one and was there first.
func (p *policyPool) share(policy *kubeblocks.SchedulingPolicy) *kubeblocks.SchedulingPolicy {
	if policy == nil {
		return nil
	}
	data, err := json.Marshal(policy)
	if err != nil {
		return policy
	}
	key := sha256.Sum256(data)
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.policies[key].Value(); known != nil {
		return known
	}
	p.policies[key] = weak.Make(policy)
	runtime.AddCleanup(policy, p.forget, key)
	return policy
}

// forget removes a policy that is no longer used, unless it was added again.
func (p *policyPool) forget(key [sha256.Size]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.policies[key].Value() == nil {
		delete(p.policies, key)
	}
}

// shareIn shares the policies of a componentSpec.
func (p *policyPool) shareIn(spec *kubeblocks.ComponentSpec) {
	spec.SchedulingPolicy = p.share(spec.SchedulingPolicy)
	for i := range spec.Instances {
		spec.Instances[i].SchedulingPolicy = p.share(spec.Instances[i].SchedulingPolicy)
	}
}

// transform strips an object, and shares its policies.
func (p *policyPool) transform(obj any) (any, error) {
	switch o := obj.(type) {
	case *kubeblocks.Cluster:
		o.Spec.SchedulingPolicy = p.share(o.Spec.SchedulingPolicy)
		for i := range o.Spec.ComponentSpecs {
			p.shareIn(&o.Spec.ComponentSpecs[i])
		}
	case *kubeblocks.Component:
		p.shareIn(&o.Spec)
	case *kubeblocks.Restore:
		if config := o.Spec.PrepareDataConfig; config != nil {
			config.SchedulingSpec = p.share(config.SchedulingSpec)
		}
	}
	return stripApplied(obj)
}

// stripInstanceSet keeps of the metadata of an InstanceSet what maps it to its Cluster, and shows that its spec changed.
func stripInstanceSet(obj any) (any, error) {
	set, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return obj, nil
	}
	stripped := &metav1.PartialObjectMetadata{TypeMeta: set.TypeMeta}
	stripped.Namespace, stripped.Name, stripped.UID = set.Namespace, set.Name, set.UID
	stripped.ResourceVersion, stripped.Generation = set.ResourceVersion, set.Generation
	if name, labelled := set.Labels[kubeblocks.LabelInstance]; labelled {
		stripped.Labels = map[string]string{kubeblocks.LabelInstance: name}
	}
	return stripped, nil
}
