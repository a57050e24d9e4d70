package controllers_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// patchAPI is what the specs of pkg/patch use. They are here, so that they share this suite's API servers.
var patchAPI struct {
	client.Client
	namespace string
}

// usePatchAPI gives each spec a client of an API server with KubeBlocks' kinds, and a new namespace.
func usePatchAPI() {
	BeforeEach(func(ctx SpecContext) {
		patchAPI.Client = servers[kubeblocks.AppsV1].admin
		obj := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
		Expect(patchAPI.Create(ctx, obj)).To(Succeed())
		patchAPI.namespace = obj.Name
	})
}

// merge sends a merge patch that is not pinned to a version.
func merge(obj client.Object, patch string) {
	GinkgoHelper()
	target := obj.DeepCopyObject().(client.Object)
	Expect(patchAPI.Patch(context.Background(), target, client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
}

// replaceWith deletes an object and creates another of the same name.
func replaceWith(old, successor client.Object) {
	GinkgoHelper()
	merge(old, `{"metadata":{"finalizers":null}}`)
	Expect(patchAPI.Delete(context.Background(), old)).To(Succeed())
	Expect(patchAPI.Create(context.Background(), successor)).To(Succeed())
}
