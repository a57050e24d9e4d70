package standin

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// annotationSelectedNode is written by the scheduler.
const annotationSelectedNode = "volume.kubernetes.io/selected-node"

// populate restores the volume of each claim that is to be filled from a Backup.
func (k *KubeBlocks) populate(ctx context.Context) error {
	var claims corev1.PersistentVolumeClaimList
	if err := k.client.List(ctx, &claims, client.InNamespace(k.namespace)); err != nil {
		return err
	}
	for i := range claims.Items {
		claim := &claims.Items[i]
		if !isPopulated(claim) || !claim.DeletionTimestamp.IsZero() {
			continue
		}
		var err error
		if claim.Status.Phase == corev1.ClaimBound {
			err = k.finish(ctx, claim)
		} else {
			err = k.restore(ctx, claim)
		}
		if err != nil {
			return fmt.Errorf("restore claim %s: %w", claim.Name, err)
		}
	}
	return nil
}

// restore has a Job write the data into another volume, and gives that to the claim. Where the class waits for the first Pod, it does
// nothing before the scheduler has selected a node.
func (k *KubeBlocks) restore(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	class, err := k.class(ctx, *claim.Spec.StorageClassName)
	if err != nil {
		return err
	}
	node := claim.Annotations[annotationSelectedNode]
	if node == "" && kubeblocks.BindsLate(class) {
		return nil
	}
	if err := k.begin(ctx, claim); err != nil {
		return err
	}
	if err := k.ensureRestore(ctx, claim, node); err != nil {
		return err
	}
	var job batchv1.Job
	if err := k.client.Get(ctx, k.key(jobOf(claim)), &job); err != nil || job.Status.Succeeded == 0 {
		return err
	}
	var prime corev1.PersistentVolumeClaim
	if err := k.client.Get(ctx, k.key(primeOf(claim)), &prime); err != nil {
		return err
	}
	var pv corev1.PersistentVolume
	if err := k.client.Get(ctx, client.ObjectKey{Name: prime.Spec.VolumeName}, &pv); err != nil || pv.Spec.ClaimRef.UID == claim.UID {
		return err
	}
	pv.Spec.ClaimRef = &corev1.ObjectReference{
		APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
	}
	return k.client.Update(ctx, &pv)
}

// begin marks a claim as being populated.
func (k *KubeBlocks) begin(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if controllerutil.AddFinalizer(claim, kubeblocks.Finalizer) {
		if err := k.client.Update(ctx, claim); err != nil {
			return err
		}
	}
	return k.setConditions(ctx, claim, "Processing", corev1.ConditionUnknown)
}

// finish cleans up after a claim that is bound.
func (k *KubeBlocks) finish(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if controllerutil.RemoveFinalizer(claim, kubeblocks.Finalizer) {
		if err := k.client.Update(ctx, claim); err != nil {
			return err
		}
	}
	if err := k.setConditions(ctx, claim, "Succeed", corev1.ConditionTrue); err != nil {
		return err
	}
	if err := k.setPhase(ctx, primeOf(claim), kubeblocks.RestoreCompleted); err != nil {
		return err
	}
	prime := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: k.namespace, Name: primeOf(claim)}}
	return client.IgnoreNotFound(k.client.Delete(ctx, prime))
}

func (k *KubeBlocks) setConditions(ctx context.Context, claim *corev1.PersistentVolumeClaim, reason string, restore corev1.ConditionStatus) error {
	want := []corev1.PersistentVolumeClaimCondition{
		{Type: "Populating", Status: corev1.ConditionTrue, Reason: reason}, {Type: "Restore", Status: restore, Reason: reason},
	}
	same := func(a, b corev1.PersistentVolumeClaimCondition) bool {
		return a.Type == b.Type && a.Status == b.Status && a.Reason == b.Reason
	}
	if slices.EqualFunc(claim.Status.Conditions, want, same) {
		return nil
	}
	claim.Status.Conditions = want
	return k.client.Status().Update(ctx, claim)
}

// ensureRestore creates the Restore of a claim, the claim that its Job writes to, and the Job.
func (k *KubeBlocks) ensureRestore(ctx context.Context, claim *corev1.PersistentVolumeClaim, node string) error {
	owner := []metav1.OwnerReference{{APIVersion: "v1", Kind: "PersistentVolumeClaim", Name: claim.Name, UID: claim.UID}}
	scheduling := map[string]any{"tolerations": []any{map[string]any{"operator": "Exists"}}}
	prime := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: k.namespace, Name: primeOf(claim), OwnerReferences: owner},
		Spec:       claimSpec(*claim.Spec.StorageClassName),
	}
	if node != "" {
		scheduling["nodeSelector"] = map[string]any{corev1.LabelHostname: node}
		prime.Annotations = map[string]string{annotationSelectedNode: node}
	}
	restore := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"backup":            map[string]any{"name": claim.Spec.DataSourceRef.Name, "namespace": k.namespace},
		"prepareDataConfig": map[string]any{"schedulingSpec": scheduling, "dataSourceRef": map[string]any{"volumeSource": volume}},
	}}}
	restore.SetGroupVersionKind(kubeblocks.DataProtectionV1alpha1.WithKind("Restore"))
	restore.SetNamespace(k.namespace)
	restore.SetName(primeOf(claim))
	restore.SetOwnerReferences(owner)
	restore.SetFinalizers([]string{kubeblocks.Finalizer})
	for _, obj := range []client.Object{prime, restore} {
		if err := k.client.Create(ctx, obj); client.IgnoreAlreadyExists(err) != nil {
			return err
		}
	}
	if err := k.client.Get(ctx, client.ObjectKeyFromObject(restore), restore); err != nil {
		return err
	}
	if err := k.setPhase(ctx, restore.GetName(), kubeblocks.RestoreRunning); err != nil {
		return err
	}
	return client.IgnoreAlreadyExists(k.client.Create(ctx, newJob(claim, restore, node)))
}

func newJob(claim *corev1.PersistentVolumeClaim, restore *unstructured.Unstructured, node string) *batchv1.Job {
	labels := map[string]string{
		kubeblocks.LabelRestore: restore.GetName(), kubeblocks.LabelManagedBy: kubeblocks.ManagedByDataProtection,
	}
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{
		Namespace: claim.Namespace, Name: jobOf(claim), Labels: labels, OwnerReferences: controlledBy(restore),
	}}
	job.Spec.Template.Labels = labels
	job.Spec.Template.Spec = corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever,
		Tolerations:   []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
		Containers:    []corev1.Container{{Name: "restore", Image: "mysql:8.0"}},
		Volumes: []corev1.Volume{{Name: volume, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: primeOf(claim)},
		}}},
	}
	if node != "" {
		job.Spec.Template.Spec.NodeSelector = map[string]string{corev1.LabelHostname: node}
	}
	return job
}

// setPhase sets the phase of a Restore.
func (k *KubeBlocks) setPhase(ctx context.Context, name string, phase kubeblocks.RestorePhase) error {
	restore := &unstructured.Unstructured{}
	restore.SetGroupVersionKind(kubeblocks.DataProtectionV1alpha1.WithKind("Restore"))
	if err := k.client.Get(ctx, k.key(name), restore); err != nil {
		return err
	}
	if have, _, _ := unstructured.NestedString(restore.Object, "status", "phase"); have == string(phase) {
		return nil
	}
	change := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"status":{"phase":%q}}`, phase))
	return k.client.Status().Patch(ctx, restore, change)
}

// primeOf returns the name of the Restore of a claim, and of the claim that its Job writes to.
func primeOf(claim *corev1.PersistentVolumeClaim) string { return "kb-populate-" + string(claim.UID) }

func jobOf(claim *corev1.PersistentVolumeClaim) string {
	return fmt.Sprintf("restore-preparedata-%.8s-%s-0", claim.UID, claim.Spec.DataSourceRef.Name)
}

func (k *KubeBlocks) key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: k.namespace, Name: name}
}

// class reads a class once: it is immutable.
func (k *KubeBlocks) class(ctx context.Context, name string) (*storagev1.StorageClass, error) {
	if class := k.classes[name]; class != nil {
		return class, nil
	}
	class := &storagev1.StorageClass{}
	if err := k.client.Get(ctx, client.ObjectKey{Name: name}, class); err != nil {
		return nil, err
	}
	k.classes[name] = class
	return class, nil
}
