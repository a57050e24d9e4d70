package chart

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// expectAudit runs the installed CronJob's command as its service account, and then without each of its rights.
func (s *server) expectAudit(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	source := rehometesting.MakeCluster(rehometesting.V10(), managed, "my1").Component("mysql", rehometesting.Apart("my1")).Obj()
	backup := rehometesting.MakeBackup(managed, "audited").Of(source).Obj()
	g.Expect(s.Create(t.Context(), backup)).To(Succeed())
	defer func() { g.Expect(s.Delete(t.Context(), backup)).To(Succeed()) }()
	command := s.auditCommand(t)

	g.Expect(s.audit(t, command)).To(Succeed())

	page := &corev1.ConfigMap{}
	g.Expect(s.Get(t.Context(), client.ObjectKey{Namespace: ownNamespace, Name: auditor}, page)).To(Succeed())
	g.Expect(page.Data["audit.html"]).To(ContainSubstring("Which Backups will not restore?"))
	for role, message := range map[string]string{"nodes": "nodes", "backups": "backups", "report": "configmaps"} {
		bind := s.unbind(t, auditor+"-"+role)
		g.Eventually(func() error { return s.audit(t, command) }).WithTimeout(soon).Should(MatchError(ContainSubstring(message)), role)
		bind()
		g.Eventually(func() error { return s.audit(t, command) }).WithTimeout(soon).Should(Succeed(), role)
	}
}

// auditCommand returns the arguments of the CronJob's container, and those that make it use its service account.
func (s *server) auditCommand(t *testing.T) []string {
	t.Helper()
	g := NewWithT(t)
	job := &batchv1.CronJob{}
	g.Expect(s.Get(t.Context(), client.ObjectKey{Namespace: ownNamespace, Name: auditor}, job)).To(Succeed())
	pod := &corev1.Pod{Spec: job.Spec.JobTemplate.Spec.Template.Spec}
	pod.Namespace, pod.Name, pod.Labels = ownNamespace, auditor, job.Spec.JobTemplate.Spec.Template.Labels
	g.Expect(s.Create(t.Context(), pod, client.DryRunAll)).To(Succeed(), "the Namespace accepts restricted Pods only")
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	g.Expect(clientcmd.WriteToFile(kubeconfigOf(s.as(t, ownNamespace, auditor)), kubeconfig)).To(Succeed())
	return append(pod.Spec.Containers[0].Args, "--kubeconfig", kubeconfig)
}

// audit runs the command, and returns an error if it reports less than there is.
func (s *server) audit(t *testing.T, command []string) error {
	t.Helper()
	out, err := output(exec.CommandContext(t.Context(), tool(t, "REHOME"), command...))
	if err != nil {
		return err
	}
	type source struct{ Name, Outcome string }
	var report struct {
		Nodes   int
		Sources []source
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if report.Nodes != 2 || !slices.Contains(report.Sources, source{"my1", "LosesSpread"}) {
		return fmt.Errorf("incomplete: %s", out)
	}
	return nil
}

// unbind deletes the bindings of a name, and returns how to create them again.
func (s *server) unbind(t *testing.T, name string) (bind func()) {
	t.Helper()
	g := NewWithT(t)
	var deleted []*unstructured.Unstructured
	for _, kind := range []string{"ClusterRoleBinding", "RoleBinding"} {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(rbacv1.SchemeGroupVersion.WithKind(kind + "List"))
		g.Expect(s.List(t.Context(), list, client.MatchingFields{"metadata.name": name})).To(Succeed())
		for i := range list.Items {
			g.Expect(s.Delete(t.Context(), &list.Items[i])).To(Succeed())
			deleted = append(deleted, &list.Items[i])
		}
	}
	g.Expect(deleted).NotTo(BeEmpty(), name)
	return func() {
		for _, binding := range deleted {
			binding.SetResourceVersion("")
			g.Expect(s.Create(t.Context(), binding)).To(Succeed())
		}
	}
}

func TestAnAuditWritesItsReportToTheVolume(t *testing.T) {
	g := NewWithT(t)
	rendered := parse(t, rendered(t, "audit: {enabled: true, report: {volume: {persistentVolumeClaim: {claimName: reports}}}}")).only(t, "CronJob")
	job := &batchv1.CronJob{}
	g.Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(rendered.Object, job)).To(Succeed())
	pod := job.Spec.JobTemplate.Spec.Template.Spec

	g.Expect(pod.Volumes).To(HaveLen(1))
	g.Expect(pod.Volumes[0].PersistentVolumeClaim).To(HaveField("ClaimName", "reports"))
	g.Expect(pod.Containers[0].VolumeMounts).To(HaveExactElements(corev1.VolumeMount{Name: pod.Volumes[0].Name, MountPath: "/report"}))
	g.Expect(pod.Containers[0].Args).To(ContainElement("--html-file=/report/audit.html"))
}
