package testing

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// JobWrapper builds a Job.
type JobWrapper struct{ obj *batchv1.Job }

// MakeJob starts a Job of an existing Restore.
func MakeJob(restore client.Object, name string) *JobWrapper {
	w := &JobWrapper{&batchv1.Job{}}
	w.obj.Namespace, w.obj.Name = restore.GetNamespace(), name
	w.obj.Labels = restoreLabels(restore)
	w.obj.Spec.Template.Labels = restoreLabels(restore)
	w.obj.Spec.Template.Spec = podSpec("restore")
	w.obj.Finalizers = []string{kubeblocks.Finalizer}
	w.obj.OwnerReferences = []metav1.OwnerReference{
		*metav1.NewControllerRef(restore, kubeblocks.DataProtectionV1alpha1.WithKind("Restore")),
	}
	w.Rules(restore)
	return w
}

// Rules copies the scheduling rules of a Restore to the Job, as KubeBlocks does.
func (w *JobWrapper) Rules(restore client.Object) *JobWrapper {
	setRules(&w.obj.Spec.Template.Spec, restore, "spec", "prepareDataConfig", "schedulingSpec")
	return w
}

// Claim adds a claim to the Job's Pods.
func (w *JobWrapper) Claim(name string) *JobWrapper {
	addClaim(&w.obj.Spec.Template.Spec, name)
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

// Of makes an existing object the Pod's controller. It copies the rules and volumes of a Job.
func (w *PodWrapper) Of(owner client.Object) *PodWrapper {
	gvk := schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}
	if job, ok := owner.(*batchv1.Job); ok {
		w.obj.Spec.Affinity, w.obj.Spec.Volumes = job.Spec.Template.Spec.Affinity, job.Spec.Template.Spec.Volumes
		w.obj.Spec.TopologySpreadConstraints = job.Spec.Template.Spec.TopologySpreadConstraints
	} else {
		gvk = owner.GetObjectKind().GroupVersionKind()
	}
	w.obj.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, gvk)}
	return w
}

// Rules copies the scheduling rules at a path of an unstructured object to the Pod.
func (w *PodWrapper) Rules(of client.Object, path ...string) *PodWrapper {
	setRules(&w.obj.Spec, of, path...)
	return w
}

// Claim adds a claim to the Pod.
func (w *PodWrapper) Claim(name string) *PodWrapper {
	addClaim(&w.obj.Spec, name)
	return w
}

// Label sets a label.
func (w *PodWrapper) Label(key, value string) *PodWrapper {
	w.obj.Labels[key] = value
	return w
}

// Pending sets the phase of a Pod without a node. It has no condition before the scheduler has decided, and while it binds volumes.
func (w *PodWrapper) Pending() *PodWrapper {
	w.obj.Status.Phase = corev1.PodPending
	return w
}

// Unschedulable sets the condition of a Pod that the scheduler finds no node for.
func (w *PodWrapper) Unschedulable(message string) *PodWrapper {
	w.obj.Status.Phase = corev1.PodPending
	w.obj.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: message,
	}}
	return w
}

// Obj returns the Pod.
func (w *PodWrapper) Obj() *corev1.Pod { return w.obj }

// OnNode binds the Pod to a node.
func (w *PodWrapper) OnNode(name string) *PodWrapper {
	w.obj.Spec.NodeName = name
	return w
}

// Started sets the start time, as a kubelet does.
func (w *PodWrapper) Started(at metav1.Time) *PodWrapper {
	w.obj.Status.StartTime = &at
	return w
}

// ContainerWaiting sets the status of a container that a kubelet is about to run.
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

// setRules copies the scheduling rules at a path of an unstructured object, if there are any.
func setRules(spec *corev1.PodSpec, of client.Object, path ...string) {
	obj, ok := of.(*unstructured.Unstructured)
	if !ok {
		return
	}
	policy, found, err := unstructured.NestedMap(obj.Object, path...)
	if err != nil {
		panic(err)
	}
	if !found {
		return
	}
	rules := &kubeblocks.SchedulingPolicy{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(policy, rules); err != nil {
		panic(err)
	}
	spec.Affinity, spec.TopologySpreadConstraints = rules.Affinity, rules.TopologySpreadConstraints
}

func addClaim(spec *corev1.PodSpec, name string) {
	spec.Volumes = append(spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name},
	}})
}
