package audit

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

func TestWhatIsKeptOfABackupIsJudgedAlike(t *testing.T) {
	g := NewWithT(t)
	b := backupOf(component("{}"))
	b.CreationTimestamp = metav1.Unix(1, 0)
	b.Labels[kubeblocks.LabelBackupClusterUID], b.Labels["other"], b.Annotations["other"] = "uid", "large", "large"
	none := &kubeblocks.Backup{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "bp1", Annotations: map[string]string{"other": "large"}}}

	for _, whole := range []*kubeblocks.Backup{b, none} {
		kept := BackupOf(&whole.ObjectMeta)

		g.Expect(Digest(kept)).To(Equal(Digest(whole)))
		g.Expect([]any{kept.Namespace, kept.Name, kept.CreationTimestamp}).To(Equal([]any{whole.Namespace, whole.Name, whole.CreationTimestamp}))
		g.Expect(kept.Labels).NotTo(HaveKey("other"))
		g.Expect(kept.Annotations).NotTo(HaveKey("other"))
	}
}
