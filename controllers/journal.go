package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/remedy"
)

// journal is all Clusters' ledgers by time. It is a copy: a process that needs it for the first time makes it of the ledgers,
// and from then on enters what it is about to write into them. Only the leader writes. The line is in no ledger: it only spreads the
// moments at which Clusters look for a token.
type journal struct {
	// turn is held from looking at what was done to all Clusters until what is to be done to one more is entered: of two that look
	// at the same moment, both would take the last token.
	turn sync.Mutex

	sync.Mutex
	made    bool
	entries []entry
	// line holds the Clusters that wait for their turn, in the order in which they came.
	line []types.NamespacedName
}

// entry is one attempt.
type entry struct {
	namespace string
	// key is remedy's Charge.Key.
	key string
	at  metav1.Time
}

// enter keeps the order of time: several Clusters are looked at at once.
func (j *journal) enter(e entry) {
	j.Lock()
	defer j.Unlock()
	i, _ := slices.BinarySearchFunc(j.entries, e, byTime)
	j.entries = slices.Insert(j.entries, i, e)
}

func byTime(a, b entry) int { return a.at.Compare(b.at.Time) }

// drop takes out what was entered and then not written.
func (j *journal) drop(e entry) {
	j.Lock()
	defer j.Unlock()
	j.entries = slices.DeleteFunc(j.entries, func(other entry) bool { return other == e })
}

// read returns all entries in order of time; the journal is made of Clusters unless it is there.
func (j *journal) read(clusters func() ([]kubeblocks.Cluster, error)) ([]entry, error) {
	j.Lock()
	defer j.Unlock()
	if !j.made {
		list, err := clusters()
		if err != nil {
			return nil, err
		}
		j.entries = nil
		for i := range list {
			j.entries = append(j.entries, entriesOf(&list[i])...)
		}
		slices.SortStableFunc(j.entries, byTime)
		j.made = true
	}
	return slices.Clone(j.entries), nil
}

// ahead returns how many Clusters stand before one in the line, or would if it came now.
func (j *journal) ahead(cluster types.NamespacedName) int {
	j.Lock()
	defer j.Unlock()
	if i := slices.Index(j.line, cluster); i >= 0 {
		return i
	}
	return len(j.line)
}

// lineUp has a Cluster stand in the line, or not.
func (j *journal) lineUp(cluster types.NamespacedName, waits bool) {
	j.Lock()
	defer j.Unlock()
	i := slices.Index(j.line, cluster)
	switch {
	case waits && i < 0:
		j.line = append(j.line, cluster)
	case !waits && i >= 0:
		j.line = slices.Delete(j.line, i, i+1)
	}
}

// entry is that of an attempt which is made now.
func (s *scene) entry(c *remedy.Charge) entry {
	return entry{s.cluster.Namespace, c.Key, s.observation.Now}
}

func entriesOf(c *kubeblocks.Cluster) []entry {
	var entries []entry
	for key, attempts := range ledgerOf(c).Attempts {
		for _, a := range attempts {
			entries = append(entries, entry{c.Namespace, key, a.At})
		}
	}
	return entries
}

func ledgerOf(c *kubeblocks.Cluster) remedy.Ledger {
	return remedy.ReadLedger(c.Annotations[v1alpha1.AnnotationLedger], c.UID)
}

// recent returns what was done lately to all Clusters, and what became of it.
func (r *ClusterReconciler) recent(ctx context.Context) (remedy.Recent, error) {
	entries, err := r.journal.read(func() ([]kubeblocks.Cluster, error) {
		var list kubeblocks.ClusterList
		err := r.Client.List(ctx, &list)
		return list.Items, err
	})
	if err != nil {
		return remedy.Recent{}, fmt.Errorf("list Clusters: %w", err)
	}
	var recent remedy.Recent
	for _, e := range entries {
		recent.Times = append(recent.Times, e.at)
	}
	for _, e := range lastRestores(entries) {
		outcome, err := r.outcomeOf(ctx, e)
		if err != nil {
			return remedy.Recent{}, err
		}
		recent.Outcomes = append(recent.Outcomes, outcome)
	}
	return recent, nil
}

// restoreKey is what the key of a Restore begins with.
const restoreKey = "Restore "

// lastRestores returns the last attempt of each of the Restores that were remediated last.
func lastRestores(entries []entry) []entry {
	type restore struct{ namespace, key string }
	seen := map[restore]bool{}
	var last []entry
	for _, e := range slices.Backward(entries) {
		id := restore{e.namespace, e.key}
		if !strings.HasPrefix(e.key, restoreKey) || seen[id] {
			continue
		}
		seen[id] = true
		if last = append(last, e); len(last) == remedy.BreakerWindow {
			break
		}
	}
	return last
}

// outcomeOf finds a Pod that was created for a Restore since its remediation, and that the scheduler turned down.
func (r *ClusterReconciler) outcomeOf(ctx context.Context, e entry) (remedy.Outcome, error) {
	var pods corev1.PodList
	err := r.PendingPods.List(ctx, &pods, labelled(e.namespace, kubeblocks.LabelRestore, strings.TrimPrefix(e.key, restoreKey))...)
	if err != nil {
		return remedy.Outcome{}, fmt.Errorf("list Pods of a remediated Restore: %w", err)
	}
	outcome := remedy.Outcome{At: e.at}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if message := kubeblocks.Unschedulable(pod); message != "" && !pod.CreationTimestamp.Before(&e.at) {
			outcome.Unschedulable = message
		}
	}
	return outcome, nil
}
