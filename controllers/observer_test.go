package controllers_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// observerName is a user who has Rehome's role, and whose every write to something that is not Rehome's own is refused at
// admission. Before each reconcile of an env, another reconciler runs as this user, in mode Observe. Its writes are
// dry runs. In no spec may one of them be refused.
const observerName = "observer"

// foreign refuses what a reconciler in mode Observe must not write: all but Rehomings, events, Rehome's own conditions, and the rules
// of a Restore that a replacement has left without any.
const foreign = `request.resource.resource == "restores" && request.subResource == "" && request.operation == "UPDATE" &&
	"rehome.kubeblocks.io/scheduling-spec" in oldObject.metadata.?annotations.orValue({}) &&
	oldObject.spec.?prepareDataConfig.?schedulingSpec.orValue({}) == {} ||
	request.resource.group == "rehome.kubeblocks.io" || request.resource.resource == "events" ||
	request.resource.resource == "restores" && request.subResource == "status" &&
	object.?status.?phase == oldObject.?status.?phase && object.?status.?actions == oldObject.?status.?actions &&
	object.?status.?conditions.orValue([]).filter(c, !c.type.startsWith("rehome.kubeblocks.io/")) ==
	oldObject.?status.?conditions.orValue([]).filter(c, !c.type.startsWith("rehome.kubeblocks.io/"))`

// observerUser adds the observer, and the policy that refuses its writes.
func observerUser(environment *envtest.Environment, admin client.Client) *rest.Config {
	GinkgoHelper()
	meta := metav1.ObjectMeta{Name: observerName}
	everything := admissionregistrationv1.NamedRuleWithOperations{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.OperationAll},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{"*"}, APIVersions: []string{"*"}, Resources: []string{"*/*"}},
	}}
	Expect(admin.Create(context.Background(), &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: meta,
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			FailurePolicy:    ptr.To(admissionregistrationv1.Fail),
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{everything}},
			MatchConditions:  []admissionregistrationv1.MatchCondition{{Name: "observer", Expression: `request.userInfo.username == "` + observerName + `"`}},
			Validations:      []admissionregistrationv1.Validation{{Expression: foreign, Message: "not in mode Observe", Reason: ptr.To(metav1.StatusReasonForbidden)}},
		},
	})).To(Succeed())
	Expect(admin.Create(context.Background(), &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: meta,
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: observerName, ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		},
	})).To(Succeed())
	return boundToRole(environment, admin, observerName)
}

// allowedObserver is the observer with every right: only the policy refuses what it does.
func allowedObserver(environment *envtest.Environment) *rest.Config {
	config := rest.CopyConfig(environment.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: observerName, Groups: []string{"system:masters"}}
	return config
}

// awaitPolicy waits until the API server applies the policy: it reads policies from a cache.
func awaitPolicy(admin, observer client.Client) {
	GinkgoHelper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "not-an-observers"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "any", Image: "any"}}},
	}
	Expect(admin.Create(context.Background(), pod)).To(Succeed())
	Eventually(func() error { return observer.Delete(context.Background(), pod, client.DryRunAll) }).
		WithTimeout(soon).Should(MatchError(ContainSubstring("not in mode Observe")))
}

// soon bounds what an API server does by itself.
const soon = 30 * time.Second

// own matches what a reconciler in mode Observe may write. foreign says to which Restores.
var own = regexp.MustCompile(`^(create|patch|patch status of) Rehoming$|^patch status of Restore$|^patch Restore$`)

// observed counts the reconciles in mode Observe of all specs, wrote those that reported.
var observed, wrote atomic.Int64

// observe has the observer reconcile carrot67 once.
func (e *env) observe() {
	GinkgoHelper()
	server := e.server
	var writes []string
	reconciler := e.reconcilerOf(interceptor.NewClient(cachedReads(server.observer, server.admin), e.observation(&writes)),
		interceptor.NewClient(server.observer, e.observation(&writes)))
	reconciler.Config = e.reconciler.Config
	key := types.NamespacedName{Namespace: e.namespace, Name: target}
	_, err := reconciler.Reconcile(logf.IntoContext(e.ctx, e.logger), ctrl.Request{NamespacedName: key})
	Expect(apierrors.IsForbidden(err)).To(BeFalse(), "%v", err)
	Expect(slices.DeleteFunc(slices.Clone(writes), own.MatchString)).To(BeEmpty())
	observed.Add(1)
	if len(writes) > 0 {
		wrote.Add(1)
	}
}

// setObserve sets mode Observe in a Namespace or a Rehoming, unless its mode is Disabled.
func setObserve(obj client.Object) {
	switch o := obj.(type) {
	case *metav1.PartialObjectMetadata:
		if o.Kind == "Namespace" && o.Annotations[v1alpha1.AnnotationMode] != string(configv1alpha1.Disabled) {
			metav1.SetMetaDataAnnotation(&o.ObjectMeta, v1alpha1.AnnotationMode, string(configv1alpha1.Observe))
		}
	case *v1alpha1.Rehoming:
		if o.Spec.Mode == string(configv1alpha1.Enforce) {
			o.Spec.Mode = string(configv1alpha1.Observe)
		}
	}
}

// observation sets mode Observe in all that the reconciler reads, records its writes, and sends them as dry runs.
func (e *env) observation(writes *[]string) interceptor.Funcs {
	return interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			err := c.Get(ctx, key, obj, opts...)
			if err == nil {
				setObserve(obj)
			}
			return err
		},
		List: e.interception().List,
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			*writes = append(*writes, "create "+kindOf(c, obj))
			return c.Create(ctx, obj, append(opts, client.DryRunAll)...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, p client.Patch, opts ...client.PatchOption) error {
			*writes = append(*writes, "patch "+kindOf(c, obj))
			return c.Patch(ctx, obj, p, append(opts, client.DryRunAll)...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			*writes = append(*writes, "delete "+kindOf(c, obj))
			return c.Delete(ctx, obj, append(opts, client.DryRunAll)...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, subResource string, obj client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			*writes = append(*writes, strings.Join([]string{"patch", subResource, "of", kindOf(c, obj)}, " "))
			return c.SubResource(subResource).Patch(ctx, obj, p, append(opts, client.DryRunAll)...)
		},
	}
}
