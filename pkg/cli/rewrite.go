package cli

import (
	"cmp"
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

// statusBadInput is the exit status of `rehome rewrite` for invalid input.
const statusBadInput = 2

// rewriteOptions are the flags of `rehome rewrite`.
type rewriteOptions struct {
	genericiooptions.IOStreams
	file        string
	to          string
	toNamespace string
	output      string
	rewrite.Options
}

// NewRewrite returns the command that rewrites the rules in a snapshot offline.
func NewRewrite(streams genericiooptions.IOStreams) *cobra.Command {
	o := &rewriteOptions{IOStreams: streams}
	cmd := &cobra.Command{
		Use:     rewriteUse,
		Short:   rewriteShort,
		Long:    rewriteLong,
		Example: rewriteExample,
		Args:    func(cmd *cobra.Command, args []string) error { return badInput(cobra.NoArgs(cmd, args)) },
		RunE:    func(*cobra.Command, []string) error { return o.run() },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return badInput(err) })
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "filename", "f", "", usageFilename)
	flags.StringVar(&o.to, "to", "", usageTo)
	flags.StringVar(&o.toNamespace, "to-namespace", "", usageToNamespace)
	flags.StringVarP(&o.output, "output", "o", "cluster", fmt.Sprintf(usageOutput, strings.Join(outputs(), ", ")))
	flags.BoolVar(&o.ScopeUnscoped, "scope-unscoped", false, usageScopeUnscoped)
	flags.StringSliceVar(&o.IdentityLabels, "identity-labels", nil, usageIdentityLabels)
	must(cmd.MarkFlagFilename("filename", "yaml", "yml", "json"))
	must(cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(outputs(), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// must panics if a completion names an undefined flag. Every run of the command checks that.
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
		// The other outputs would look as if no rule needed a rewrite.
		return badInput(fmt.Errorf("%s: %s: %s", o.file, invalid[0].Path, invalid[0].Message))
	}
	return badInput(printers[o.output](rewritten, o.Out, isTerminal(o.Out)))
}

func (o *rewriteOptions) validate() error {
	if o.file == "" {
		return errors.New(problemNoFile)
	}
	if o.to == "" {
		return errors.New(problemNoTarget)
	}
	if problems := validation.IsDNS1035Label(o.to); len(problems) > 0 {
		return fmt.Errorf(problemTarget, o.to, problems[0])
	}
	if problems := validation.IsDNS1123Label(o.toNamespace); o.toNamespace != "" && len(problems) > 0 {
		return fmt.Errorf(problemTargetNamespace, o.toNamespace, problems[0])
	}
	if _, ok := printers[o.output]; !ok {
		return fmt.Errorf(problemOutput, o.output, strings.Join(outputs(), ", "))
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

// rewrite rewrites the snapshot itself, because the Cluster does not exist yet.
func (o *rewriteOptions) rewrite(found snapshot) rewritten {
	target := rewrite.Identity{Namespace: cmp.Or(o.toNamespace, found.source.Namespace), Name: o.to}
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
