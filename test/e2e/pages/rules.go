package pages

import (
	"fmt"
	"regexp"
)

// Stage is when a command is run. Stages follow one another.
type Stage string

// The stages, in order. A restore hangs from KustomizeInstall on until Documented.
const (
	// Planned is for commands about a restore that has not begun.
	Planned Stage = "before a restore"
	// KustomizeInstall and KustomizeRemove are one round trip without Helm.
	KustomizeInstall Stage = "install by kustomize"
	KustomizeRemove  Stage = "remove what kustomize installed"
	// Trial installs in another way than Install. The commands of Remove follow it.
	Trial   Stage = "install for a trial"
	Install Stage = "install"
	Upgrade Stage = "upgrade"
	// Documented is for commands whose output a page shows. They run right after the restore.
	Documented Stage = "print what the page shows"
	// Restored is the stage of all commands that no rule names.
	Restored   Stage = "after a restore"
	WebhookOff Stage = "turn the webhook off"
	Remove     Stage = "remove"
	// NotRun is for commands that the test cannot run.
	NotRun Stage = "not run"
)

// Rule says how commands are run that match a pattern as a whole. The first rule that matches counts.
type Rule struct {
	// Page is the page of the commands; empty for all pages.
	Page    string
	Pattern string
	// Stage is Restored by default.
	Stage Stage
	// Reason says why the commands are not run.
	Reason string
	// Status is the exit status.
	Status int
	// Output is a pattern that the output matches.
	Output string
	// Elsewhere is the test that compares what the page shows, if its output is of other nodes.
	Elsewhere string
}

// rules name all commands that need more than to be run after a restore, with status 0.
func rules() []Rule {
	return []Rule{
		{Pattern: `kubectl rehome preflight BACKUP .*\[.*`, Stage: NotRun, Reason: "it is a synopsis"},
		{Pattern: `kubectl rehome preflight bp5 .*`, Stage: Planned, Status: 1, Output: `(?s)FAIL  as KubeBlocks alone .*\nDoes not fit: `,
			Elsewhere: "placement.TestThePageOfPreflightShowsItsOutput"},
		{Pattern: `kubectl rehome preflight .* --(add-nodes|nodes) .*`, Stage: Planned, Output: `(?s)warn  as KubeBlocks alone .*\nFits with Rehome`},
		{Pattern: `(kubectl )?rehome preflight .*`, Stage: Planned, Output: `(?s)FAIL  as KubeBlocks alone .*\nFits with Rehome`,
			Elsewhere: "placement.TestThePageOfPreflightShowsItsOutput"},
		{Page: "docs/preflight.md", Pattern: `.*`, Stage: Planned},

		{Pattern: `kubectl apply -k config/crd|kubectl apply --server-side -k config/default`, Stage: KustomizeInstall},
		{Pattern: `kubectl delete -k config/default`, Stage: KustomizeRemove},
		{Pattern: `helm install .* --set config\..*`, Stage: Trial, Output: `STATUS: deployed`},
		{Pattern: `helm install rehome charts/rehome .*`, Stage: Install, Output: `STATUS: deployed`},
		{Pattern: `helm upgrade .* --set webhook\.enabled=false`, Stage: WebhookOff, Output: `STATUS: deployed`},
		{Pattern: `helm upgrade .*`, Stage: Upgrade, Output: `STATUS: deployed`},
		{Pattern: `helm uninstall .*|kubectl delete crd .*`, Stage: Remove},

		{Pattern: `(go run \. |kubectl )rehome status.*`, Output: `carrot67 .*my1`},
		{Pattern: `.* rewrite .* -o diff`, Status: 1, Output: `(?s)-.* my1\n.*\+.* carrot67\n`},
		{Pattern: `(kubectl )?rehome explain .*`, Output: `Nothing waits`},
		{Pattern: `kubectl rehome audit -A`, Status: 1, Output: `my1 .*hangs when restored`},
		{Pattern: `.* \| grep BreakerOpen`, Status: 1},
		{Pattern: `kubectl auth can-i .*`, Output: `^yes\n`},
		{Pattern: `kubectl get --raw '/readyz\?verbose'`, Output: `readyz check passed`},

		{Pattern: `(make|git|cd|go test|docker|ctr|kind|crane|skopeo|sha256sum|cosign) .*`, Stage: NotRun,
			Reason: "it builds or publishes an image, a release or a test, or needs a registry: hack/release/test and .ci run what can be run"},
		{Pattern: `helm registry login`, Stage: NotRun, Reason: "it asks for a password"},
		{Pattern: `rehome rewrite \(-f FILE .*|rehome manager --config FILE|kubectl rehome audit \[.*`, Stage: NotRun, Reason: "it is a synopsis"},
		{Pattern: `rehome rewrite --to restored|rehome rewrite --kubeblocks`, Stage: NotRun, Reason: "a sentence names a flag, not a whole command"},
		{Pattern: `go run \. manager .*`, Stage: NotRun, Reason: "it runs until it is stopped; the same program runs with the chart's rights"},
		{Pattern: `kubectl get configmap rehome-audit .*`, Stage: NotRun, Reason: "no CronJob of an audit has run: the Pods are simulated"},
		{Pattern: `amtool .*`, Stage: NotRun, Reason: "no Alertmanager runs"},
		{Pattern: `kubectl logs .*`, Stage: NotRun, Reason: "the Pods are simulated and have no log"},
		{Pattern: `kubectl get --raw /api/v1/namespaces/\S+/proxy/(readyz|healthz)`, Stage: NotRun, Reason: "the Pods are simulated and answer no request"},
	}
}

// Plan is how a command is run.
type Plan struct {
	Command
	Rule
}

// plan applies the first of the rules that matches, and says which it was. It is -1 if none matches.
func (c Command) plan(rules []Rule) (Plan, int, error) {
	for i, rule := range rules {
		matches, err := regexp.MatchString("^("+rule.Pattern+")$", c.Text)
		if err != nil {
			return Plan{}, -1, fmt.Errorf("rule %q: %w", rule.Pattern, err)
		}
		if !matches || rule.Page != "" && rule.Page != c.Page {
			continue
		}
		if rule.Stage == "" {
			rule.Stage = c.defaultStage()
		}
		return Plan{c, rule}, i, nil
	}
	return Plan{c, Rule{Stage: c.defaultStage()}}, -1, nil
}

func (c Command) defaultStage() Stage {
	if c.Output != "" {
		return Documented
	}
	return Restored
}
