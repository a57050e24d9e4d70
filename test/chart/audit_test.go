package chart

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// expectAudit runs the installed CronJob's command as its service account.
func (s *server) expectAudit(t *testing.T) {
	t.Helper()
	g := NewWithT(t)
	source := rehometesting.MakeCluster(rehometesting.V10(), managed, "my1").Component("mysql", rehometesting.Apart("my1")).Obj()
	backup := rehometesting.MakeBackup(managed, "audited").Of(source).Obj()
	g.Expect(s.Create(t.Context(), backup)).To(Succeed())
	defer func() { g.Expect(s.Delete(t.Context(), backup)).To(Succeed()) }()
	job := &batchv1.CronJob{}
	g.Expect(s.Get(t.Context(), client.ObjectKey{Namespace: ownNamespace, Name: auditor}, job)).To(Succeed())
	pod := &corev1.Pod{Spec: job.Spec.JobTemplate.Spec.Template.Spec}
	pod.Namespace, pod.Name, pod.Labels = ownNamespace, auditor, job.Spec.JobTemplate.Spec.Template.Labels
	g.Expect(s.Create(t.Context(), pod, client.DryRunAll)).To(Succeed(), "the Namespace accepts restricted Pods only")
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	g.Expect(clientcmd.WriteToFile(kubeconfigOf(s.as(t, ownNamespace, auditor)), kubeconfig)).To(Succeed())

	out, err := output(exec.CommandContext(t.Context(), tool(t, "REHOME"), append(pod.Spec.Containers[0].Args, "--kubeconfig", kubeconfig)...))

	g.Expect(err).NotTo(HaveOccurred(), out)
	var report struct {
		Nodes   int
		Sources []struct{ Name, Outcome string }
	}
	g.Expect(json.Unmarshal([]byte(out), &report)).To(Succeed(), out)
	g.Expect(report.Nodes).To(Equal(2))
	g.Expect(report.Sources).To(ContainElement(struct{ Name, Outcome string }{"my1", "LosesSpread"}))
	page := &corev1.ConfigMap{}
	g.Expect(s.Get(t.Context(), client.ObjectKey{Namespace: ownNamespace, Name: auditor}, page)).To(Succeed())
	g.Expect(page.Data["audit.html"]).To(ContainSubstring("Which Backups will not restore?"))
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
