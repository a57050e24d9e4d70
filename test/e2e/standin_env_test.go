package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/controlplane"
	"github.com/rehome-operator/rehome/test/controlplane/provisioner"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
	"github.com/rehome-operator/rehome/test/e2e/audit"
	"github.com/rehome-operator/rehome/test/e2e/chart"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/program"
	"github.com/rehome-operator/rehome/test/e2e/standin"
)

const (
	standinBackup = "bp1"
	restoredName  = "carrot67"
	// endTimeout bounds the time until a restore has ended as expected. The scheduler retries a Pod after ten seconds at the latest.
	endTimeout = 40 * time.Second
	// holdTime is how long it must not change then.
	holdTime = 3 * time.Second
)

// standinEnv is a control plane with a provisioner and the chart of Rehome, and with the kinds of KubeBlocks 1.2, which a stand-in plays.
type standinEnv struct {
	controlPlane *controlplane.ControlPlane
	admin        client.Client
	rehome       *chart.Release
	// namespaces are those that Rehome works in. None means all but those with an annotation.
	namespaces []string
}

func (e *standinEnv) start(ctx context.Context, name string) {
	dir, err := repository.Cache("e2e", strings.ReplaceAll(name, " ", "-"))
	Expect(err).NotTo(HaveOccurred())
	Expect(os.RemoveAll(dir)).To(Succeed())
	e.controlPlane, err = controlplane.Start(ctx, controlplane.Options{LogDir: dir, KwokConfig: fixture.Stages(), AuditPolicy: audit.Policy()})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(e.controlPlane.Stop)
	_, err = envtest.InstallCRDs(e.controlPlane.Config(), envtest.CRDInstallOptions{CRDs: rehometesting.V12().CRDs()})
	Expect(err).NotTo(HaveOccurred())
	stop, err := provisioner.Start(e.controlPlane.Config())
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(stop)
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	kubeblocks.AddToScheme(scheme, kubeblocks.AppsV1)
	v1alpha1.AddToScheme(scheme)
	e.admin, err = client.New(e.controlPlane.Config(), client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	e.rehome, err = chart.Install(ctx, e.controlPlane, e.namespaces...)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() {
		log, err := audit.Read(e.controlPlane.AuditLog())
		Expect(err).NotTo(HaveOccurred())
		Expect(audit.Check(log).Violations).To(BeEmpty())
		Expect(log.Forbidden()).To(BeEmpty())
	})
}

// standinWorld is a namespace with nodes of its own, on which a source runs.
type standinWorld struct {
	*standinEnv
	scenario
	// managed says that Rehome works on it.
	managed   bool
	namespace string
}

// scenario is a restore beside KubeBlocks 1.2.
type scenario struct {
	topology  provisioner.Topology
	immediate bool
	// taken counts the nodes with a Pod of the source. free are more nodes, which exist before the restore.
	taken int
	free  []controlplane.Node
	// spec returns the spec of a cluster whose rules name another one. The default has one component of three replicas.
	spec func(w *standinWorld, names string) map[string]any
	// restored changes the Cluster before it is created.
	restored func(cluster *unstructured.Unstructured)
	// rewritten has the Cluster beside Rehome created with rewritten rules, as the webhook does.
	rewritten bool
	// backupElsewhere has the Backup in another namespace.
	backupElsewhere bool
}

// newWorld creates a namespace with nodes of its own, and runs KubeBlocks for it.
func (e *standinEnv) newWorld(ctx context.Context, name string, managed bool, s scenario) *standinWorld {
	GinkgoHelper()
	w := &standinWorld{standinEnv: e, scenario: s, namespace: name, managed: managed}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if !managed {
		namespace.Annotations = map[string]string{v1alpha1.AnnotationMode: "Disabled"}
	}
	Expect(client.IgnoreAlreadyExists(e.admin.Create(ctx, namespace))).To(Succeed())
	for i := range w.taken {
		w.addNode(ctx, controlplane.Node{Name: fmt.Sprintf("n%d", i+1), Zone: fmt.Sprintf("%s-z%d", name, i+1)})
	}
	class := provisioner.NewClass(name, w.topology)
	if w.immediate {
		class = provisioner.NewImmediateClass(name, w.topology, poolLabel, name)
	}
	Expect(e.admin.Create(ctx, class)).To(Succeed())
	w.startKubeBlocks()
	return w
}

// startKubeBlocks runs the stand-in until the end of the spec.
func (w *standinWorld) startKubeBlocks() {
	GinkgoHelper()
	stop, err := standin.Start(w.controlPlane.Config(), w.namespace, func(err error) { GinkgoWriter.Println(err) })
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(stop)
}

// poolLabel is the label of the nodes of a world, and the node selector of its Pods.
const poolLabel = "pool"

func (w *standinWorld) addNode(ctx context.Context, node controlplane.Node) {
	GinkgoHelper()
	node.Name = w.namespace + "-" + node.Name
	if strings.Contains(node.Name, "slow") {
		node.Name = "slow-" + node.Name
	}
	node.Labels = map[string]string{poolLabel: w.namespace}
	Expect(w.controlPlane.AddNode(ctx, node)).To(Succeed())
}

// restore runs the source, backs it up and restores it.
func (w *standinWorld) restore(ctx context.Context) {
	GinkgoHelper()
	spec := w.spec
	if spec == nil {
		spec = func(w *standinWorld, names string) map[string]any {
			return map[string]any{"componentSpecs": []any{w.component(names, 3, nil)}}
		}
	}
	my1 := rehometesting.MakeCluster(rehometesting.V12(), w.namespace, plain).
		Spec(map[string]any{"componentSpecs": []any{w.component(plain, int64(w.taken), nil)}}).Obj()
	Expect(w.admin.Create(ctx, my1)).To(Succeed())
	Eventually(w.bound).WithContext(ctx).WithArguments(plain).WithTimeout(endTimeout).Should(Equal(w.taken), "the source runs")
	snapshot := my1.DeepCopy()
	snapshot.Object["spec"] = spec(w, plain)
	from := w.namespace
	if w.backupElsewhere {
		from = w.namespace + "-backups"
		Expect(client.IgnoreAlreadyExists(w.admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: from}}))).To(Succeed())
	}
	Expect(w.admin.Create(ctx, rehometesting.MakeBackup(from, standinBackup).Of(snapshot).Obj())).To(Succeed())
	for _, node := range w.free {
		w.addNode(ctx, node)
	}
	names := plain
	if w.rewritten && w.managed {
		names = restoredName
	}
	cluster := rehometesting.MakeCluster(rehometesting.V12(), w.namespace, restoredName).Spec(spec(w, names)).Source(from, standinBackup).Obj()
	if w.restored != nil {
		w.restored(cluster)
	}
	Expect(w.admin.Create(ctx, cluster)).To(Succeed())
}

// component returns a component whose Pods keep apart from each other's nodes, if its rules name its own cluster.
func (w *standinWorld) component(names string, replicas int64, more map[string]any) map[string]any {
	c := map[string]any{
		"name": "mysql", "replicas": replicas, "schedulingPolicy": w.apart(names),
		"volumeClaimTemplates": []any{map[string]any{"name": "data", "spec": map[string]any{"storageClassName": w.namespace}}},
	}
	maps.Copy(c, more)
	return c
}

// apart returns a policy for the nodes of the world that keeps off the nodes of a cluster.
func (w *standinWorld) apart(from string) map[string]any {
	policy := rehometesting.Apart(from)
	policy["nodeSelector"] = map[string]any{poolLabel: w.namespace}
	return policy
}

// databasePods returns the Pods of a cluster by name.
func (w *standinWorld) databasePods(ctx context.Context, cluster string) (map[string]*corev1.Pod, error) {
	var list corev1.PodList
	err := w.admin.List(ctx, &list, client.InNamespace(w.namespace), client.MatchingLabels{kubeblocks.LabelInstance: cluster})
	pods := map[string]*corev1.Pod{}
	for i := range list.Items {
		pods[list.Items[i].Name] = &list.Items[i]
	}
	return pods, err
}

// bound counts the Pods of a cluster that have nodes.
func (w *standinWorld) bound(ctx context.Context, cluster string) (int, error) {
	pods, err := w.databasePods(ctx, cluster)
	count := 0
	for _, pod := range pods {
		if pod.Spec.NodeName != "" && pod.DeletionTimestamp.IsZero() {
			count++
		}
	}
	return count, err
}

// uids returns the UIDs of the Pods of the restored cluster that have nodes.
func (w *standinWorld) uids(ctx context.Context) map[string]types.UID {
	GinkgoHelper()
	pods, err := w.databasePods(ctx, restoredName)
	Expect(err).NotTo(HaveOccurred())
	uids := map[string]types.UID{}
	for name, pod := range pods {
		if pod.Spec.NodeName != "" {
			uids[name] = pod.UID
		}
	}
	return uids
}

// ends expects that so many Pods have nodes in the end. Where that is none from the start, the scheduler must have refused all.
func (w *standinWorld) ends(ctx context.Context, bound int) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		pods, err := w.databasePods(ctx, restoredName)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(pods).NotTo(BeEmpty())
		g.Expect(w.bound(ctx, restoredName)).To(Equal(bound))
		for _, pod := range pods {
			g.Expect(pod.Spec.NodeName != "" || kubeblocks.Unschedulable(pod) != "").To(BeTrue(), "the scheduler has decided on "+pod.Name)
		}
	}).WithContext(ctx).WithTimeout(endTimeout).Should(Succeed(), w.namespace)
	Consistently(w.bound).WithContext(ctx).WithArguments(restoredName).WithTimeout(holdTime).Should(Equal(bound), w.namespace)
}

// condition returns a condition of the Rehoming as "status reason: message".
func (w *standinWorld) condition(ctx context.Context, conditionType string) (string, error) {
	rehoming := &v1alpha1.Rehoming{}
	if err := w.admin.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: restoredName}, rehoming); err != nil {
		return "", client.IgnoreNotFound(err)
	}
	c := meta.FindStatusCondition(rehoming.Status.Conditions, conditionType)
	if c == nil {
		return "", nil
	}
	return string(c.Status) + " " + c.Reason + ": " + c.Message, nil
}

// run runs Rehome until the end of the spec.
func (e *standinEnv) run(ctx context.Context) *program.Program {
	GinkgoHelper()
	p, err := e.rehome.Start(ctx, rehomeBinary)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(p.Stop)
	return p
}

// restorePods returns the Pods that restore volumes.
func (w *standinWorld) restorePods(ctx context.Context) ([]corev1.Pod, error) {
	var pods corev1.PodList
	err := w.admin.List(ctx, &pods, client.InNamespace(w.namespace), client.HasLabels{kubeblocks.LabelRestore})
	return pods.Items, err
}
