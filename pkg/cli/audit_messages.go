package cli

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/manifest"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// The help texts of `rehome audit`.
const (
	auditUse   = "audit"
	auditShort = "Show which Backups will not restore as they should"
	auditLong  = `Read all Backups that you may list, and show for each source cluster what a restore ends in: beside the source, under another
name, and without Rehome. Nothing is written. Only metadata is read, so thousands of Backups need little memory.

A restore hangs, starts empty, loses its spread, or means something else than in the source. The table shows the sources that need
attention; "-o wide" shows all. Each finding has a code: see docs/codes.md. docs/audit.md has the schema of "-o json".

The exit status is
  0  good
  1  what --fail-on names was found
  2  it could not be told`
	auditExample = `  # All Backups
  kubectl rehome audit -A

  # A report for people
  kubectl rehome audit -A -o html > audit.html

  # In a pipeline without a cluster
  rehome audit -f backups/ --kubeblocks 1.0 -o junit --fail-on lossy > audit.xml`

	usageAuditAll        = "audit all namespaces"
	usageAuditNamespaces = "audit these namespaces"
	usageAuditFilename   = `file, folder or URL with Backups or Clusters, "-" for standard input: the API server is not read`
	usageAuditFailOn     = "exit with 1 if something hangs (hang), hangs or lacks data or spread (lossy), or has any finding (any); or never"
	usageAuditVersion    = "version of the KubeBlocks that restores: one of %s (default: that of the API server)"
	usageAuditOutput     = "one of %s"
	usageAuditHTMLFile   = "also write the HTML report to this file"
	usageAuditConfigMap  = "also write the HTML report to this existing ConfigMap, as NAME or NAMESPACE/NAME"
)

const (
	textAuditProgress  = "\r%d Backups"
	textNotCompared    = "not compared with %s: %s\n"
	textUnknownVersion = "the KubeBlocks that restores is unknown, so a restore by OpsRequest is not judged: give --kubeblocks\n"
	textCountedOnly    = "counted only the %d of %d namespaces that you may list\n"
	textNothingFound   = "No Backups.\n"
	textHidden         = "Only sources that need attention are shown: -o wide shows all.\n"

	problemAuditFailOn      = "--fail-on %q is none of %s"
	problemNamespacesAndAll = "give --namespaces, -f or -A, not several of them"
	problemFilesAndAll      = "give -f or -A, not both"
	problemAuditForbidden   = "%s: give one namespace with -n"
	problemBadList          = "read %s: %w"
	problemUnexpected       = "got %v instead of %v"
	problemConfigMapSize    = "the HTML report has %d bytes, and a ConfigMap holds %d: write it to a file"
)

// outcomeWord is how an outcome is told of a source.
var outcomeWords = map[audit.Outcome]string{
	audit.Hangs:       "hangs when restored here",
	audit.StartsEmpty: "starts empty on this KubeBlocks",
	audit.Unreadable:  "has no snapshot that can be read",
	audit.LosesSpread: "loses its spread",
	audit.Differs:     "check before a restore",
	audit.Noted:       "fine",
	audit.Fine:        "fine",
}

// outcomeTitles are short, for headings.
var outcomeTitles = map[audit.Outcome]string{
	audit.Hangs: "Hang", audit.StartsEmpty: "Start empty", audit.Unreadable: "Unreadable", audit.LosesSpread: "Lose spread",
	audit.Differs: "To check", audit.Noted: "Fine", audit.Fine: "Fine",
}

// verdictOf tells what a restore of a source ends in. live says that it was compared with the nodes of a cluster.
func verdictOf(s *audit.Source, live bool) string {
	text := outcomeWords[s.Verdict.Outcome]
	if s.Verdict.Outcome == audit.Hangs {
		text = hangText(s.Verdict, live)
	}
	if s.Affected > 0 && s.AsBad < s.Backups {
		text += fmt.Sprintf(" (%d of %d Backups)", s.AsBad, s.Backups)
	}
	return text
}

func hangText(v *audit.Verdict, live bool) string {
	byManifest, byOpsRequest := v.HangsOn(audit.ByManifest), v.HangsOn(audit.ByOpsRequest)
	switch {
	case v.HangsLater:
		return "hangs once the source is gone"
	case byManifest && !byOpsRequest && live:
		return "hangs when restored by a manifest"
	case byOpsRequest && !byManifest:
		return "hangs when restored by an OpsRequest"
	case !live:
		return "hangs beside its source"
	}
	return outcomeWords[audit.Hangs]
}

// effects say what a finding does to a restore. %[1]s is the source, %[2]s a value of the topology key.
var effects = map[audit.Effect]string{
	audit.ExcludesSource: "hangs while %[1]s runs, because its Pods can be in every %[2]s",
	audit.ExcludesCrowd:  "hangs while %[1]s runs, because there are too few values of %[2]s for the Pods of both",
	audit.NeedsSource:    "follows the Pods of %[1]s, and finds no node once they are gone",
	audit.NoNode:         "finds no node, because none matches",
	audit.Refused:        "is invalid: the API server refuses the Pods",
	audit.Missing:        "does not exist",
	audit.NoSpread:       "names %[1]s, so it does not keep the Pods of the restored cluster apart",
	audit.Overwritten:    "is turned to the restored cluster by KubeBlocks",
	audit.Unchecked:      "was not compared with nodes",
	audit.Overridden:     "governs no Pod, because each component has a policy of its own",
	audit.NoEffect:       "leaves every node open",
}

// effectOf tells what a finding does to a restore of a source.
func effectOf(f *audit.Finding, source string) string {
	switch {
	case f.Effect == audit.NoData:
		return noDataOf(f)
	case f.Effect == audit.OtherMeaning:
		return cmp.Or(meanings[f.Class], "means something else than in the source")
	case f.Class == rewrite.NodeBound && f.Required && f.Effect == audit.NoEffect:
		return "matches nodes that exist"
	}
	return strings.NewReplacer("%[1]s", source, "%[2]s", domainOf(f.Domain)).Replace(effects[f.Effect])
}

func noDataOf(f *audit.Finding) string {
	if f.Class == audit.RestoreIgnored {
		return "this KubeBlocks ignores a Cluster as that version restores it: create it as rewrite prints it"
	}
	return "there is nothing to restore the Cluster from"
}

// meanings say what changed where a rule or field means something else.
var meanings = map[rewrite.Class]string{
	rewrite.SourceIdentity: "excludes the source by name, and so includes the Pods of the restored cluster",
	rewrite.ThirdParty:     "names another cluster, which must exist where the Cluster is restored",
	rewrite.Unscoped:       "selects the Pods of every such cluster, the source's included",
	rewrite.Generated:      "names a shard or a UID that the restored cluster does not have",
	rewrite.NamespaceShift: "selects other Pods in another namespace",
	rewrite.NodeBound:      "ties Pods to nodes or zones of the source",
	manifest.NamesSource:   "names the source",
}

// domainOf names a value of a topology key.
func domainOf(key string) string {
	switch key {
	case corev1.LabelHostname:
		return "node"
	case corev1.LabelTopologyZone:
		return "zone"
	case corev1.LabelTopologyRegion:
		return "region"
	}
	return key
}

// messageOf tells a finding in one sentence.
func messageOf(f *audit.Finding, source string) string {
	rule := f.Rule
	if f.Class == audit.RestoreIgnored {
		rule = "the snapshot is of KubeBlocks " + f.Rule
	}
	text := rule + ": " + effectOf(f, source)
	if len(f.Ways) == 1 && f.Outcome.NeedsAttention() && f.Class != audit.RestoreIgnored {
		text += map[audit.Way]string{audit.ByManifest: " (restored by a manifest)", audit.ByOpsRequest: " (restored by an OpsRequest)"}[f.Ways[0]]
	}
	return text
}

// summaryOf is the last line of the table.
func summaryOf(sources []*audit.Source, unreadable int) string {
	counts := map[audit.Outcome]int{}
	for _, s := range sources {
		counts[s.Verdict.Outcome]++
	}
	var parts []string
	for _, p := range []struct {
		count    int
		one, all string
	}{
		{counts[audit.Hangs], "would hang", "would hang"},
		{counts[audit.StartsEmpty], "starts empty", "start empty"},
		{counts[audit.LosesSpread], "loses its spread", "lose their spread"},
		{counts[audit.Differs], "to check", "to check"},
		{counts[audit.Noted] + counts[audit.Fine], "fine", "fine"},
	} {
		switch p.count {
		case 0:
		case 1:
			parts = append(parts, "1 "+p.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", p.count, p.all))
		}
	}
	text := plural(len(sources), "source")
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	text += "."
	if unreadable > 0 {
		text += " " + plural(unreadable, "Backup") + " could not be read."
	}
	return text + "\n"
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
