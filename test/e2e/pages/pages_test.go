package pages

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

const page = `Run ` + "`kubectl get pods -A`" + `, which ` + "`kubectl rehome`" + ` does not:

    kubectl get nodes
    helm upgrade x \
      --set y=1

| a | b |
|---|---|
| c | ` + "`make test-e2e FOCUS=x`" + ` |

    kind: Cluster
    spec: {}

` + "```yaml\nmetadata:\n```\n\n```sh\n(cd x && go build)\n```\n" + `
- In a list:

      $ kubectl get x
      NAME
      one
      $ kubectl get y
`

func TestParseFindsCommandsInBlocksAndSentences(t *testing.T) {
	g := NewWithT(t)
	commands, err := Parse("a.md", []byte(page))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(commands).To(Equal([]Command{
		{Page: "a.md", Line: 1, Text: "kubectl get pods -A"},
		{Page: "a.md", Line: 3, Text: "kubectl get nodes"},
		{Page: "a.md", Line: 4, Text: "helm upgrade x --set y=1"},
		{Page: "a.md", Line: 9, Text: "make test-e2e FOCUS=x"},
		{Page: "a.md", Line: 19, Text: "(cd x && go build)"},
		{Page: "a.md", Line: 24, Text: "kubectl get x", Output: "NAME\none\n"},
		{Page: "a.md", Line: 27, Text: "kubectl get y"},
	}))
}

func TestParseRefusesABlockOfAnUnknownProgram(t *testing.T) {
	for _, source := range []string{"    oc get pods\n", "    kubectl get pods\n    oc get pods\n", "```sh\noc get pods\n```\n", "```\noc get pods\n```\n"} {
		_, err := Parse("a.md", []byte("Text:\n\n"+source))
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring(`"oc get pods" is n`)), source)
	}
}

func TestACommandWithoutARuleIsRun(t *testing.T) {
	g := NewWithT(t)
	plans, err := planAll([]Command{{Text: "kubectl get x"}, {Text: "kubectl get x"}, {Text: "kubectl get y", Output: "z"}, {Text: "make all"}},
		[]Rule{{Pattern: "make .*", Stage: NotRun, Reason: "slow"}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(plans.In(Restored)).To(HaveLen(1))
	g.Expect(plans.In(Documented)).To(HaveLen(1))
	g.Expect(plans.In(NotRun)).To(HaveLen(1))

	_, err = planAll(nil, []Rule{{Pattern: "make .*"}})
	g.Expect(err).To(MatchError(ContainSubstring("remove it")))
}

func TestFillReplacesPlaceholders(t *testing.T) {
	g := NewWithT(t)
	plan := Plan{Command: Command{Text: "kubectl get x-c4731545 -n NAMESPACE"}}
	filled, err := plan.Fill(map[string]string{"NAMESPACE": "default", "c4731545": "01234567"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(filled.Text).To(Equal("kubectl get x-01234567 -n default"))

	_, err = plan.Fill(nil)
	g.Expect(err).To(MatchError(ContainSubstring("NAMESPACE")))
}

func TestMissingComparesWhatDoesNotChange(t *testing.T) {
	g := NewWithT(t)
	g.Expect(Missing("NAME  AGE\none   8s\n", "NAME   AGE\ntwo 1m\none 7m3s\n")).To(BeEmpty())
	g.Expect(Missing("NAME  AGE\none   8s\n", "NAME   AGE\ntwo 1m\n")).To(ConsistOf("one   8s"))
	g.Expect(Missing("Message: was re-created at 22:38:10 UTC; …\n", "  Message:  was re-created at 01:02:03 UTC; and more\n")).To(BeEmpty())

	documented := "a: {at: \"2026-11-24T22:38:10Z\", b: first …}\nlist: [{c: 1}]\n"
	g.Expect(Missing(documented, "a: {at: \"2026-11-27T00:00:00Z\", b: first and last, d: 1}\nlist: [{c: 2}, {c: 1, d: 2}]\n")).To(BeEmpty())
	g.Expect(Missing(documented, "a: {at: \"2026-11-27T00:00:00Z\", b: last}\nlist: [{c: 2}]\n")).To(
		ConsistOf(".a.b: first … (printed: last)", ".list[0]: map[c:1]"))
}

func TestThePagesInstallInOneWay(t *testing.T) {
	g := NewWithT(t)
	g.Expect(documentation(g).In(Install)).To(HaveLen(1), "helm refuses a second release of the same name")
}

// TestAllCommandsOfTheDocumentationHaveAPlan also fails for a block that is no command of a known program.
func TestAllCommandsOfTheDocumentationHaveAPlan(t *testing.T) {
	g := NewWithT(t)
	plans := documentation(g)
	for _, plan := range plans.In(NotRun) {
		g.Expect(plan.Reason).NotTo(BeEmpty(), plan.String())
	}
	g.Expect(len(plans.In(Restored))).To(BeNumerically(">", 20))
}

func documentation(g Gomega) Plans {
	root, err := repository.Root()
	g.Expect(err).NotTo(HaveOccurred())
	plans, err := Read(root)
	g.Expect(err).NotTo(HaveOccurred())
	return plans
}
