package placement

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
)

// classSuffix ends the names of the resources that a quota limits for one storage class.
const classSuffix = ".storageclass.storage.k8s.io/"

// quotas checks that the quotas of the target's namespace admit the Pods and claims. Restore Pods count with the database Pods' number:
// they request nothing, and have ended when these are created.
func (p *preflight) quotas(would *WouldBe) {
	needs := needsOf(p.World, would)
	checked, exceeded := 0, false
	for i := range p.World.Quotas {
		quota := &p.World.Quotas[i]
		if quota.Namespace != p.Manifest.Target.Namespace {
			continue
		}
		if len(quota.Spec.Scopes) > 0 || quota.Spec.ScopeSelector != nil {
			p.add(Warn, checkQuota, textQuotaScoped, quota.Name)
			continue
		}
		checked++
		for _, name := range slices.Sorted(maps.Keys(quota.Spec.Hard)) {
			need, counted := needs[name]
			left := quota.Spec.Hard[name].DeepCopy()
			left.Sub(quota.Status.Used[name])
			if counted && need.Cmp(left) > 0 {
				exceeded = true
				p.add(Fail, checkQuota, textQuota, quota.Name, name, need.String(), left.String())
			}
		}
	}
	if checked > 0 && !exceeded {
		p.add(OK, checkQuota, textQuotas, checked)
	}
}

// needsOf sums up what quotas count. Claims that exist count already.
func needsOf(w *World, would *WouldBe) corev1.ResourceList {
	needs := corev1.ResourceList{}
	add := func(name corev1.ResourceName, quantity resource.Quantity) {
		sum := needs[name]
		sum.Add(quantity)
		needs[name] = sum
	}
	one := *resource.NewQuantity(1, resource.DecimalSI)
	for i := range would.Database {
		add(corev1.ResourcePods, one)
		add("count/pods", one)
		for name, quantity := range requestsOf(&would.Database[i]) {
			add("requests."+name, quantity)
			if name == corev1.ResourceCPU || name == corev1.ResourceMemory {
				add(name, quantity)
			}
		}
		for name, quantity := range resourcehelper.PodLimits(&would.Database[i], resourcehelper.PodResourcesOptions{}) {
			add("limits."+name, quantity)
		}
	}
	for range would.Restore {
		add("count/jobs.batch", one)
	}
	for i := range would.Claims {
		claim := &would.Claims[i]
		if slices.ContainsFunc(w.Claims, func(c corev1.PersistentVolumeClaim) bool {
			return c.Namespace == claim.Namespace && c.Name == claim.Name
		}) {
			continue
		}
		size := claim.Spec.Resources.Requests[corev1.ResourceStorage]
		add(corev1.ResourcePersistentVolumeClaims, one)
		add("count/persistentvolumeclaims", one)
		add(corev1.ResourceRequestsStorage, size)
		if class := claim.Spec.StorageClassName; class != nil {
			add(corev1.ResourceName(fmt.Sprintf("%s%spersistentvolumeclaims", *class, classSuffix)), one)
			add(corev1.ResourceName(fmt.Sprintf("%s%srequests.storage", *class, classSuffix)), size)
		}
	}
	return needs
}
