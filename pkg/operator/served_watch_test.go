package operator

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
)

func TestWhichDefinitionsAreAskedAbout(t *testing.T) {
	matters := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "clusters.apps.kubeblocks.io"}}
	other := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "certificates.cert-manager.io"}}
	for name, c := range map[string]struct {
		event func(toolscache.ResourceEventHandler)
		asked bool
	}{
		"of the first list":       {func(h toolscache.ResourceEventHandler) { h.OnAdd(matters, true) }, false},
		"added":                   {func(h toolscache.ResourceEventHandler) { h.OnAdd(matters, false) }, true},
		"changed":                 {func(h toolscache.ResourceEventHandler) { h.OnUpdate(matters, matters) }, true},
		"deleted":                 {func(h toolscache.ResourceEventHandler) { h.OnDelete(matters) }, true},
		"deleted during a relist": {func(h toolscache.ResourceEventHandler) { h.OnDelete(toolscache.DeletedFinalStateUnknown{Obj: matters}) }, true},
		"of somebody else":        {func(h toolscache.ResourceEventHandler) { h.OnAdd(other, false) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := &servedWatch{changed: make(chan struct{}, 1)}

			c.event(w.handler())

			want := 0
			if c.asked {
				want = 1
			}
			NewWithT(t).Expect(w.changed).To(HaveLen(want))
		})
	}
}
