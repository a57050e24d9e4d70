package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/manifest"
	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// The exit statuses of `rehome preflight`, beside 0.
const (
	statusDoesNotFit = 1
	statusNotTold    = 2
)

// preflightOptions are the flags of `rehome preflight`.
type preflightOptions struct {
	genericiooptions.IOStreams
	cluster      *cluster
	newScheduler placement.NewScheduler

	files       []string
	to          string
	toNamespace string
	output      string
	version     string
	nodes       string
	addNodes    []string
	components  []string
	// piped is standard input, where it is read.
	piped []byte
	rewrite.Options
}

// NewPreflight returns the command that says whether a restore would fit.
func NewPreflight(streams genericiooptions.IOStreams, newScheduler placement.NewScheduler) *cobra.Command {
	return newPreflight(&preflightOptions{IOStreams: streams, cluster: newCluster(), newScheduler: newScheduler})
}

func newPreflight(o *preflightOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:               forwardPreflight,
		Short:             preflightShort,
		Long:              preflightLong,
		Example:           preflightExample,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, args []string) error { return notTold(o.run(cmd.Context(), args[0])) },
	}
	flags := cmd.Flags()
	flags.StringSliceVarP(&o.files, "filename", "f", nil, usagePreflightFilename)
	flags.StringVar(&o.to, "to", "", usageTo)
	flags.StringVar(&o.toNamespace, "to-namespace", "", usageToNamespace)
	flags.StringVarP(&o.output, "output", "o", "text", fmt.Sprintf(usageOutput, strings.Join(preflightOutputs(), ", ")))
	flags.StringVar(&o.version, "kubeblocks", "", fmt.Sprintf(usageKubeBlocks, versions()))
	flags.StringVar(&o.nodes, "nodes", "", usageNodes)
	flags.StringArrayVar(&o.addNodes, "add-nodes", nil, usageAddNodes)
	flags.StringSliceVar(&o.components, "component", nil, usageComponent)
	flags.BoolVar(&o.ScopeUnscoped, "scope-unscoped", false, usageScopeUnscoped)
	flags.StringSliceVar(&o.IdentityLabels, "identity-labels", nil, usageIdentityLabels)
	o.cluster.addFlags(flags)
	must(cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(preflightOutputs(), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// preflightOutputs lists the values of -o.
func preflightOutputs() []string { return []string{"text", "json", "html"} }

func (o *preflightOptions) validate() error {
	if o.to == "" {
		return errors.New(problemNoTarget)
	}
	if problems := validation.IsDNS1035Label(o.to); len(problems) > 0 {
		return fmt.Errorf(problemTarget, o.to, problems[0])
	}
	if problems := validation.IsDNS1123Label(o.toNamespace); o.toNamespace != "" && len(problems) > 0 {
		return fmt.Errorf(problemTargetNamespace, o.toNamespace, problems[0])
	}
	if !slices.Contains(preflightOutputs(), o.output) {
		return fmt.Errorf(problemOutput, o.output, strings.Join(preflightOutputs(), ", "))
	}
	if o.version != "" && !slices.Contains(kubeblocks.Versions(), kubeblocks.Version(o.version)) {
		return fmt.Errorf(problemVersion, o.version, versions())
	}
	return nil
}

func (o *preflightOptions) run(ctx context.Context, name string) error {
	if err := o.validate(); err != nil {
		return err
	}
	if slices.Contains(o.files, "-") {
		var err error
		if o.piped, err = io.ReadAll(io.LimitReader(o.In, maxInput)); err != nil {
			return err
		}
	}
	report, err := o.report(ctx, name)
	if err != nil {
		return err
	}
	if err := o.print(report); err != nil {
		return err
	}
	switch report.Fits {
	case placement.No:
		return exitError{status: statusDoesNotFit}
	case placement.Unknown:
		return exitError{status: statusNotTold}
	}
	return nil
}

// report makes the report. That of a snapshot which cannot be read says only that.
func (o *preflightOptions) report(ctx context.Context, name string) (*placement.PreflightReport, error) {
	in, err := o.input(ctx, strings.TrimPrefix(name, "backup/"))
	if errors.Is(err, kubeblocks.ErrNoSnapshot) || errors.Is(err, kubeblocks.ErrBadSnapshot) {
		return placement.UnreadableSnapshot(in.Manifest.Backup.Namespace+"/"+in.Manifest.Backup.Name, in.Manifest.Target, err), nil
	}
	if err != nil {
		return nil, err
	}
	if in.World, err = o.world(ctx); err != nil {
		return nil, err
	}
	return placement.Preflight(ctx, in)
}

// stdin returns standard input from its beginning: the Backup and the nodes are read one after the other.
func (o *preflightOptions) stdin() io.Reader {
	if o.piped == nil {
		return o.In
	}
	return bytes.NewReader(o.piped)
}

func (o *preflightOptions) print(report *placement.PreflightReport) error {
	switch o.output {
	case "json":
		text, err := indented(report)
		if err != nil {
			return err
		}
		_, err = o.Out.Write(text)
		return err
	case "html":
		return report.HTML(o.Out)
	}
	colours := map[placement.Level]string{placement.Warn: yellow, placement.Fail: red}
	if !isTerminal(o.Out) {
		colours = nil
	}
	_, err := fmt.Fprint(o.Out, report.Text(func(level placement.Level, line string) string { return colourLine(line, colours[level]) }))
	return err
}

// input reads the Backup, and what is known of the restored Cluster.
func (o *preflightOptions) input(ctx context.Context, name string) (placement.PreflightInput, error) {
	var found documents
	var err error
	if len(o.files) > 0 {
		found, err = readFiles(ctx, o.files, o.stdin())
	} else {
		found, err = o.cluster.backup(ctx, name)
	}
	if err != nil {
		return placement.PreflightInput{}, err
	}
	if len(found.backups) == 0 {
		return placement.PreflightInput{}, nothingFound(documents{problems: found.problems, others: found.others})
	}
	backup, err := choice{name: name}.choose(lastOfEach(found.backups))
	if err != nil {
		return placement.PreflightInput{}, err
	}
	in := placement.PreflightInput{NewScheduler: o.newScheduler, Options: o.Options}
	chosen, err := backup.snapshot()
	if err != nil {
		in.Manifest.Backup = &manifest.Backup{Namespace: backup.Namespace, Name: backup.Name}
		in.Manifest.Target = rewrite.Identity{Namespace: cmp.Or(o.toNamespace, backup.Namespace), Name: o.to}
		return in, err
	}
	in.Volumes, in.Unprepared = backup.volumes()
	in.Manifest = manifest.Input{
		Snapshot: chosen.raw, Source: chosen.source, Backup: chosen.backup,
		Target:  rewrite.Identity{Namespace: cmp.Or(o.toNamespace, chosen.source.Namespace), Name: o.to},
		Options: manifest.Options{Components: o.components},
	}
	if in.Manifest.Version, in.Assumed, err = o.kubeBlocks(ctx, chosen.raw); err != nil {
		return in, err
	}
	return in, o.target(ctx, found.clusters, &in)
}

// kubeBlocks returns the version of the KubeBlocks that restores. It is assumed if only the snapshot shows it.
func (o *preflightOptions) kubeBlocks(ctx context.Context, snapshot []byte) (version kubeblocks.Version, assumed bool, err error) {
	if o.version != "" {
		return kubeblocks.Version(o.version), false, nil
	}
	if len(o.files) == 0 {
		if version, err = o.cluster.kubeBlocks(ctx); err == nil && version != "" {
			return version, false, nil
		}
	}
	if version = kubeblocks.VersionOfSnapshot(snapshot); version == "" {
		return "", false, fmt.Errorf(problemUnknownVersion, versions())
	}
	return version, true, nil
}

// world reads the nodes and what runs on them, and adds nodes.
func (o *preflightOptions) world(ctx context.Context) (*placement.World, error) {
	files := o.files
	if o.nodes != "" && len(files) > 0 {
		files = append(slices.Clone(files), o.nodes)
	}
	world, err := readWorld(ctx, o.cluster, files, o.stdin())
	if err != nil {
		return nil, err
	}
	if o.nodes != "" && len(o.files) == 0 {
		more, err := readWorld(ctx, o.cluster, []string{o.nodes}, o.stdin())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.nodes, err)
		}
		world = world.WithNodes(more.Nodes)
	}
	for _, text := range o.addNodes {
		spec, err := placement.ParseNodeSpec(text)
		if err != nil {
			return nil, fmt.Errorf(problemAddNodes, text, err)
		}
		world = world.WithNewNodes(spec)
	}
	return world, nil
}
