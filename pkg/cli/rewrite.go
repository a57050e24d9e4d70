package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/manifest"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// The exit statuses of `rehome rewrite`.
const (
	// statusDifferent is that of a diff that is not empty.
	statusDifferent = 1
	// statusBadInput is that of invalid input.
	statusBadInput = 2
	// statusHangs is that of --strict where something can hang.
	statusHangs = 3
)

// rewriteOptions are the flags of `rehome rewrite`.
type rewriteOptions struct {
	genericiooptions.IOStreams
	cluster *cluster

	files       []string
	choice      choice
	to          string
	toNamespace string
	output      string
	version     string
	policy      string
	restoreTime string
	strict      bool
	quiet       bool
	rewrite.Options
	manifest manifest.Options
}

// NewRewrite returns the command that rewrites the rules in a snapshot.
func NewRewrite(streams genericiooptions.IOStreams) *cobra.Command {
	return newRewrite(streams, newCluster())
}

func newRewrite(streams genericiooptions.IOStreams, c *cluster) *cobra.Command {
	o := &rewriteOptions{IOStreams: streams, cluster: c}
	cmd := &cobra.Command{
		Use:               rewriteUse,
		Short:             rewriteShort,
		Long:              rewriteLong,
		Example:           rewriteExample,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, args []string) error { return badInput(o.run(cmd.Context(), args)) },
	}
	o.addFlags(cmd)
	return cmd
}

func (o *rewriteOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVarP(&o.files, "filename", "f", nil, usageFilename)
	flags.StringVar(&o.choice.name, "backup", "", usageBackup)
	flags.BoolVar(&o.choice.latest, "latest", false, usageLatest)
	flags.StringVar(&o.to, "to", "", usageTo)
	flags.StringVar(&o.toNamespace, "to-namespace", "", usageToNamespace)
	flags.StringVarP(&o.output, "output", "o", "yaml", fmt.Sprintf(usageOutput, strings.Join(outputs(), ", ")))
	flags.StringVar(&o.version, "kubeblocks", "", fmt.Sprintf(usageKubeBlocks, versions()))
	flags.StringVar(&o.policy, "volume-restore-policy", "", usageVolumeRestorePolicy)
	flags.StringVar(&o.restoreTime, "restore-time", "", usageRestoreTime)
	flags.StringSliceVar(&o.manifest.Components, "component", nil, usageComponent)
	flags.BoolVar(&o.manifest.NoRestore, "no-restore", false, usageNoRestore)
	flags.BoolVar(&o.manifest.Keep, "keep", false, usageKeep)
	flags.BoolVar(&o.ScopeUnscoped, "scope-unscoped", false, usageScopeUnscoped)
	flags.StringSliceVar(&o.IdentityLabels, "identity-labels", nil, usageIdentityLabels)
	flags.BoolVar(&o.strict, "strict", false, usageStrict)
	flags.BoolVarP(&o.quiet, "quiet", "q", false, usageQuiet)
	o.cluster.addFlags(flags)
	must(cmd.MarkFlagFilename("filename", "yaml", "yml", "json", "gz"))
	must(cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(outputs(), cobra.ShellCompDirectiveNoFileComp)))
}

// must panics if a completion names an undefined flag. Every run of the command checks that.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func versions() string {
	list := make([]string, 0, len(kubeblocks.Versions()))
	for _, v := range kubeblocks.Versions() {
		list = append(list, string(v))
	}
	return strings.Join(list, ", ")
}

// badInput gives an error the exit status of bad input.
func badInput(err error) error {
	var exit exitError
	if err == nil || errors.As(err, &exit) {
		return err
	}
	return exitError{statusBadInput, err}
}

func (o *rewriteOptions) run(ctx context.Context, args []string) error {
	if err := o.validate(args); err != nil {
		return err
	}
	found, err := o.read(ctx, args)
	if err != nil {
		return err
	}
	r, err := o.rewrite(ctx, found)
	if err != nil {
		return err
	}
	if err := r.print(o.output, o.Out, isTerminal(o.Out)); err != nil {
		return err
	}
	if !o.quiet && o.output != "report" {
		printFindings(o.ErrOut, r.findings)
	}
	return o.status(r)
}

// status is the same for every output, except for a diff that is not empty.
func (o *rewriteOptions) status(r rewritten) error {
	mayHang := slices.ContainsFunc(r.findings, func(f rewrite.Finding) bool {
		return hangs(f, r.edits) || f.Class == manifest.RestoresNothing && !o.manifest.NoRestore
	})
	switch {
	case len(r.invalid) > 0:
		return fmt.Errorf(problemInvalidRule, r.source.Name, r.invalid[0].Path, r.invalid[0].Message)
	case o.strict && mayHang:
		return exitError{status: statusHangs}
	case o.output == "diff" && len(r.edits) > 0:
		return exitError{status: statusDifferent}
	}
	return nil
}

func (o *rewriteOptions) read(ctx context.Context, args []string) (snapshot, error) {
	var found documents
	var err error
	where := strings.Join(o.files, ", ")
	if len(o.files) > 0 {
		found, err = readFiles(ctx, o.files, o.In)
	} else {
		where = strings.Join(args, " ")
		found, err = o.cluster.backups(ctx, args)
	}
	if err != nil {
		return snapshot{}, err
	}
	chosen, err := o.choice.findSnapshot(found)
	if err != nil && !strings.HasPrefix(err.Error(), where+":") {
		err = fmt.Errorf("%s: %w", where, err)
	}
	return chosen, err
}

// rewrite rewrites the snapshot itself, because the Cluster does not exist yet.
func (o *rewriteOptions) rewrite(ctx context.Context, found snapshot) (rewritten, error) {
	target := rewrite.Identity{Namespace: cmp.Or(o.toNamespace, found.source.Namespace), Name: o.to}
	result := rewrite.Rewrite(rewrite.Input{
		Sources: []rewrite.Source{found.source},
		Target:  target,
		Live:    found.source.Policies,
		Options: o.Options,
	})
	r := rewritten{snapshot: found, target: target, edits: result.Edits, invalid: result.Of(rewrite.Invalid)}
	o.manifest.Version = o.targetVersion(ctx, found)
	in := manifest.Input{
		Snapshot: found.raw, Source: found.source, Backup: found.backup, Target: target, Edits: result.Edits, Options: o.manifest,
	}
	further, err := manifest.Findings(in)
	if err != nil {
		return rewritten{}, err
	}
	r.findings = slices.Concat(result.Findings, further)
	for i := range r.findings {
		r.findings[i].Message = strings.Replace(r.findings[i].Message, consentToScope, flagToScope, 1)
	}
	if len(r.invalid) == 0 {
		// For each output, so that each has the same exit status.
		r.made, err = manifest.Make(in)
	}
	return r, err
}

// targetVersion returns the version of the KubeBlocks that restores, or an empty one.
func (o *rewriteOptions) targetVersion(ctx context.Context, found snapshot) kubeblocks.Version {
	if o.version != "" {
		return kubeblocks.Version(o.version)
	}
	if version, err := o.cluster.kubeBlocks(ctx); err == nil && version != "" {
		// A file can be for another Kubernetes cluster than that of the kubeconfig.
		if len(o.files) > 0 {
			o.printVersion(textServedVersion, version)
		}
		return newestLike(version)
	}
	version := kubeblocks.VersionOfSnapshot(found.raw)
	if version != "" {
		o.printVersion(textAssumedVersion, version)
	}
	return newestLike(version)
}

// newestLike returns 1.1 for 1.0. Neither an API server nor a snapshot tells them apart, and 1.1 has the fields of both.
func newestLike(version kubeblocks.Version) kubeblocks.Version {
	if version == kubeblocks.V10 {
		return kubeblocks.V11
	}
	return version
}

// printVersion prints which KubeBlocks a Cluster is for, because with another one it starts empty.
func (o *rewriteOptions) printVersion(text string, version kubeblocks.Version) {
	if o.quiet || o.output != "yaml" && o.output != "json" {
		return
	}
	name := string(version)
	if version == kubeblocks.V10 {
		name += " or " + string(kubeblocks.V11)
	}
	fmt.Fprintf(o.ErrOut, text, name)
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == ""
}
