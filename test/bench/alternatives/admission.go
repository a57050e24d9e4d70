package alternatives

import (
	"context"
	"errors"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/test/bench/apiserver"
	"github.com/rehome-operator/rehome/test/bench/bench"
	"github.com/rehome-operator/rehome/test/bench/table"
	"github.com/rehome-operator/rehome/test/e2e/differential"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

const admissionSection = "Admission"

// The Namespaces in which Clusters are created: nothing, the policy, the webhook, or one of two floors changes them.
const plainNamespace, policyNamespace, webhookNamespace, floorNamespace, readingFloorNamespace = "plain", "policy", "webhook", "floor", "reading-floor"

// RunAdmission is a bench.Benchmark. It compares Rehome's webhook with the MutatingAdmissionPolicy: how much later a Cluster is
// admitted, and how many shapes come out right.
func RunAdmission(ctx context.Context, o bench.Options) (rows []table.Row, err error) {
	shapes, err := differential.Shapes()
	if err != nil {
		return nil, err
	}
	size := latencySize{bytes: []int{2 << 10, 206 << 10}, samples: 500, warmUp: 50}
	if o.Smoke {
		shapes, size = shapes[:smokeShapes], latencySize{bytes: []int{2 << 10, 206 << 10}, samples: 3, warmUp: 1}
	}
	o.Stepf("admission: start an API server")
	server, err := apiserver.Start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	e := &serverEnv{Options: o}
	if e.client, err = client.New(server.Config(), client.Options{}); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	if err := e.installPolicy(ctx, shapes[0]); err != nil {
		return nil, err
	}
	byPolicy, err := e.countRight(ctx, shapes, e.applyPolicy)
	if err != nil {
		return nil, err
	}
	program, configuration, err := e.startWebhook(ctx, server)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, program.Stop()) }()
	stopFloors, err := e.startFloors(ctx, configuration)
	defer stopFloors()
	if err != nil {
		return nil, err
	}
	if rows, err = e.latency(ctx, size); err != nil {
		return rows, err
	}
	if err := e.removePolicy(ctx, shapes[0]); err != nil {
		return rows, err
	}
	byWebhook, err := e.countRight(ctx, shapes, e.applyWebhook)
	if err != nil {
		return rows, err
	}
	return append(rows, table.Row{
		Section: admissionSection, What: "shapes of the differential table right when they are stored",
		Rehome: float64(byWebhook), Against: "MutatingAdmissionPolicy", Other: float64(byPolicy), Note: fmt.Sprintf("of %d", len(shapes)),
	}), nil
}

func (e *serverEnv) countRight(
	ctx context.Context, shapes []differential.Shape, admit func(context.Context, *differential.Case) (differential.Verdict, error),
) (right int, err error) {
	e.Stepf("admission: create a Cluster of each of %d shapes", len(shapes))
	for i := range shapes {
		c, err := caseOf(shapes[i])
		if err != nil {
			return right, err
		}
		verdict, err := admit(ctx, c)
		if err != nil {
			return right, fmt.Errorf("shape %s: %w", c.Name, err)
		}
		if verdict.Right {
			right++
		} else {
			e.Stepf("admission: shape %s: %s", c.Name, verdict.Text)
		}
	}
	return right, nil
}

// startWebhook starts Rehome with its webhook, which answers for all Namespaces but those that are measured without it. It returns the
// webhook's configuration, too.
func (e *serverEnv) startWebhook(
	ctx context.Context, server *apiserver.Server,
) (*apiserver.Program, *admissionregistrationv1.MutatingWebhookConfiguration, error) {
	flag, err := rehome.InstallWebhook(ctx, server.Config())
	if err != nil {
		return nil, nil, err
	}
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{}
	if err := e.client.Get(ctx, client.ObjectKey{Name: "rehome-webhook"}, configuration); err != nil {
		return nil, nil, fmt.Errorf("get the webhook's configuration: %w", err)
	}
	for i := range configuration.Webhooks {
		configuration.Webhooks[i].NamespaceSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
			Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpNotIn,
			Values: []string{plainNamespace, policyNamespace, probeNamespace, floorNamespace, readingFloorNamespace},
		}}}
	}
	if err := e.client.Update(ctx, configuration); err != nil {
		return nil, nil, fmt.Errorf("update the webhook's configuration: %w", err)
	}
	installation, err := server.InstallRehome(ctx)
	if err != nil {
		return nil, nil, err
	}
	program, err := installation.StartWith(ctx, e.Rehome, flag)
	return program, configuration, err
}

// removePolicy unbinds the policy, and waits until it changes nothing.
func (e *serverEnv) removePolicy(ctx context.Context, shape differential.Shape) error {
	binding := &unstructured.Unstructured{}
	binding.SetAPIVersion("admissionregistration.k8s.io/v1")
	binding.SetKind("MutatingAdmissionPolicyBinding")
	binding.SetName("own-instance")
	if err := e.client.Delete(ctx, binding); err != nil {
		return fmt.Errorf("delete the policy's binding: %w", err)
	}
	return e.awaitPolicy(ctx, shape, false)
}

// applyWebhook creates a Cluster of a shape where the webhook answers, in a dry run, and judges its rules.
func (e *serverEnv) applyWebhook(ctx context.Context, c *differential.Case) (verdict differential.Verdict, err error) {
	for _, name := range []string{c.From, c.To} {
		if err := createNamespace(ctx, e.client, name, nil); err != nil {
			return verdict, err
		}
	}
	cluster, err := restoredFrom(c, c.To)
	if err != nil {
		return verdict, err
	}
	if err := client.IgnoreNotFound(e.client.Delete(ctx, cluster.DeepCopy())); err != nil {
		return verdict, fmt.Errorf("delete the Cluster of the policy: %w", err)
	}
	if err := e.client.Create(ctx, c.Backup); err != nil {
		return verdict, fmt.Errorf("create the Backup: %w", err)
	}
	defer func() { err = errors.Join(err, e.client.Delete(ctx, c.Backup)) }()
	if err := e.awaitWebhook(ctx, c.To); err != nil {
		return verdict, err
	}
	if err := e.client.Create(ctx, cluster, client.DryRunAll); err != nil {
		return verdict, fmt.Errorf("create the Cluster: %w", err)
	}
	return judge(c, cluster)
}

// restoredFrom is restoredCluster for a Backup in the shape's own Namespace.
func restoredFrom(c *differential.Case, namespace string) (*unstructured.Unstructured, error) {
	cluster, err := restoredCluster(c, namespace, differential.Target)
	if err != nil {
		return nil, err
	}
	annotations := cluster.GetAnnotations()
	annotations[restoreAnnotation] = fmt.Sprintf(`{%q:{"name":%q,"namespace":%q}}`, component, differential.Backup, c.From)
	cluster.SetAnnotations(annotations)
	return cluster, nil
}

// awaitWebhook waits until the webhook answers in a Namespace.
func (e *serverEnv) awaitWebhook(ctx context.Context, namespace string) error {
	s := sample{namespace: namespace, name: "probe"}
	if err := e.client.Create(ctx, s.backup()); client.IgnoreAlreadyExists(err) != nil {
		return fmt.Errorf("create a Backup to probe the webhook: %w", err)
	}
	err := wait.PollUntilContextTimeout(ctx, activeInterval, activeTimeout, true, func(ctx context.Context) (bool, error) {
		probe := s.cluster()
		err := e.client.Create(ctx, probe, client.DryRunAll)
		_, answered := probe.GetAnnotations()[v1alpha1.AnnotationRewrittenRules]
		return answered, err
	})
	if err != nil {
		return fmt.Errorf("wait until the webhook answers in Namespace %s: %w", namespace, err)
	}
	return nil
}
