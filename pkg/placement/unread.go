package placement

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The resources whose objects decide whether a Pod finds a node.
const (
	resourcePods     = "pods"
	resourceClaims   = "persistentvolumeclaims"
	resourceVolumes  = "persistentvolumes"
	resourceClasses  = "storageclasses"
	resourceCapacity = "csistoragecapacities"
)

// unreadOf lists what could not be read. Kinds with the same reason are together.
func unreadOf(unread map[string]string) []string {
	kinds := map[string][]string{}
	for _, kind := range slices.Sorted(maps.Keys(unread)) {
		kinds[unread[kind]] = append(kinds[unread[kind]], kind)
	}
	all := make([]string, 0, len(kinds))
	for reason, of := range kinds {
		all = append(all, fmt.Sprintf(textUnread, strings.Join(of, ", "), reason))
	}
	slices.Sort(all)
	return all
}

// lacks returns the kind that could not be read and that decides on which nodes a claim can be used; empty where all is known.
func (w *World) lacks(claim *corev1.PersistentVolumeClaim) string {
	unread := func(kind string, matters bool) bool { return matters && w.Unread[kind] != "" }
	name, class := claim.Spec.StorageClassName, storageClassOf(w, claim)
	switch {
	case claim.Spec.VolumeName != "":
		if unread(resourceVolumes, w.volume(claim.Spec.VolumeName) == nil) {
			return resourceVolumes
		}
	case class == nil:
		if unread(resourceClasses, name == nil || *name != "") {
			return resourceClasses
		}
	case unread(resourceVolumes, class.Provisioner == noProvisioner):
		return resourceVolumes
	case unread(resourceCapacity, w.countsCapacity(class.Provisioner)):
		return resourceCapacity
	}
	return ""
}

// dropUnknown takes the volumes from a Pod if what decides on them could not be read: a plugin would refuse all nodes. It remembers what is
// unknown, so that no node counts as one that fits.
func (e *explainer) dropUnknown(s *Subject, w *Waiting) {
	if e.world.Unread[resourcePods] != "" {
		w.Unknown = append(w.Unknown, resourcePods)
	}
	for _, name := range claimsOf(s.Pod) {
		kind := ""
		if claim := e.world.claim(s.Pod.Namespace, name); claim != nil {
			kind = e.world.lacks(claim)
		} else if e.world.Unread[resourceClaims] != "" {
			kind = resourceClaims
		}
		if kind == "" {
			continue
		}
		w.Unknown, w.withoutVolumes = append(w.Unknown, kind), true
		s.Pod = withoutVolumes(s.Pod)
		if s.Rewritten != nil {
			s.Rewritten = withoutVolumes(s.Rewritten)
		}
		return
	}
}

// countsCapacity reports whether a scheduler asks for the free capacity of a driver. No object means no capacity then.
func (w *World) countsCapacity(driver string) bool {
	for i := range w.CSIDrivers {
		if counts := w.CSIDrivers[i].Spec.StorageCapacity; w.CSIDrivers[i].Name == driver {
			return counts != nil && *counts
		}
	}
	return false
}
