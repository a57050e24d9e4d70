package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	rehomev1alpha1 "github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/rewrite"
	"github.com/rehome-operator/rehome/pkg/sources"
)

// origin is where the rules of one Cluster come from.
type origin struct {
	cluster  *kubeblocks.Cluster
	sources  []rewrite.Source
	rewriter *rewrite.Rewriter
	policies []rewrite.Policy
}

// subjects lists the Pods that wait and that are asked for.
func (f *facts) subjects(q question) ([]placement.Subject, error) {
	var subjects []placement.Subject
	found := false
	for i := range f.world.Pods {
		waiting := &f.world.Pods[i]
		if !q.selects(waiting.Namespace(), waiting.Name(), waiting) {
			continue
		}
		found = true
		if !waiting.Waits() {
			continue
		}
		pod := waiting.Object()
		s, err := f.subject(pod, f.originOf(pod.Namespace, pod.Labels[kubeblocks.LabelInstance]))
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, s)
	}
	return subjects, f.known(q, found)
}

// selects reports whether a Pod is asked for.
func (q question) selects(namespace, name string, podLabels labels.Labels) bool {
	if q.namespace != "" && namespace != q.namespace {
		return false
	}
	switch q.kind {
	case "cluster":
		return podLabels.Get(kubeblocks.LabelInstance) == q.name
	case "restore":
		return podLabels.Get(kubeblocks.LabelRestore) == q.name
	case "pod":
		return name == q.name
	}
	return strings.HasPrefix(podLabels.Get(kubeblocks.LabelManagedBy), "kubeblocks")
}

// known returns an error if nothing of the name exists.
func (f *facts) known(q question, found bool) error {
	exists := found || q.kind == ""
	switch q.kind {
	case "cluster":
		exists = exists || slices.ContainsFunc(f.clusters, func(c kubeblocks.Cluster) bool {
			return c.Name == q.name && (q.namespace == "" || c.Namespace == q.namespace)
		})
	case "restore":
		exists = exists || slices.ContainsFunc(f.restores, func(r kubeblocks.Restore) bool {
			return r.Name == q.name && (q.namespace == "" || r.Namespace == q.namespace)
		})
	}
	if exists {
		return nil
	}
	return fmt.Errorf(problemNoSuch, q.kind, q.name, orDash(q.namespace))
}

// originOf returns where the rules of a Cluster come from. It reads each Backup once.
func (f *facts) originOf(namespace, name string) *origin {
	key := types.NamespacedName{Namespace: namespace, Name: name}
	if f.origins[key] == nil {
		if f.origins == nil {
			f.origins = map[types.NamespacedName]*origin{}
		}
		f.origins[key] = f.readOrigin(namespace, name)
	}
	return f.origins[key]
}

// readOrigin reads the sources of a Cluster; none where there is no such Cluster. A Backup that cannot be read is in Unread.
func (f *facts) readOrigin(namespace, name string) *origin {
	o := &origin{cluster: f.clusterOf(namespace, name)}
	if o.cluster == nil {
		return o
	}
	owner := sources.Owner{}
	if raw := f.rehomingOf(namespace, name); raw != nil {
		rehoming := &rehomev1alpha1.Rehoming{}
		if runtime.DefaultUnstructuredConverter.FromUnstructured(raw.Object, rehoming) == nil {
			owner = sources.OwnerOf(rehoming, o.cluster.UID)
		}
	}
	backups, named, err := owner.Backups(o.cluster, f.restoresOf(o.cluster))
	if err != nil {
		f.world.Unread["backups"] = oneLine(err)
	}
	if named != nil {
		o.sources = append(o.sources, rewrite.Source{Identity: *named, Policies: kubeblocks.ClusterPolicies(o.cluster)})
	}
	for _, backup := range backups {
		source, err := f.sourceOf(backup)
		if err != nil {
			f.world.Unread["backup "+backup.String()] = oneLine(err)
			continue
		}
		o.sources = append(o.sources, source)
	}
	o.policies = kubeblocks.ClusterPolicies(o.cluster)
	options := rewrite.Options{IdentityLabels: f.identityLabels, ScopeUnscoped: owner.Consents(rehomev1alpha1.ConsentScopeUnscoped)}
	target := rewrite.Identity{Namespace: namespace, Name: name, UID: o.cluster.UID}
	o.rewriter = rewrite.Prepare(o.sources, target, options)
	return o
}

func (f *facts) sourceOf(name types.NamespacedName) (rewrite.Source, error) {
	backup, err := f.backup(name)
	if err != nil {
		return rewrite.Source{}, err
	}
	return kubeblocks.SourceOf(backup)
}

// subject returns a Pod with what Rehome would make of its rules.
func (f *facts) subject(pod *corev1.Pod, o *origin) (placement.Subject, error) {
	s := placement.Subject{Pod: pod, Kind: kindOf(pod)}
	if o.rewriter == nil {
		return s, nil
	}
	component := f.componentOf(pod)
	result := o.rewriter.Rewrite(kubeblocks.PodPolicies(pod, component))
	s.Findings, s.Edits = result.Findings, result.Edits
	s.Locate = locator{o, kubeblocks.ShortName(component.Labels), pod.Labels[kubeblocks.LabelInstanceTemplate]}.locate
	if len(result.Edits) == 0 {
		return s, nil
	}
	raw, err := json.Marshal(pod)
	if err != nil {
		return s, err
	}
	edited, err := patch.Apply(raw, result.Edits)
	if err != nil {
		return s, err
	}
	s.Rewritten = &corev1.Pod{}
	return s, json.Unmarshal(edited, s.Rewritten)
}

func kindOf(pod *corev1.Pod) string {
	switch {
	case pod.Labels[kubeblocks.LabelRestore] != "", pod.Labels[kubeblocks.LabelManagedBy] == kubeblocks.ManagedByDataProtection:
		return "restore Pod"
	case kubeblocks.OfWorkload(pod):
		return "database Pod"
	}
	return "Pod"
}

// reports sorts what waits by Cluster, and adds Jobs without Pods and the next steps.
func (f *facts) reports(q question, waiting []placement.Waiting) *placement.Reports {
	all := &placement.Reports{Items: []placement.Report{}, Unread: f.world.Unread, Nodes: len(f.world.Nodes)}
	waiting = append(waiting, f.withoutPods(q)...)
	waiting = append(waiting, f.notRunning(q, waiting)...)
	index := map[string]int{}
	for i := range waiting {
		w := &waiting[i]
		name := cmp.Or(w.Cluster, w.Pods[0])
		key := w.Namespace + "/" + name
		at, ok := index[key]
		if !ok {
			at = len(all.Items)
			index[key] = at
			all.Items = append(all.Items, f.report(w.Namespace, name))
		}
		f.next(&all.Items[at], w)
		all.Items[at].Waiting = append(all.Items[at].Waiting, *w)
	}
	return all
}

func (f *facts) report(namespace, name string) placement.Report {
	r := placement.Report{Namespace: namespace, Name: name}
	for _, s := range f.originOf(namespace, name).sources {
		r.Source = s.Name
		if s.Backup != "" {
			r.Backups = append(r.Backups, s.Backup)
		}
	}
	if raw := f.rehomingOf(namespace, name); raw != nil {
		if row, err := newRow(raw); err == nil {
			r.State = row.State
		}
	}
	return r
}

// next completes the next step of stale and unscoped rules: what Rehome does, and the command.
func (f *facts) next(r *placement.Report, w *placement.Waiting) {
	switch w.Next {
	case placement.NextScope:
		w.Next = fmt.Sprintf(nextScopeCommand, r.Name, r.Namespace)
	case placement.NextRewrite:
		command := fmt.Sprintf(nextRewriteFrom, r.Name)
		if len(r.Backups) > 0 {
			namespace, name, _ := strings.Cut(r.Backups[0], "/")
			command = fmt.Sprintf(nextRewriteBackup, name, r.Name)
			if namespace != "" {
				command += " -n " + namespace
			}
			if namespace != r.Namespace {
				command += " --to-namespace " + r.Namespace
			}
		}
		w.Next = command
		if raw := f.rehomingOf(r.Namespace, r.Name); raw != nil {
			if row, err := newRow(raw); err == nil && row.Next != "" {
				w.Next = fmt.Sprintf(nextByItself, row.Next, command)
			}
		}
	}
}
