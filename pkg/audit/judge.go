package audit

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/lru"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/manifest"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// Facts are what is known of the Kubernetes cluster in which Backups are restored. A nil list is not known.
type Facts struct {
	// Version is that of KubeBlocks, empty where it is not known.
	Version                              kubeblocks.Version
	Nodes                                []corev1.Node
	StorageClasses, ComponentDefinitions []string
	// ServiceAccounts are named "namespace/name".
	ServiceAccounts []string
	// IdentityLabels are further label keys whose value is the name of a Pod's cluster.
	IdentityLabels []string
}

// maxVerdicts limits the verdicts that are remembered. Backups of one schedule are listed one after another.
const maxVerdicts = 512

// Judge judges Backups. It is safe for concurrent use.
type Judge struct {
	facts Facts
	nodes *nodes
	// judging holds a token for each snapshot that is being judged: a decoded one is large.
	judging chan struct{}
	judged  atomic.Int64

	mu sync.Mutex
	// verdicts are functions that return the verdict of a digest, and wait for it.
	verdicts *lru.Cache
}

// NewJudge returns a Judge. It judges as many snapshots at once as there are cores.
func NewJudge(f Facts) *Judge {
	j := &Judge{facts: f, judging: make(chan struct{}, runtime.GOMAXPROCS(0)), verdicts: lru.New(maxVerdicts)}
	if f.Nodes != nil {
		j.nodes = &nodes{list: f.Nodes, open: map[[sha256.Size]byte]openNodes{}}
	}
	return j
}

// Judged counts the snapshots that were judged. Equal ones count once.
func (j *Judge) Judged() int { return int(j.judged.Load()) }

// Backup judges a Backup. The Verdict is shared with Backups of equal snapshots, which wait for the first of them.
func (j *Judge) Backup(b *kubeblocks.Backup) *Verdict {
	return j.verdict(Digest(b), func() *Verdict {
		j.judging <- struct{}{}
		defer func() { <-j.judging }()
		j.judged.Add(1)
		return j.judge(b)
	})()
}

// verdict returns a function that returns the verdict of a digest. Of calls with one digest, only the first one's judge runs.
func (j *Judge) verdict(digest [sha256.Size]byte, judge func() *Verdict) func() *Verdict {
	j.mu.Lock()
	defer j.mu.Unlock()
	if known, ok := j.verdicts.Get(digest); ok {
		return known.(func() *Verdict)
	}
	once := sync.OnceValue(judge)
	j.verdicts.Add(digest, once)
	return once
}

// judge judges a Backup. One that it fails on stops no other.
func (j *Judge) judge(b *kubeblocks.Backup) (v *Verdict) {
	defer func() {
		if failure := recover(); failure != nil {
			v = newVerdict([]Finding{withoutData(BadSnapshot, fmt.Sprintf(textDefect, failure))})
		}
	}()
	snapshot, err := kubeblocks.SnapshotOf(b)
	if err != nil {
		return newVerdict([]Finding{unreadable(err)})
	}
	snapshot.Backup = "" // equal snapshots share a verdict
	t := newTrial(j, snapshot, b.Annotations[kubeblocks.AnnotationClusterSnapshot])
	t.rules()
	t.otherNamespace()
	t.fields()
	t.existence()
	return newVerdict(t.findings)
}

// trial is the restore of one snapshot, as it would go.
type trial struct {
	*Judge
	*kubeblocks.Snapshot
	// cluster is what could be decoded of the snapshot. bad says why the rest could not; nil for a whole snapshot.
	cluster map[string]any
	bad     error
	needs   kubeblocks.Needs
	target  rewrite.Identity
	source  []pod
	copied  []pod
	// clusterGoverns counts the Pods of one component that have the rules of the cluster's policy.
	clusterGoverns int
	// attracted holds the attractions of a policy by its path.
	attracted map[string][]attraction
	findings  []Finding
}

func newTrial(j *Judge, snapshot *kubeblocks.Snapshot, raw string) *trial {
	t := &trial{Judge: j, Snapshot: snapshot, attracted: map[string][]attraction{}}
	t.cluster, t.bad = manifest.Decode([]byte(raw))
	t.needs = kubeblocks.NeedsOf(t.cluster)
	t.target = rewrite.Identity{Namespace: snapshot.Namespace, Name: newName(raw, snapshot.Name)}
	t.source = podsOf(t.Components, t.needs, t.Identity)
	t.copied = podsOf(t.Components, t.needs, t.target)
	t.clusterGoverns = t.countGoverned()
	return t
}

func (t *trial) add(f Finding) { t.findings = append(t.findings, f) }

func (t *trial) rewriteAs(target rewrite.Identity, live []rewrite.Policy) rewrite.Result {
	return rewrite.Rewrite(rewrite.Input{
		Sources: []rewrite.Source{t.Source}, Target: target, Live: live,
		Options: rewrite.Options{IdentityLabels: t.facts.IdentityLabels},
	})
}

// place identifies a finding among those of the two ways to restore.
type place struct {
	path  string
	class rewrite.Class
}

// rules judges the scheduling rules, as a manifest restores them and as an OpsRequest does.
func (t *trial) rules() {
	byManifest := t.rewriteAs(t.target, t.Policies)
	at := map[place]int{}
	for _, f := range byManifest.Findings {
		at[place{f.Path, f.Class}] = len(t.findings)
		t.add(t.judgeRule(f, t.Policies, byManifest.Edits, ByManifest))
	}
	if t.facts.Version == "" {
		return // how an OpsRequest restores is not known
	}
	operated := t.facts.Version.OpsRequestPolicies(t.Policies, t.target.Name)
	byOpsRequest := t.rewriteAs(t.target, operated)
	for _, f := range byOpsRequest.Findings {
		finding := t.judgeRule(f, operated, byOpsRequest.Edits, ByOpsRequest)
		i, known := at[place{f.Path, f.Class}]
		// KubeBlocks can have overwritten the third party, and then the message says so.
		if isSame := known && byManifest.Findings[i].Message == f.Message; isSame && f.Class == rewrite.ThirdParty {
			finding.Effect = t.findings[i].Effect
		}
		if known && finding.Effect == t.findings[i].Effect {
			t.findings[i].Ways = append(t.findings[i].Ways, ByOpsRequest)
			continue
		}
		t.add(finding)
	}
}

// judgeRule judges one finding of a rewrite. policies are those that the restored cluster has.
func (t *trial) judgeRule(f rewrite.Finding, policies []rewrite.Policy, edits []rewrite.Edit, way Way) Finding {
	finding := Finding{Class: f.Class, Ways: []Way{way}, Path: f.Path, Rule: f.Rule, Required: f.Required}
	for _, e := range edits {
		if strings.HasPrefix(e.Path, f.Path+"/") && len(finding.Edits) < maxEdits {
			finding.Edits = append(finding.Edits, e)
		}
	}
	i := slices.IndexFunc(policies, func(p rewrite.Policy) bool { return strings.HasPrefix(f.Path, p.Path+"/") })
	if i < 0 {
		finding.Effect = OtherMeaning
		return finding
	}
	p := &policies[i]
	finding.Domain, finding.Effect = t.effectIn(p, f, way)
	return finding
}

// effectIn judges a finding about a rule of a policy. It also returns the topology key of the rule, if that is about Pods.
func (t *trial) effectIn(p *rewrite.Policy, f rewrite.Finding, way Way) (domain string, effect Effect) {
	r, isRule := ruleAt(p, strings.TrimPrefix(f.Path, p.Path))
	switch {
	case t.governed(p) == 0:
		return "", Overridden
	case isRule && f.Required && f.Class != rewrite.Invalid && f.Class != rewrite.Placeholder:
		effect = t.effect(f.Class, p, r)
	default:
		effect = t.otherEffect(f, p)
	}
	if way == ByOpsRequest && f.Class == rewrite.ThirdParty && effect.outcome(f.Class) != Hangs {
		effect = Overwritten
	}
	if isRule {
		domain = r.topologyKey
	}
	return domain, effect
}

// otherEffect judges what is no required rule about Pods, and what is invalid.
func (t *trial) otherEffect(f rewrite.Finding, p *rewrite.Policy) Effect {
	switch {
	case f.Class == rewrite.Invalid:
		return Refused
	case !f.Required || f.Class == rewrite.Placeholder:
		return NoEffect
	case f.Class == rewrite.NodeBound:
		return t.nodeBound(p)
	}
	return OtherMeaning
}

// otherNamespace adds what only a restore into another namespace changes.
func (t *trial) otherNamespace() {
	target := t.target
	target.Namespace += "-" + NewName
	for _, f := range t.rewriteAs(target, t.Policies).Of(rewrite.NamespaceShift) {
		effect := NoEffect
		switch {
		case strings.HasPrefix(f.Path, "/spec/schedulingPolicy/") && t.clusterGoverns == 0:
			effect = Overridden
		case f.Required:
			effect = OtherMeaning
		}
		t.add(Finding{Class: f.Class, Effect: effect, Ways: []Way{ByManifest, ByOpsRequest}, Path: f.Path, Rule: f.Rule, Required: f.Required})
	}
}

// fields judges what is no scheduling rule.
func (t *trial) fields() {
	if t.facts.Version.Ignores(t.cluster) {
		t.add(Finding{Class: RestoreIgnored, Effect: NoData, Ways: []Way{ByManifest}, Rule: string(kubeblocks.VersionOfCluster(t.cluster))})
	}
	if t.bad != nil {
		t.add(unreadable(t.bad))
		return
	}
	for _, f := range manifest.FieldsNaming(t.Name, t.cluster) {
		t.add(Finding{Class: f.Class, Effect: OtherMeaning, Ways: []Way{ByManifest, ByOpsRequest}, Path: f.Path, Rule: manifest.Describe(f.Path)})
	}
}
