package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// statusBadInput is the exit status of `rehome rewrite` when it cannot do its work.
const statusBadInput = 2

// rewriteOptions are the flags of `rehome rewrite`.
type rewriteOptions struct {
	genericiooptions.IOStreams
	file      string
	cluster   string
	namespace string
	output    string
	rewrite.Options
}

// NewRewrite returns the command that rewrites the rules of a snapshot offline.
func NewRewrite(streams genericiooptions.IOStreams) *cobra.Command {
	o := &rewriteOptions{IOStreams: streams}
	cmd := &cobra.Command{
		Use:   "rewrite -f FILE --cluster NAME",
		Short: "Give the scheduling rules in a backup's snapshot to another cluster",
		Long: `Read the Cluster that a Backup keeps, give its scheduling rules to the cluster that is restored from it, and print
the outcome. Nothing is read from or written to a Kubernetes cluster.

FILE is YAML or JSON, "-" for standard input: one Backup, alone, in a List or among other objects; or the Cluster itself.

The exit status is 0, or with "-o diff" 1 when there is a difference, or 2 when the input is bad.`,
		Example: `  # What would change?
  kubectl get backup bp1 -o yaml | rehome rewrite -f - --cluster carrot67 -o diff

  # The Cluster to create, for a pipeline that restores by manifest
  rehome rewrite -f bp1.yaml --cluster carrot67 > carrot67.yaml`,
		Args: func(cmd *cobra.Command, args []string) error { return badInput(cobra.NoArgs(cmd, args)) },
		RunE: func(*cobra.Command, []string) error { return o.run() },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return badInput(err) })
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "filename", "f", "", `file that holds the Backup or its Cluster, "-" for standard input`)
	flags.StringVar(&o.cluster, "cluster", "", "name of the restored cluster")
	flags.StringVarP(&o.namespace, "namespace", "n", "", "namespace of the restored cluster (default: the source's)")
	flags.StringVarP(&o.output, "output", "o", "cluster", "one of "+strings.Join(outputs(), ", "))
	flags.BoolVar(&o.ScopeUnscoped, "scope-unscoped", false, "add the cluster's name to inherited rules that name no cluster")
	flags.StringSliceVar(&o.IdentityLabels, "identity-labels", nil, "further label keys whose value is the name of a Pod's cluster")
	must(cmd.MarkFlagFilename("filename", "yaml", "yml", "json"))
	must(cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(outputs(), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// must panics when a flag is not there to be completed, which the first run of any command shows.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func outputs() []string { return slices.Sorted(maps.Keys(printers)) }

// badInput gives an error the exit status of bad input.
func badInput(err error) error {
	var exit exitError
	if err == nil || errors.As(err, &exit) {
		return err
	}
	return exitError{statusBadInput, err}
}

func (o *rewriteOptions) run() error {
	if err := o.validate(); err != nil {
		return badInput(err)
	}
	found, err := o.read()
	if err != nil {
		return badInput(fmt.Errorf("%s: %w", o.file, err))
	}
	rewritten := o.rewrite(found)
	if invalid := rewritten.result.Of(rewrite.Invalid); len(invalid) > 0 && o.output != "json" {
		// What the others print would look like a cluster that needs no rewrite.
		return badInput(fmt.Errorf("%s: %s: %s", o.file, invalid[0].Path, invalid[0].Message))
	}
	return badInput(printers[o.output](rewritten, o.Out, isTerminal(o.Out)))
}

func (o *rewriteOptions) validate() error {
	if o.file == "" {
		return errors.New(`-f is required: the file that holds the Backup, "-" for standard input`)
	}
	if o.cluster == "" {
		return errors.New("--cluster is required: the name of the restored cluster")
	}
	if problems := validation.IsDNS1035Label(o.cluster); len(problems) > 0 {
		return fmt.Errorf("--cluster %q: %s", o.cluster, problems[0])
	}
	if problems := validation.IsDNS1123Label(o.namespace); o.namespace != "" && len(problems) > 0 {
		return fmt.Errorf("--namespace %q: %s", o.namespace, problems[0])
	}
	if _, ok := printers[o.output]; !ok {
		return fmt.Errorf("--output %q is none of %s", o.output, strings.Join(outputs(), ", "))
	}
	return nil
}

func (o *rewriteOptions) read() (snapshot, error) {
	in := o.In
	if o.file != "-" {
		file, err := os.Open(o.file)
		if err != nil {
			return snapshot{}, errors.Unwrap(err) // the caller names the file
		}
		defer file.Close()
		in = file
	}
	documents, err := readDocuments(in)
	if err != nil {
		return snapshot{}, err
	}
	return findSnapshot(documents)
}

// rewrite rewrites the snapshot itself: what is to be created is what the backup holds.
func (o *rewriteOptions) rewrite(found snapshot) rewritten {
	target := rewrite.Identity{Namespace: o.namespace, Name: o.cluster}
	if target.Namespace == "" {
		target.Namespace = found.source.Namespace
	}
	result := rewrite.Rewrite(rewrite.Input{
		Sources: []rewrite.Source{found.source},
		Target:  target,
		Live:    found.source.Policies,
		Options: o.Options,
	})
	return rewritten{snapshot: found, target: target, result: result}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == ""
}
