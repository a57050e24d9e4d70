package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/dynamic"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"
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

func TestExamplesNameTheProgramAsItIsCalled(t *testing.T) {
	g := NewWithT(t)
	for _, name := range []string{"rehome", pluginName, placementProgram} {
		streams, _, out, _ := genericiooptions.NewTestIOStreams()
		commands := append([]*cobra.Command{
			NewRewrite(streams), NewStatus(streams), NewAudit(streams), NewVersion(streams), NewExplain(streams, nil, nil), NewPreflight(streams, nil),
		}, NewForwards(streams)...)
		root := NewRoot(name, nil, commands...)
		root.SetOut(out)
		for _, c := range commands {
			for line := range strings.Lines(c.Example) {
				if line = strings.TrimSpace(line); strings.Contains(line, "rehome ") && !strings.HasPrefix(line, "#") {
					g.Expect(line).To(HavePrefix(name + " " + c.Name() + " "))
				}
			}
		}
	}
}

func TestAnErrorIsOneLineWithTheNameOfTheProgram(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		line   string
		status int
	}{
		"bad input":          {[]string{"rewrite"}, "kubectl rehome: " + problemNoInput + "\n", 2},
		"no such command":    {[]string{"nonsense"}, "kubectl rehome: unknown command \"nonsense\" for \"kubectl rehome\"\n", 2},
		"no such flag":       {[]string{"--nope"}, "kubectl rehome: unknown flag: --nope\n", 2},
		"a flag too many":    {[]string{"manager", "--nope"}, "kubectl rehome: unknown flag: --nope\n", 2},
		"a word too many":    {[]string{"manager", "now"}, "kubectl rehome: unknown command \"now\" for \"kubectl rehome manager\"\n", 2},
		"a shell and a word": {[]string{"completion", "bash", "x"}, "kubectl rehome: unknown command \"x\" for \"kubectl rehome completion bash\"\n", 2},
		"a status alone":     {[]string{"rewrite", "-f", "-", "--to", "carrot67", "-q", "-o", "diff"}, "", 1},
		"good":               {[]string{"version", "--client"}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			streams, in, _, _ := genericiooptions.NewTestIOStreams()
			in.WriteString(backupYAML("bp1", stored))
			manager := &cobra.Command{Use: "manager", Args: cobra.NoArgs, Run: func(*cobra.Command, []string) {}}
			root := NewRoot(pluginName, manager, newRewrite(streams, noCluster()), newVersion(streams, noCluster()))
			root.SetArgs(c.args)
			var errOut strings.Builder

			status := Execute(t.Context(), root, &errOut)

			g.Expect(status).To(Equal(c.status))
			g.Expect(errOut.String()).To(Equal(c.line))
		})
	}
}

func TestAnErrorOfSeveralLinesIsPrintedAsOne(t *testing.T) {
	for message, line := range map[string]string{
		"the server is busy:\n  - disk is full\n  - disk is slow": "rehome: the server is busy: - disk is full\n",
		"\r\nforbidden\r\nask somebody\r\n":                       "rehome: forbidden\n",
	} {
		for _, args := range [][]string{{"rewrite", "backup/bp1", "--to", "carrot67"}, {"status"}} {
			g := NewWithT(t)
			c := noCluster()
			c.dynamicClient = func() (dynamic.Interface, error) { return nil, errors.New(message) }
			streams, _, _, _ := genericiooptions.NewTestIOStreams()
			root := NewRoot("rehome", nil, newRewrite(streams, c), newStatus(&statusOptions{IOStreams: streams, cluster: c}))
			root.SetArgs(args)
			var errOut strings.Builder

			g.Expect(Execute(t.Context(), root, &errOut)).To(Equal(2), args[0])

			g.Expect(errOut.String()).To(Equal(line), args[0])
		}
	}
}

// TestLibrariesPrintNoStackTrace logs as controller-runtime does long after the start: without a logger, it prints a stack trace then.
func TestLibrariesPrintNoStackTrace(t *testing.T) {
	g := NewWithT(t)
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	g.Expect(err).NotTo(HaveOccurred())
	stderr := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = stderr }()
	help(g, pluginName, "version", "--client")

	synctest.Test(t, func(*testing.T) {
		// It takes no time: the clock here is a fake one. It starts in the year 2000, long before the process.
		time.Sleep(100 * 365 * 24 * time.Hour)
		log.Log.Info("a message of a library")
		klog.Info("a message of a client")
	})

	g.Expect(os.ReadFile(file.Name())).To(BeEmpty())
}

func TestVersionFlagPrintsTheClient(t *testing.T) {
	g := NewWithT(t)

	g.Expect(help(g, "rehome", "--version")).To(Equal(clientLine()))
}
