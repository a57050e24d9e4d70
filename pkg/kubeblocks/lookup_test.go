package kubeblocks

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func restoredFrom(annotation string) *Cluster {
	return &Cluster{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: "carrot67",
		Annotations: map[string]string{AnnotationRestoreFromBackup: annotation},
	}}
}

func TestBackupsOfReturnsThoseOfTheAnnotationAndTheRestores(t *testing.T) {
	g := NewWithT(t)
	cluster := restoredFrom(`{"mysql":{"name":"bp2","namespace":"backups"},"proxy":{"name":"bp1","connectionPassword":"x"},"s":{"name":"bp4"}}`)
	cluster.Spec.ComponentSpecs = []ComponentSpec{{Name: "mysql"}, {Name: "proxy"}}
	cluster.Spec.Shardings = []Sharding{{Name: "s"}}
	restores := []Restore{
		{ObjectMeta: metav1.ObjectMeta{Namespace: "default"}, Spec: RestoreSpec{Backup: BackupRef{Name: "bp1"}}},
		{ObjectMeta: metav1.ObjectMeta{Namespace: "default"}, Spec: RestoreSpec{Backup: BackupRef{Name: "bp3", Namespace: "other"}}},
	}

	backups, err := BackupsOf(cluster, restores)

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(backups).To(Equal([]types.NamespacedName{
		{Namespace: "default", Name: "bp1"}, {Namespace: "other", Name: "bp3"}, {Namespace: "backups", Name: "bp2"}, {Namespace: "default", Name: "bp4"},
	}))
}

// Review: TestReviewManyNames, TestReviewLookNeverEnds.
func TestKeysOfTheAnnotationThatAreNoComponentCountAsNothing(t *testing.T) {
	g := NewWithT(t)
	var unknown string
	for i := range 1000 {
		unknown += fmt.Sprintf(`"x%d":{"name":"b%d"},`, i, i)
	}
	cluster := restoredFrom(`{` + unknown + `"mysql":{"name":"bp1"}}`)
	cluster.Spec.ComponentSpecs = []ComponentSpec{{Name: "mysql"}}

	backups, err := BackupsOf(cluster, nil)

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(backups).To(Equal([]types.NamespacedName{{Namespace: "default", Name: "bp1"}}))
}

func TestClusterThatWasNotRestoredHasNoBackups(t *testing.T) {
	g := NewWithT(t)

	backups, err := BackupsOf(&Cluster{}, nil)

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(backups).To(BeEmpty())
}

func TestInvalidRestoreAnnotationIsNeverQuoted(t *testing.T) {
	for _, annotation := range []string{
		`{"mysql":{"name":"bp1","connectionPassword":"hunter2"}`,
		`{"mysql":{"name":7,"connectionPassword":"hunter2"}}`,
		`hunter2`,
	} {
		g := NewWithT(t)

		_, err := BackupsOf(restoredFrom(annotation), nil)

		g.Expect(err).To(MatchError(ErrBadRestoreAnnotation))
		g.Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
	}
}

func TestOwnerComponentIsSetOnlyForRestoresOfItsVolumes(t *testing.T) {
	controller := true
	components := []Component{{ObjectMeta: metav1.ObjectMeta{Name: "carrot67-mysql", UID: "c1"}}}
	own := func() *Restore {
		return &Restore{
			ObjectMeta: metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{UID: "c1", Controller: &controller}}},
			Spec:       RestoreSpec{PrepareDataConfig: &PrepareDataConfig{}},
		}
	}
	NewWithT(t).Expect(OwnerComponent(own(), components)).To(HaveField("Name", "carrot67-mysql"))

	for name, change := range map[string]func(*Restore){
		"of stage postReady":        func(r *Restore) { r.Spec.PrepareDataConfig = nil },
		"of a single volume":        func(r *Restore) { r.Spec.PrepareDataConfig.DataSourceRef = &corev1.TypedLocalObjectReference{} },
		"of an operation, 1.0":      func(r *Restore) { r.Labels = map[string]string{LabelOpsRequestName: "rebuild"} },
		"of an operation, 0.9":      func(r *Restore) { r.Labels = map[string]string{LabelOpsRequestNameV09: "rebuild"} },
		"without an owner":          func(r *Restore) { r.OwnerReferences = nil },
		"of another cluster":        func(r *Restore) { r.OwnerReferences[0].UID = "c2" },
		"owned, but not controlled": func(r *Restore) { r.OwnerReferences[0].Controller = nil },
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			restore := own()
			change(restore)

			g.Expect(OwnerComponent(restore, components)).To(BeNil())
		})
	}
}
