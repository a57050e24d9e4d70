package controllers_test

import (
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

var _ = besideKubeBlocks("Rules that restore Pods follow where volumes allow looser ones", func(e *env) {
	// volume makes a volume, tied to a node or not.
	volume := func(tied bool) string {
		GinkgoHelper()
		pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{GenerateName: "volume-"}}
		pv.Spec.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
		pv.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
		pv.Spec.HostPath = &corev1.HostPathVolumeSource{Path: "/data"}
		if tied {
			pv.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{"node1"}}},
			}}}}
		}
		Expect(e.admin.Create(e.ctx, pv)).To(Succeed())
		return pv.Name
	}
	// class makes a class that binds volumes at once, or where the Pod is.
	class := func(mode storagev1.VolumeBindingMode) string {
		GinkgoHelper()
		c := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{GenerateName: "class-"}, Provisioner: "example.com/any", VolumeBindingMode: &mode}
		Expect(e.admin.Create(e.ctx, c)).To(Succeed())
		return c.Name
	}

	DescribeTable("are relaxed in mode Auto", func(claimOf func(*corev1.PersistentVolumeClaim), relaxed bool) {
		h := e.stuckRestore(clusterRewritten)
		e.remove(h.pod, h.job, h.restore)
		e.reconciler.Config.RestorePods = configv1alpha1.Auto
		restore := rehometesting.MakeRestore(e.namespace, h.restore.GetName()).Of(h.component).Backup(backup).Policy(rehometesting.Apart(target)).Obj()
		e.create(restore)
		job := rehometesting.MakeJob(restore, "restore-preparedata-1").Claim("data").Obj()
		e.create(job)
		e.create(rehometesting.MakeRestorePod(restore, "restore-preparedata-1-x7k2p").Of(job).Unschedulable(unschedulable).Obj())
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: "data"}}
		claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
		claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
		claimOf(claim)
		Expect(e.admin.Create(e.ctx, claim)).To(Succeed())

		e.reconcile()

		Expect(slices.Contains(e.writes, "patch Restore "+restore.GetName())).To(Equal(relaxed))
	},
		Entry("where a volume can go anywhere", func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeName = volume(false) }, true),
		Entry("but not where a volume is tied to a node", func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeName = volume(true) }, false),
		Entry("where a class binds volumes at once", func(c *corev1.PersistentVolumeClaim) {
			c.Spec.StorageClassName = ptr.To(class(storagev1.VolumeBindingImmediate))
		}, true),
		Entry("but not where a class binds them where the Pod is", func(c *corev1.PersistentVolumeClaim) {
			c.Spec.StorageClassName = ptr.To(class(storagev1.VolumeBindingWaitForFirstConsumer))
		}, false),
	)
})
