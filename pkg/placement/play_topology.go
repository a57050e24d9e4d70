package placement

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// nodeLocal are provisioners without a CSI driver whose volumes are on one node.
var nodeLocal = []string{"rancher.io/local-path", "openebs.io/local"}

// storageClassOf returns the class of a claim, or nil.
func storageClassOf(w *World, claim *corev1.PersistentVolumeClaim) *storagev1.StorageClass {
	if claim.Spec.StorageClassName == nil {
		return nil
	}
	for i := range w.Classes {
		if w.Classes[i].Name == *claim.Spec.StorageClassName {
			return &w.Classes[i]
		}
	}
	return nil
}

// defaultClass returns the name of the class for claims that name none, the newest of several, or nil.
func defaultClass(w *World) *string {
	var newest *storagev1.StorageClass
	for i := range w.Classes {
		class := &w.Classes[i]
		isDefault := class.Annotations["storageclass.kubernetes.io/is-default-class"] == "true"
		if isDefault && (newest == nil || newest.CreationTimestamp.Before(&class.CreationTimestamp)) {
			newest = class
		}
	}
	if newest == nil {
		return nil
	}
	return &newest.Name
}

// isAnywhere reports whether a volume of a class can be mounted on every node.
func (v *volumes) isAnywhere(class *storagev1.StorageClass) bool {
	shown, known := keysOfClass(v.world, class)
	domains := map[string]bool{}
	for i := range v.world.Nodes {
		node, keys := &v.world.Nodes[i], shown
		if !known {
			var ok bool
			if keys, ok = keysOfDriver(v.world, class.Provisioner, node.Name); !ok {
				return false
			}
		}
		domain := ""
		for _, key := range keys {
			domain += key + "=" + node.Labels[key] + ","
		}
		domains[domain] = true
	}
	return len(domains) <= 1
}

// topologyOf returns the node labels that a volume of a class is tied to, if the first Pod with it is on the node.
func topologyOf(w *World, class *storagev1.StorageClass, node string) (keys []string, known bool) {
	if keys, known = keysOfClass(w, class); known {
		return keys, true
	}
	return keysOfDriver(w, class.Provisioner, node)
}

// keysOfClass returns the node labels that the existing volumes of a class are tied to.
func keysOfClass(w *World, class *storagev1.StorageClass) (keys []string, known bool) {
	for i := range w.Volumes {
		pv := &w.Volumes[i]
		if pv.Spec.StorageClassName == class.Name && pv.Annotations[annotationProvisioner] == class.Provisioner {
			return affinityKeys(pv), true
		}
	}
	if slices.Contains(nodeLocal, class.Provisioner) {
		return []string{corev1.LabelHostname}, true
	}
	return nil, false
}

// keysOfDriver returns the node labels that a CSI driver ties the volumes of a node to.
func keysOfDriver(w *World, driver, node string) (keys []string, known bool) {
	for i := range w.CSINodes {
		if w.CSINodes[i].Name != node {
			continue
		}
		for _, d := range w.CSINodes[i].Spec.Drivers {
			if d.Name == driver {
				return d.TopologyKeys, true
			}
		}
	}
	return nil, false
}

// annotationProvisioner, on a volume, names the provisioner that created it.
const annotationProvisioner = "pv.kubernetes.io/provisioned-by"

// affinityKeys lists the node labels that a volume is tied to.
func affinityKeys(pv *corev1.PersistentVolume) []string {
	if pv.Spec.NodeAffinity == nil || pv.Spec.NodeAffinity.Required == nil {
		return nil
	}
	keys := map[string]bool{}
	for _, term := range pv.Spec.NodeAffinity.Required.NodeSelectorTerms {
		for _, expression := range term.MatchExpressions {
			keys[expression.Key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}
