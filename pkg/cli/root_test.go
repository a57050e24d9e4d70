package cli

import (
	"testing"

	. "github.com/onsi/gomega"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestPluginIsCalledByKubectlsName(t *testing.T) {
	for program, name := range map[string]string{
		"/usr/local/bin/rehome":                  "rehome",
		"kubectl-rehome":                         "kubectl rehome",
		"/opt/bin/kubectl-rehome.exe":            "kubectl rehome",
		"kubectl_complete-rehome":                "kubectl rehome",
		"/home/kubectl-rehome-dir/rehome":        "rehome",
		"/tmp/go-build1/b001/exe/main":           "rehome",
		"C:/krew/store/rehome/v1/kubectl-rehome": "kubectl rehome",
	} {
		NewWithT(t).Expect(DisplayName(program)).To(Equal(name), program)
	}
}

func TestKubectlCompletesThePlugin(t *testing.T) {
	g := NewWithT(t)

	g.Expect(Arguments([]string{"/bin/kubectl_complete-rehome", "rewrite", "-o", ""})).To(Equal([]string{"__complete", "rewrite", "-o", ""}))
	g.Expect(Arguments([]string{"/bin/kubectl-rehome", "rewrite"})).To(Equal([]string{"rewrite"}))
}

// help returns the help of the program under a name.
func help(g Gomega, name string, args ...string) string {
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	manager := &cobra.Command{Use: "manager", Short: "Run the operator", Run: func(*cobra.Command, []string) {}}
	root := NewRoot(name, manager, newRewrite(streams, noCluster()), newVersion(streams, noCluster()))
	root.SetOut(out)
	root.SetArgs(args)
	g.Expect(root.Execute()).To(Succeed())
	return out.String()
}

func TestPluginHidesTheOperator(t *testing.T) {
	g := NewWithT(t)

	plugin, operator := help(g, "kubectl rehome", "--help"), help(g, "rehome", "--help")

	g.Expect(plugin).To(ContainSubstring("\n  kubectl rehome [command]\n"))
	g.Expect(plugin).NotTo(ContainSubstring("manager"))
	g.Expect(operator).To(ContainSubstring("\n  rehome [command]\n"))
	g.Expect(operator).To(ContainSubstring("manager"))
	g.Expect(help(g, "kubectl rehome", "rewrite", "--help")).To(ContainSubstring("\n  kubectl rehome rewrite "))
}

func TestVersionFlagPrintsTheClient(t *testing.T) {
	g := NewWithT(t)

	g.Expect(help(g, "rehome", "--version")).To(Equal(clientLine()))
}
