package operator

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/watchlist"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// backupMetadata returns the metadata of a Backup whose snapshot has a size.
func backupMetadata(name string, size int) *metav1.PartialObjectMetadata {
	b := &metav1.PartialObjectMetadata{}
	b.Namespace, b.Name = "analytics-prod", name
	b.Labels = map[string]string{kubeblocks.LabelInstance: "my1"}
	spec := `{"metadata":{"name":"my1","namespace":"analytics-prod"},"spec":{"componentSpecs":[{"name":"mysql","env":"`
	b.Annotations = map[string]string{kubeblocks.AnnotationClusterSnapshot: spec + strings.Repeat("x", size-len(spec)-5) + `"}]}}`}
	return b
}

// countingJudge returns a count, and the names of the Backups that were judged.
func countingJudge() (*backupCount, *[]string) {
	judged := &[]string{}
	judge := audit.NewJudge(audit.Facts{})
	return &backupCount{judge: func(b *kubeblocks.Backup) audit.Outcome {
		*judged = append(*judged, b.Name)
		return judge.Backup(b).Outcome
	}}, judged
}

func TestBackupsAreCountedOnceAllWereRead(t *testing.T) {
	g := NewWithT(t)
	count, _ := countingJudge()
	shop, bank := count.newStore(), count.newStore()
	g.Expect(shop.Add(backupMetadata("bp1", 4096))).To(Succeed())
	g.Expect(shop.Replace([]any{backupMetadata("bp1", 4096)}, "1")).To(Succeed())
	g.Expect(count.byOutcome()).To(BeNil(), "the other Namespace was not read")
	g.Expect(bank.Replace(nil, "1")).To(Succeed())
	g.Expect(count.byOutcome()).To(Equal(map[audit.Outcome]int{audit.Fine: 1}))

	empty := backupMetadata("bp2", 4096)
	empty.Annotations = nil
	g.Expect(bank.Add(empty)).To(Succeed())
	g.Expect(count.byOutcome()).To(Equal(map[audit.Outcome]int{audit.Fine: 1, audit.Unreadable: 1}))

	broken := backupMetadata("bp1", 4096)
	broken.Annotations[kubeblocks.AnnotationClusterSnapshot] = "{"
	g.Expect(shop.Update(broken)).To(Succeed())
	g.Expect(count.byOutcome()).To(Equal(map[audit.Outcome]int{audit.Unreadable: 2}))

	g.Expect(shop.Delete(broken)).To(Succeed())
	g.Expect(bank.Replace(nil, "2")).To(Succeed(), "a list after a watch that ended")
	g.Expect(count.byOutcome()).To(BeEmpty())
}

func TestABackupIsJudgedAgainOnlyWhenItsSnapshotChanges(t *testing.T) {
	g := NewWithT(t)
	count, judged := countingJudge()
	store := count.newStore()
	b := backupMetadata("bp1", 4096)
	g.Expect(store.Add(b)).To(Succeed())
	b.ResourceVersion, b.Annotations["dataprotection.kubeblocks.io/progress"] = "2", "50%"
	g.Expect(store.Update(b)).To(Succeed())
	g.Expect(*judged).To(HaveLen(1))

	g.Expect(store.Update(backupMetadata("bp1", 5000))).To(Succeed())
	g.Expect(*judged).To(HaveLen(2))
}

// heap returns the bytes that are in use.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers hold
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func TestABackupTakesAtMost200BytesWhateverItsSize(t *testing.T) {
	const backups = 4000
	for _, size := range []int{4 << 10, 200 << 10} {
		t.Run(fmt.Sprintf("%d KiB", size>>10), func(t *testing.T) {
			g := NewWithT(t)
			// One judgement for all: it is the memory that is measured.
			count := &backupCount{judge: func(*kubeblocks.Backup) audit.Outcome { return audit.Hangs }}
			store := count.newStore()
			before := heap()
			lister := &backupLister{note: store.note, list: pagesOf(backups, size, nil)}
			list, err := lister.List(metav1.ListOptions{ResourceVersion: "0"})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(list.(*metav1.PartialObjectMetadataList).Items).To(HaveLen(backups))
			listed := (heap() - before) / backups
			runtime.KeepAlive(list)
			list = nil //nolint:ineffassign,wastedassign // the reflector drops it, too
			each := (heap() - before) / backups

			t.Logf("%d bytes for each of %d Backups of %d KiB, and %d while they are listed", each, backups, size>>10, listed)
			g.Expect(listed).To(BeNumerically("<=", 1024))
			g.Expect(each).To(BeNumerically(">", 8), "the measurement works")
			g.Expect(each).To(BeNumerically("<=", 200))
			g.Expect(store.judged).To(HaveLen(backups))
		})
	}
}

// pages answers a list.
type pages = func(context.Context, metav1.ListOptions) (*metav1.PartialObjectMetadataList, error)

// pagesOf lists Backups with long names in pages, and creates those of a page when it is asked for.
func pagesOf(backups, size int, asked func(metav1.ListOptions)) pages {
	snapshot := backupMetadata("", size).Annotations[kubeblocks.AnnotationClusterSnapshot]
	return pagesWith(backups, asked, func(_ int, b *metav1.PartialObjectMetadata) {
		b.Annotations = map[string]string{kubeblocks.AnnotationClusterSnapshot: strings.Clone(snapshot)}
	})
}

// pagesWith is pagesOf for Backups that fill fills.
func pagesWith(backups int, asked func(metav1.ListOptions), fill func(i int, b *metav1.PartialObjectMetadata)) pages {
	return func(_ context.Context, o metav1.ListOptions) (*metav1.PartialObjectMetadataList, error) {
		if asked != nil {
			asked(o)
		}
		page, from := &metav1.PartialObjectMetadataList{}, 0
		_, _ = fmt.Sscan(o.Continue, &from)
		for i := from; i < backups && i < from+int(o.Limit); i++ {
			b := &metav1.PartialObjectMetadata{}
			b.Namespace, b.Name = "analytics-prod", fmt.Sprintf("%s-%d", strings.Repeat("long", 50), i)
			fill(i, b)
			page.Items = append(page.Items, *b)
		}
		page.ResourceVersion = "7"
		if next := from + len(page.Items); next < backups {
			page.Continue = fmt.Sprint(next)
		}
		return page, nil
	}
}

// TestNoPageOfBackupsIsLargerThan25MiB has small Backups before those of a tenant, which are as large as etcd stores them.
func TestNoPageOfBackupsIsLargerThan25MiB(t *testing.T) {
	const maxPage, maxObject, backups = 25 << 20, 3 << 19, 600
	labels := map[string]string{}
	for i := range maxObject / 100 {
		labels[fmt.Sprintf("label-%d", i)] = strings.Repeat("x", 63) + strings.Repeat("y", 16)
	}
	annotations := func(size int) map[string]string {
		return map[string]string{kubeblocks.AnnotationClusterSnapshot: strings.Repeat("x", size)}
	}
	for name, large := range map[string]metav1.ObjectMeta{
		"small":           {Annotations: annotations(4 << 10)},
		"large snapshots": {Annotations: annotations(250 << 10)},
		"large labels":    {Labels: labels},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			list := pagesWith(backups, nil, func(i int, b *metav1.PartialObjectMetadata) {
				if i > backups/2 {
					b.Labels, b.Annotations = large.Labels, large.Annotations
				}
			})
			noted := 0
			lister := &backupLister{note: func(*metav1.PartialObjectMetadata) { noted++ }}
			lister.list = func(ctx context.Context, o metav1.ListOptions) (*metav1.PartialObjectMetadataList, error) {
				g.Expect(o.ResourceVersion).To(BeEmpty(), "an API server ignores the limit otherwise")
				page, err := list(ctx, o)
				g.Expect(page.Size()).To(BeNumerically("<=", maxPage))
				return page, err
			}

			all, err := lister.ListWithContext(t.Context(), metav1.ListOptions{ResourceVersion: "0", Limit: 500})

			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(all.(*metav1.PartialObjectMetadataList).ResourceVersion).To(Equal("7"))
			g.Expect(noted).To(Equal(backups))
			g.Expect(watchlist.DoesClientNotSupportWatchListSemantics(lister)).To(BeTrue())
		})
	}
}

func TestAListThatExpiresGoesOnWhereItStopped(t *testing.T) {
	g := NewWithT(t)
	count, judged := countingJudge()
	store := count.newStore()
	expires, all := true, pagesOf(100, 4096, nil)
	lister := &backupLister{note: store.note}
	lister.list = func(ctx context.Context, o metav1.ListOptions) (*metav1.PartialObjectMetadataList, error) {
		if expires && o.Continue != "" {
			expires = false
			return nil, apierrors.NewResourceExpired("too old")
		}
		return all(ctx, o)
	}
	_, err := lister.ListWithContext(t.Context(), metav1.ListOptions{})
	g.Expect(apierrors.IsResourceExpired(err)).To(BeTrue())
	_, err = lister.ListWithContext(t.Context(), metav1.ListOptions{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(*judged).To(HaveLen(100), "none is judged twice")
}
