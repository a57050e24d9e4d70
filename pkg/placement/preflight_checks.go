package placement

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// UnreadableSnapshot is the report about a Backup whose snapshot cannot be read: a Cluster that the user defines can be restored from it.
func UnreadableSnapshot(backup string, target rewrite.Identity, problem error) *PreflightReport {
	p := &preflight{report: PreflightReport{Backup: backup, Target: target, world: &World{}}}
	code := codeBadSnapshot
	if errors.Is(problem, kubeblocks.ErrNoSnapshot) {
		code = codeNoSnapshot
	}
	p.add(Warn, checkBackup, textUnreadable, problem, code).Unknown = true
	p.conclude()
	return &p.report
}

// backup checks that the Backup can be restored.
func (p *preflight) backup() {
	b := p.Manifest.Backup
	from := p.Manifest.Source.Name
	if version := kubeblocks.VersionOfSnapshot(p.Manifest.Snapshot); version != "" {
		from += fmt.Sprintf(textOfVersion, version)
	}
	switch {
	case b.Labels[kubeblocks.LabelBackupType] == kubeblocks.BackupContinuous:
		p.add(OK, checkBackup, textBackupContinuous, p.report.Backup, from)
	case b.Phase == "Completed":
		p.add(OK, checkBackup, textBackupCompleted, p.report.Backup, from)
	case b.Phase == "":
		p.add(Warn, checkBackup, textBackupUnknown, p.report.Backup, from)
	default:
		p.add(Fail, checkBackup, textBackupPhase, p.report.Backup, b.Phase)
	}
}

// reference checks that the installed KubeBlocks reads the reference to the Backup.
func (p *preflight) reference() {
	version, m := p.Manifest.Version, &p.Manifest
	name, other := textByAnnotation, textOtherwiseSpec
	if version.RestoresBySpec() {
		name, other = textBySpec, textOtherwiseAnnotation
	}
	switch {
	case p.Given != nil && p.given():
	case version.RestoresBySpec() && m.Target.Namespace != m.Backup.Namespace:
		p.add(Fail, checkReference, textOtherNamespace, version, m.Backup.Namespace, m.Target.Namespace)
	case p.Assumed:
		p.add(Warn, checkReference, textAssumed, version, name).Detail = other
	default:
		p.add(OK, checkReference, textHonoured, version, name).Detail = other
	}
	if !p.Unprepared {
		return
	}
	p.add(OK, checkReference, textUnprepared)
}

// given checks that the Cluster to create names the Backup, and adds a line if it does not.
func (p *preflight) given() bool {
	m, given := &p.Manifest, *p.Given
	given.Namespace = m.Target.Namespace
	backups, err := m.Version.Honours(&given)
	isBackup := func(b types.NamespacedName) bool {
		return b.Name == m.Backup.Name && (m.Backup.Namespace == "" || b.Namespace == m.Backup.Namespace)
	}
	switch {
	case err != nil:
		p.add(Fail, checkReference, "%s", err)
	case len(backups) == 0:
		p.add(Fail, checkReference, textNotHonoured, m.Target.Name, m.Version)
	case !slices.ContainsFunc(backups, isBackup):
		p.add(Fail, checkReference, textOtherBackup, m.Target.Name, backups[0], p.report.Backup)
	default:
		return false
	}
	return true
}

// invalid reports rules and Pods that the API server would refuse. Then no Pod is placed.
func (p *preflight) invalid(would *WouldBe) {
	rules := p.result.Of(rewrite.Invalid)
	for _, f := range rules {
		p.add(Fail, checkRules, textInvalidRule, f.Message)
	}
	if pod, reason := would.Refused(); pod != "" && len(rules) == 0 {
		p.add(Fail, checkRules, textInvalidPod, pod, reason)
	}
}

// names checks that nothing has the names of what KubeBlocks creates.
func (p *preflight) names(would *WouldBe) {
	target := p.Manifest.Target
	before := len(p.report.Lines)
	if p.Existing {
		p.add(Fail, checkNames, textClusterExists, target.Namespace, target.Name)
	}
	isTarget := func(n corev1.Namespace) bool { return n.Name == target.Namespace }
	if len(p.World.Namespaces) > 0 && !slices.ContainsFunc(p.World.Namespaces, isTarget) {
		p.add(Fail, checkNames, textNoNamespace, target.Namespace)
	}
	if taken := p.taken(would); len(taken) > 0 {
		p.add(Fail, checkNames, textTaken, shortList(taken))
	}
	for i := range would.Database {
		if name := would.Database[i].Name; len(name) > validation.LabelValueMaxLength {
			p.add(Fail, checkNames, textLongName, name, validation.LabelValueMaxLength)
			break
		}
	}
	unread := len(p.Unread) > 0 || p.World.Unread[resourcePods] != "" || p.World.Unread[resourceClaims] != ""
	if len(p.report.Lines) == before && !unread {
		p.add(OK, checkNames, textNamesFree, target.Namespace, target.Name)
	}
}

// taken lists the claims and Pods that exist under a name that the restored Cluster needs.
func (p *preflight) taken(would *WouldBe) []string {
	names := map[string]bool{}
	for i := range would.Claims {
		names["PersistentVolumeClaim "+would.Claims[i].Name] = true
	}
	for i := range would.Database {
		names["Pod "+would.Database[i].Name] = true
	}
	var taken []string
	for i := range p.World.Claims {
		if c := &p.World.Claims[i]; c.Namespace == p.Manifest.Target.Namespace && names["PersistentVolumeClaim "+c.Name] {
			taken = append(taken, "PersistentVolumeClaim "+c.Name)
		}
	}
	for i := range p.World.Pods {
		if pod := &p.World.Pods[i]; pod.Namespace() == p.Manifest.Target.Namespace && names["Pod "+pod.Name()] {
			taken = append(taken, "Pod "+pod.Name())
		}
	}
	return taken
}

// classes checks the storage classes of the claims.
func (p *preflight) classes(would *WouldBe) {
	used := map[string]bool{}
	for i := range would.Claims {
		class := ""
		if would.Claims[i].Spec.StorageClassName != nil {
			class = *would.Claims[i].Spec.StorageClassName
		}
		used[class] = true
	}
	if _, unread := p.World.Unread[resourceClasses]; unread || len(used) == 0 {
		return
	}
	var good []string
	for _, name := range slices.Sorted(maps.Keys(used)) {
		class := storageClassOf(p.World, &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: &name}})
		switch {
		case name == "":
			p.add(Fail, checkClasses, textNoDefaultClass)
		case class == nil:
			p.add(Fail, checkClasses, textMissingClass, name)
		case class.Provisioner == noProvisioner && !p.Manifest.Version.RestoresByJobs():
			p.add(Fail, checkClasses, textClassNotRestored, name, p.Manifest.Version)
		default:
			good = append(good, name)
		}
	}
	if len(good) == len(used) {
		p.add(OK, checkClasses, textClasses, shortList(good))
	}
}

// kept warns of required rules that are kept and can keep Pods from nodes.
func (p *preflight) kept() {
	for _, f := range p.result.Findings {
		if isKept(f) && !p.edited(f) {
			p.add(Warn, checkKept, "%s (%s)", f.Message, keptCodes[f.Class])
		}
	}
}

func (p *preflight) edited(f rewrite.Finding) bool {
	return len(editsOf(p.result.Edits, f.Path)) > 0
}

// unread reports the kinds that could not be read.
func (p *preflight) unread() {
	for _, text := range unreadOf(p.World.Unread) {
		p.add(Warn, checkRights, "%s", text)
	}
	for _, text := range p.Unread {
		p.add(Warn, checkRights, textUnreadToo, text)
	}
	if p.World.Unread[resourcePods] != "" {
		p.add(Warn, checkRights, textPodsUnread).Unknown = true
	}
	if len(p.World.Nodes) == 0 {
		p.add(Warn, checkRights, textNothingToPlaceOn).Unknown = true
	}
	if waiting := waitingIn(p.World); waiting > 0 {
		p.add(Warn, checkRights, textOthersWait, waiting)
	}
}

// waitingIn counts the Pods of a World that have no node.
func waitingIn(w *World) int {
	waiting := 0
	for i := range w.Pods {
		if w.Pods[i].NodeName() == "" {
			waiting++
		}
	}
	return waiting
}
