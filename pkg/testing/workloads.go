package testing

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// JobWrapper builds a Job.
type JobWrapper struct{ obj *batchv1.Job }

// MakeJob starts a Job of a Restore.
func MakeJob(restore client.Object, name string) *JobWrapper {
	w := &JobWrapper{&batchv1.Job{}}
	w.obj.Namespace, w.obj.Name = restore.GetNamespace(), name
	w.obj.Labels = restoreLabels(restore)
	w.obj.Spec.Template.Labels = restoreLabels(restore)
	w.obj.Spec.Template.Spec = podSpec("restore")
	return w
}

// Obj returns the Job.
func (w *JobWrapper) Obj() *batchv1.Job { return w.obj }

// Succeeded counts a Pod that succeeded.
func (w *JobWrapper) Succeeded() *JobWrapper {
	w.obj.Status.Succeeded++
	return w
}

// Failed counts a Pod that failed.
func (w *JobWrapper) Failed() *JobWrapper {
	w.obj.Status.Failed++
	return w
}

// PodWrapper builds a Pod.
type PodWrapper struct{ obj *corev1.Pod }

// MakeRestorePod starts a Pod of a Restore.
func MakeRestorePod(restore client.Object, name string) *PodWrapper {
	return makePod(restore.GetNamespace(), name, restoreLabels(restore), "restore")
}

// MakeDatabasePod starts a database Pod of a Component.
func MakeDatabasePod(component client.Object, name string) *PodWrapper {
	return makePod(component.GetNamespace(), name, map[string]string{
		kubeblocks.LabelInstance:      component.GetLabels()[kubeblocks.LabelInstance],
		kubeblocks.LabelComponentName: component.GetLabels()[kubeblocks.LabelComponentName],
		kubeblocks.LabelManagedBy:     "kubeblocks",
	}, "database")
}

func makePod(namespace, name string, labels map[string]string, container string) *PodWrapper {
	w := &PodWrapper{&corev1.Pod{}}
	w.obj.Namespace, w.obj.Name, w.obj.Labels = namespace, name, labels
	w.obj.Spec = podSpec(container)
	return w
}

// Obj returns the Pod.
func (w *PodWrapper) Obj() *corev1.Pod { return w.obj }

// OnNode binds the Pod to a node.
func (w *PodWrapper) OnNode(name string) *PodWrapper {
	w.obj.Spec.NodeName = name
	return w
}

// Started says that a kubelet has seen the Pod.
func (w *PodWrapper) Started(at metav1.Time) *PodWrapper {
	w.obj.Status.StartTime = &at
	return w
}

// ContainerWaiting says that a kubelet is about to run the Pod's container.
func (w *PodWrapper) ContainerWaiting() *PodWrapper {
	w.obj.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name:  w.obj.Spec.Containers[0].Name,
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}},
	}}
	return w
}

func restoreLabels(restore client.Object) map[string]string {
	return map[string]string{
		kubeblocks.LabelRestore:       restore.GetName(),
		kubeblocks.LabelInstance:      restore.GetLabels()[kubeblocks.LabelInstance],
		kubeblocks.LabelComponentName: restore.GetLabels()[kubeblocks.LabelComponentName],
		kubeblocks.LabelManagedBy:     kubeblocks.ManagedByDataProtection,
	}
}

func podSpec(container string) corev1.PodSpec {
	return corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever,
		Containers:    []corev1.Container{{Name: container, Image: "registry.example/" + container}},
	}
}
