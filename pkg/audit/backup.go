package audit

import (
	"crypto/sha256"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// BackupOf returns the part of a Backup's metadata that an audit needs. Its other labels can have a megabyte.
func BackupOf(m *metav1.ObjectMeta) *kubeblocks.Backup {
	b := &kubeblocks.Backup{ObjectMeta: metav1.ObjectMeta{Namespace: m.Namespace, Name: m.Name, CreationTimestamp: m.CreationTimestamp}}
	b.Labels, b.Annotations = map[string]string{}, map[string]string{}
	for _, key := range []string{kubeblocks.LabelInstance, kubeblocks.LabelBackupClusterUID} {
		b.Labels[key] = m.Labels[key]
	}
	if snapshot, ok := m.Annotations[kubeblocks.AnnotationClusterSnapshot]; ok {
		b.Annotations[kubeblocks.AnnotationClusterSnapshot] = snapshot
	}
	return b
}

// Digest covers all of a Backup that a Verdict depends on.
func Digest(b *kubeblocks.Backup) [sha256.Size]byte {
	snapshot, ok := b.Annotations[kubeblocks.AnnotationClusterSnapshot]
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%t%q%q%q", ok, b.Namespace, b.Labels[kubeblocks.LabelInstance], b.Labels[kubeblocks.LabelBackupClusterUID])
	for block := make([]byte, 4<<10); len(snapshot) > 0; { // a hash takes no string, and a copy of all of it is garbage
		n := copy(block, snapshot)
		_, _ = h.Write(block[:n])
		snapshot = snapshot[n:]
	}
	return [sha256.Size]byte(h.Sum(nil))
}
