package patch_test

import (
	"context"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

func TestPatch(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Patch")
}

var (
	ctx = context.Background()
	// api is the client of an API server with KubeBlocks' kinds. Each spec has a new namespace.
	api       client.Client
	namespace string
)

var _ = BeforeSuite(func() {
	generation := rehometesting.V10()
	environment, err := rehometesting.Start(generation)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(environment.Stop)
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	kubeblocks.AddToScheme(scheme, generation.Apps)
	api, err = client.New(environment.Config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
})

var _ = BeforeEach(func() {
	obj := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	Expect(api.Create(ctx, obj)).To(Succeed())
	namespace = obj.Name
})

// merge sends a merge patch that is not pinned to a version.
func merge(obj client.Object, patch string) {
	GinkgoHelper()
	target := obj.DeepCopyObject().(client.Object)
	Expect(api.Patch(ctx, target, client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
}

// replaceWith deletes an object and creates another of the same name.
func replaceWith(old, successor client.Object) {
	GinkgoHelper()
	merge(old, `{"metadata":{"finalizers":null}}`)
	Expect(api.Delete(ctx, old)).To(Succeed())
	Expect(api.Create(ctx, successor)).To(Succeed())
}
