package feasibility_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

func TestVolumesCanBeMountedWhereAffinityAndLabelsAllow(t *testing.T) {
	volume := func(labels map[string]string, affinity *corev1.VolumeNodeAffinity) *corev1.PersistentVolume {
		return &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PersistentVolumeSpec{NodeAffinity: affinity}}
	}
	for name, c := range map[string]struct {
		volume *corev1.PersistentVolume
		// apart says whether two such volumes admit a rule that wants one Pod per zone.
		apart bool
	}{
		"neither":                      {volume(nil, nil), true},
		"other labels":                 {volume(map[string]string{"app": "mysql"}, nil), true},
		"a node affinity":              {volume(nil, within(zone, "a")), false},
		"a zone":                       {volume(map[string]string{zone: "a"}, nil), false},
		"a zone as it was called":      {volume(map[string]string{corev1.LabelFailureDomainBetaZone: "a"}, nil), false},
		"two zones":                    {volume(map[string]string{zone: "a__b"}, nil), true},
		"two zones and a node in one":  {volume(map[string]string{zone: "a__b"}, within(host, "a1")), false},
		"a zone, and nodes of several": {volume(map[string]string{zone: "b"}, within(host, "a1", "b1", "b2")), false},
	} {
		t.Run(name, func(t *testing.T) {
			w := world(nodes("a1 a2 b1 b2 c1"), pods("mysql", perZone, "", ""))
			for i := range w.Pods {
				w.Pods[i].Volumes[0].NodeAffinity = feasibility.MountableOn(c.volume)
			}
			if refusals := feasibility.Decide(w); (len(refusals) == 0) != c.apart {
				t.Errorf("refused: %v", refusals)
			}
		})
	}
}

// The scheduler ignores the labels of a volume on a node that has no zone and no region. So that node runs the Pod.
func TestLabelsOfVolumesDoNotMatterWithoutZones(t *testing.T) {
	w := world(nodes("a1"), pods("mysql", perNode, "", ""))
	delete(w.Nodes[0].Labels, zone)
	for i := range w.Pods {
		w.Pods[i].Volumes[0].NodeAffinity = feasibility.MountableOn(&corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{zone: "z"}}})
	}
	if len(feasibility.Decide(w)) == 0 {
		t.Error("the rule is not refused, although one node has to run both Pods")
	}
}
