package placement_test

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/placement"
)

func TestPreflightChecks(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*placement.PreflightInput)
		fits   placement.Answer
		line   string
	}{
		"a Backup that failed": {
			func(in *placement.PreflightInput) { in.Manifest.Backup.Phase = "Failed" }, placement.No,
			"FAIL  Backup default/bp1 is Failed: KubeBlocks restores only what is Completed (RH014)",
		},
		"a Backup without a phase": {
			func(in *placement.PreflightInput) { in.Manifest.Backup.Phase = "" }, placement.Yes, "warn  Backup default/bp1 has no phase",
		},
		"a continuous Backup": {
			func(in *placement.PreflightInput) {
				in.Manifest.Backup.Phase = "Running"
				in.Manifest.Backup.Labels[kubeblocks.LabelBackupType] = kubeblocks.BackupContinuous
			}, placement.Yes, "ok    Backup default/bp1 is Continuous",
		},
		"the annotation on 1.2": {
			func(in *placement.PreflightInput) {
				in.Manifest.Version = kubeblocks.V12
				in.Given = &kubeblocks.Cluster{}
				in.Given.Annotations = map[string]string{kubeblocks.AnnotationRestoreFromBackup: "{}"}
			}, placement.No, "FAIL  Cluster carrot67 names no Backup in a way that KubeBlocks 1.2 reads: it creates an EMPTY database (RH007)",
		},
		"spec.restore on 1.2": {
			func(in *placement.PreflightInput) {
				in.Manifest.Version = kubeblocks.V12
				in.Given = &kubeblocks.Cluster{}
				in.Given.Spec.Restore = &kubeblocks.ClusterRestore{Source: kubeblocks.RestoreSource{Kind: "Backup", Name: "bp1"}}
			}, placement.Yes, "ok    KubeBlocks 1.2 restores by spec.restore",
		},
		"spec.restore of nothing on 1.2": {
			func(in *placement.PreflightInput) {
				in.Manifest.Version = kubeblocks.V12
				in.Given = &kubeblocks.Cluster{}
				in.Given.Spec.Restore = &kubeblocks.ClusterRestore{}
			}, placement.No, "FAIL  Cluster carrot67 names no Backup in a way that KubeBlocks 1.2 reads",
		},
		"spec.restore of another Backup on 1.2": {
			func(in *placement.PreflightInput) {
				in.Manifest.Version = kubeblocks.V12
				in.Given = &kubeblocks.Cluster{}
				in.Given.Spec.Restore = &kubeblocks.ClusterRestore{Source: kubeblocks.RestoreSource{Kind: "Backup", Name: "bp2"}}
			}, placement.No, "FAIL  Cluster carrot67 is restored from Backup default/bp2, not from default/bp1",
		},
		"the annotation": {
			annotated(`{"mysql":{"name":"bp1","namespace":"default"}}`, "mysql"), placement.Yes, "ok    KubeBlocks 1.0 restores by annotation",
		},
		"the annotation, and components of a topology": {
			annotated(`{"mysql":{"name":"bp1","namespace":"default"}}`), placement.Yes, "ok    KubeBlocks 1.0 restores by annotation",
		},
		"the annotation without a component": {annotated("{}", "mysql"), placement.No, "FAIL  Cluster carrot67 names no Backup"},
		"the annotation for another component": {
			annotated(`{"proxy":{"name":"bp1","namespace":"default"}}`, "mysql"), placement.No, "FAIL  Cluster carrot67 names no Backup",
		},
		"the annotation with another Backup": {
			annotated(`{"mysql":{"name":"bp1","namespace":"other"}}`, "mysql"), placement.No,
			"FAIL  Cluster carrot67 is restored from Backup other/bp1, not from default/bp1",
		},
		"the annotation in another form": {annotated(`{"mysql":"bp1"}`, "mysql"), placement.No, "FAIL  the Cluster's annotation"},
		"spec.restore on 1.0": {
			func(in *placement.PreflightInput) {
				in.Given = &kubeblocks.Cluster{}
				in.Given.Spec.Restore = &kubeblocks.ClusterRestore{Source: kubeblocks.RestoreSource{Kind: "Backup", Name: "bp1"}}
			}, placement.No, "creates an EMPTY database (RH007)",
		},
		"spec.restore beside the annotation on 1.0": {
			func(in *placement.PreflightInput) {
				annotated(`{"mysql":{"name":"bp2"}}`, "mysql")(in)
				in.Given.Spec.Restore = &kubeblocks.ClusterRestore{Source: kubeblocks.RestoreSource{Kind: "Backup", Name: "bp1"}}
			}, placement.No, "FAIL  Cluster carrot67 is restored from Backup default/bp2, not from default/bp1",
		},
		"another namespace on 1.2": {
			func(in *placement.PreflightInput) {
				in.Manifest.Version, in.Manifest.Target.Namespace = kubeblocks.V12, "other"
			}, placement.No, "FAIL  KubeBlocks 1.2 restores nothing from namespace default into other: the database starts EMPTY (RH016)",
		},
		"an assumed version": {
			func(in *placement.PreflightInput) { in.Assumed = true }, placement.Yes, "warn  KubeBlocks 1.0, as the snapshot shows, restores by annotation",
		},
		"a Cluster of the name": {
			func(in *placement.PreflightInput) { in.Existing = true }, placement.No, "FAIL  Cluster default/carrot67 exists",
		},
		"a missing namespace": {
			func(in *placement.PreflightInput) { in.Manifest.Target.Namespace = "gone" }, placement.No, "FAIL  namespace gone does not exist",
		},
		"a claim of the name": {
			func(in *placement.PreflightInput) {
				in.World.Claims = []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "data-carrot67-mysql-1"}}}
			}, placement.No, "FAIL  names are taken: PersistentVolumeClaim data-carrot67-mysql-1",
		},
		"a long name": {
			func(in *placement.PreflightInput) { in.Manifest.Target.Name = strings.Repeat("x", 60) }, placement.No,
			"FAIL  the name of Pod " + strings.Repeat("x", 60) + "-mysql-0 is longer than 63 characters",
		},
		"a missing class": {
			func(in *placement.PreflightInput) { in.World.Classes = nil }, placement.No, "FAIL  storage class zonal does not exist",
		},
		"classes that could not be read": {
			func(in *placement.PreflightInput) {
				in.World.Classes, in.World.Unread = nil, map[string]string{"storageclasses": "forbidden"}
			}, placement.Unknown, "warn  without all storageclasses, nobody knows where volumes can be mounted: no Pod was placed",
		},
		"a class without a provisioner, and volumes that could not be read": {
			func(in *placement.PreflightInput) {
				in.World.Classes[0].Provisioner = "kubernetes.io/no-provisioner"
				in.World.Unread = map[string]string{"persistentvolumes": "forbidden"}
			}, placement.Unknown, "warn  without all persistentvolumes, nobody knows",
		},
		"a driver with limited capacity that could not be read": {
			func(in *placement.PreflightInput) {
				in.World.CSIDrivers = []storagev1.CSIDriver{{
					ObjectMeta: metav1.ObjectMeta{Name: "zonal.example.com"}, Spec: storagev1.CSIDriverSpec{StorageCapacity: ptr.To(true)},
				}}
				in.World.Unread = map[string]string{"csistoragecapacities": "forbidden"}
			}, placement.Unknown, "warn  without all csistoragecapacities, nobody knows",
		},
		"volumes that could not be read and do not matter": {
			func(in *placement.PreflightInput) {
				in.World.Unread = map[string]string{"persistentvolumes": "forbidden", "csistoragecapacities": "forbidden"}
			}, placement.Yes, "warn  csistoragecapacities, persistentvolumes: forbidden",
		},
		"Pods that could not be read": {
			func(in *placement.PreflightInput) { in.World.Unread = map[string]string{"pods": "forbidden"} }, placement.Unknown,
			"warn  Pods that were not read can hold room",
		},
		"Pods that could not be read, and no room": {
			func(in *placement.PreflightInput) {
				in.World.Unread, in.World.Nodes = map[string]string{"pods": "forbidden"}, in.World.Nodes[:1]
				in.World.Nodes[0].Spec.Unschedulable = true
			}, placement.Unknown, "warn  pods: forbidden",
		},
		"no nodes": {
			func(in *placement.PreflightInput) { in.World.Nodes = nil }, placement.Unknown, "there are no nodes to place Pods on",
		},
		"a class without a provisioner on 1.2": {
			func(in *placement.PreflightInput) {
				in.Manifest.Version = kubeblocks.V12
				in.World.Classes[0].Provisioner = "kubernetes.io/no-provisioner"
			}, placement.No, "FAIL  KubeBlocks 1.2 cannot restore volumes of storage class zonal: it has no provisioner",
		},
		"a quota that is too small": {
			func(in *placement.PreflightInput) { in.World.Quotas = quota("requests.cpu", "4", "2") }, placement.No,
			"FAIL  quota small: requests.cpu needs 3 and has 2 left",
		},
		"a quota of a class": {
			func(in *placement.PreflightInput) {
				in.World.Quotas = quota("zonal.storageclass.storage.k8s.io/requests.storage", "20Gi", "0")
			}, placement.No, "requests.storage needs 30Gi and has 20Gi left",
		},
		"a quota that suffices": {
			func(in *placement.PreflightInput) { in.World.Quotas = quota("pods", "5", "2") }, placement.Yes, "ok    the quotas of the namespace suffice (1)",
		},
		"Pods of others that wait": {
			func(in *placement.PreflightInput) { run(in.World, "web", "", nil, "1") }, placement.Yes, "warn  Pods of others that wait and are not placed: 1. They can take room",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			in := inputOf(t, newWorld("z1", "z2", "z3"), components(mysql(3, "")))
			test.change(&in)
			report := preflight(t, in)
			g.Expect(textOf(report)).To(ContainSubstring(test.line))
			g.Expect(report.Fits).To(Equal(test.fits), textOf(report))
		})
	}
}

// annotated gives the Cluster to create an annotation, and components.
func annotated(annotation string, components ...string) func(*placement.PreflightInput) {
	return func(in *placement.PreflightInput) {
		in.Given = &kubeblocks.Cluster{}
		in.Given.Annotations = map[string]string{kubeblocks.AnnotationRestoreFromBackup: annotation}
		for _, name := range components {
			in.Given.Spec.ComponentSpecs = append(in.Given.Spec.ComponentSpecs, kubeblocks.ComponentSpec{Name: name})
		}
	}
}

func quota(name corev1.ResourceName, hard, used string) []corev1.ResourceQuota {
	return []corev1.ResourceQuota{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "small"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{name: resource.MustParse(hard)}},
		Status:     corev1.ResourceQuotaStatus{Used: corev1.ResourceList{name: resource.MustParse(used)}},
	}}
}
