package docs

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// shortName finds kubectl with a resource of KubeBlocks that other operators have, too: Velero, CloudNativePG and Cluster API.
var shortName = regexp.MustCompile(
	`kubectl (?:annotate|delete|describe|edit|explain|get|label|patch|wait)(?: -\S+(?: [A-Za-z][\w.-]*)?)*(?: --\S+)* ` +
		`(?:\S+,)?((?:clusters?|backups?|restores?|components?|opsrequests?|backuppolic(?:y|ies)|instances?)(?:,\S+)?)(?:[ /` + "`" + `]|$)`)

// TestCommandsHaveFullResourceNames also looks for the names in sentences, in help texts and in the chart's notes.
func TestCommandsHaveFullResourceNames(t *testing.T) {
	messages, err := filepath.Glob(filepath.Join("..", "pkg", "*", "*messages*.go"))
	if err != nil || len(messages) < 5 {
		t.Fatalf("messages are missing: %q %v", messages, err)
	}
	notes := filepath.Join("..", "charts", "rehome", "templates", "NOTES.txt")
	for _, page := range slices.Concat(pages(t), messages, []string{notes}) {
		for line := range strings.Lines(read(t, page)) {
			for _, match := range shortName.FindAllStringSubmatch(strings.TrimRight(line, "`\",\n"), -1) {
				t.Errorf("%s: %q: write %s.apps.kubeblocks.io or %s.dataprotection.kubeblocks.io", page, match[0], match[1], match[1])
			}
		}
	}
}

func TestShortNamesAreFound(t *testing.T) {
	for command, short := range map[string]bool{
		"kubectl get cluster carrot67":                        true,
		"kubectl get -n default backups":                      true,
		"`kubectl describe restore`":                          true,
		"kubectl delete restores/x":                           true,
		"kubectl get pods,backups,jobs -A":                    true,
		"kubectl get backups.dataprotection.kubeblocks.io x":  false,
		"kubectl rehome rewrite backup --latest":              false,
		"kubectl create clusterrolebinding x":                 false,
		"kubectl patch rehoming cluster --type=merge":         false,
		"kubectl annotate clusters.apps.kubeblocks.io backup": false,
	} {
		if shortName.MatchString(command) != short {
			t.Errorf("%s: found is %v", command, !short)
		}
	}
}
