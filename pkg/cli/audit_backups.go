package cli

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// backupReader judges Backups while it lists them.
type backupReader struct {
	client rest.Interface
	judge  *audit.Judge
	// add gets the Backups one after another, in the order of the list.
	add func(*kubeblocks.Backup, *audit.Verdict)
}

// maxAhead limits the Backups that are read while an earlier one is judged. Each has a snapshot of 256 KiB at most.
const maxAhead = 32

// judged is a Backup with its verdict.
type judged struct {
	*kubeblocks.Backup
	*audit.Verdict
}

// read judges the Backups of a namespace, or of all for an empty one.
func (r *backupReader) read(ctx context.Context, namespace string) error {
	verdicts, added := make(chan (<-chan judged), maxAhead), make(chan struct{})
	go func() {
		defer close(added)
		for next := range verdicts {
			select {
			case j := <-next:
				r.add(j.Backup, j.Verdict)
			case <-ctx.Done(): // those that are being judged are not waited for
			}
		}
	}()
	path := listPath(kubeblocks.DataProtectionV1alpha1.String(), namespace, "backups")
	err := eachMetadata(ctx, r.client, path, func(m *metav1.PartialObjectMetadata) { verdicts <- r.start(m) })
	close(verdicts)
	<-added
	if err == nil {
		err = ctx.Err() // not all were added
	}
	return err
}

// start starts to judge a Backup.
func (r *backupReader) start(m *metav1.PartialObjectMetadata) <-chan judged {
	verdict, b := make(chan judged, 1), audit.BackupOf(&m.ObjectMeta)
	go func() { verdict <- judged{b, r.judge.Backup(b)} }()
	return verdict
}

// readAllowed judges the Backups of each namespace whose Backups may be listed. forbidden is the answer to a list of all.
func (r *backupReader) readAllowed(ctx context.Context, forbidden error) (hint string, err error) {
	names, err := namesOf(ctx, r.client, "/api/v1/namespaces")
	if err != nil {
		return "", fmt.Errorf(problemAuditForbidden, oneLine(forbidden))
	}
	allowed := 0
	for _, namespace := range names {
		err := r.read(ctx, namespace)
		if apierrors.IsForbidden(err) {
			continue
		}
		if err != nil {
			return "", reachError(err)
		}
		allowed++
	}
	if allowed == 0 {
		return "", fmt.Errorf(problemAuditForbidden, oneLine(forbidden))
	}
	return fmt.Sprintf(textCountedOnly, allowed, len(names)), nil
}
