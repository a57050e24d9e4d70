package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// statusFound is the exit status of `rehome audit` where --fail-on is met.
const statusFound = 1

// auditOptions are the flags of `rehome audit`.
type auditOptions struct {
	genericiooptions.IOStreams
	cluster        *cluster
	now            func() time.Time
	allNamespaces  bool
	namespaces     []string
	files          []string
	output         string
	failOn         string
	version        string
	identityLabels []string
	htmlFile       string
	configMap      string
}

// NewAudit returns the command that judges Backups.
func NewAudit(streams genericiooptions.IOStreams) *cobra.Command {
	return newAudit(&auditOptions{IOStreams: streams, cluster: newCluster(), now: time.Now})
}

func newAudit(o *auditOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:     auditUse,
		Short:   auditShort,
		Long:    auditLong,
		Example: auditExample,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return badInput(o.run(cmd.Context())) },
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, usageAuditAll)
	flags.StringSliceVar(&o.namespaces, "namespaces", nil, usageAuditNamespaces)
	flags.StringSliceVarP(&o.files, "filename", "f", nil, usageAuditFilename)
	flags.StringVarP(&o.output, "output", "o", "table", fmt.Sprintf(usageAuditOutput, strings.Join(auditOutputs(), ", ")))
	flags.StringVar(&o.failOn, "fail-on", "lossy", usageAuditFailOn)
	flags.StringVar(&o.version, "kubeblocks", "", fmt.Sprintf(usageAuditVersion, versions()))
	flags.StringSliceVar(&o.identityLabels, "identity-labels", nil, usageIdentityLabels)
	flags.StringVar(&o.htmlFile, "html-file", "", usageAuditHTMLFile)
	flags.StringVar(&o.configMap, "html-configmap", "", usageAuditConfigMap)
	o.cluster.addFlags(flags)
	must(cmd.MarkFlagFilename("filename", "yaml", "yml", "json", "gz"))
	must(cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(auditOutputs(), cobra.ShellCompDirectiveNoFileComp)))
	must(cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(failOns(), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func auditOutputs() []string { return []string{"table", "wide", "json", "junit", "html"} }

func failOns() []string { return []string{"hang", "lossy", "any", "never"} }

// fails reports whether --fail-on names an outcome.
func (o *auditOptions) fails(outcome audit.Outcome) bool {
	switch o.failOn {
	case "hang":
		return outcome == audit.Hangs
	case "lossy":
		return outcome.Loses()
	case "any":
		return outcome != audit.Fine
	}
	return false
}

func (o *auditOptions) validate() error {
	switch {
	case !slices.Contains(auditOutputs(), o.output):
		return fmt.Errorf(problemOutput, o.output, strings.Join(auditOutputs(), ", "))
	case !slices.Contains(failOns(), o.failOn):
		return fmt.Errorf(problemAuditFailOn, o.failOn, strings.Join(failOns(), ", "))
	case len(o.namespaces) > 0 && (o.allNamespaces || len(o.files) > 0):
		return errors.New(problemNamespacesAndAll)
	case len(o.files) > 0 && o.allNamespaces:
		return errors.New(problemFilesAndAll)
	case o.version != "" && !slices.Contains(kubeblocks.Versions(), kubeblocks.Version(o.version)):
		return fmt.Errorf(problemVersion, o.version, versions())
	}
	return nil
}

// audited is the result of an audit.
type audited struct {
	*audit.Groups
	sources []*audit.Source
	facts   audit.Facts
	at      time.Time
	// live says that the facts are those of an API server.
	live bool
	// hints say what was not compared or counted.
	hints []string
}

func (o *auditOptions) run(ctx context.Context) error {
	if err := o.validate(); err != nil {
		return err
	}
	a := &audited{Groups: audit.NewGroups(), at: o.now(), live: len(o.files) == 0}
	var err error
	if a.live {
		err = o.auditCluster(ctx, a)
	} else {
		err = o.auditFiles(ctx, a)
	}
	if err != nil {
		return err
	}
	a.sources = a.Sources()
	if err := o.print(a); err != nil {
		return err
	}
	for _, hint := range a.hints {
		fmt.Fprint(o.ErrOut, hint)
	}
	if err := o.writeHTML(ctx, a); err != nil {
		return err
	}
	if slices.ContainsFunc(a.sources, func(s *audit.Source) bool { return o.fails(s.Verdict.Outcome) }) {
		return exitError{status: statusFound}
	}
	return nil
}

// print prints all of an output, or nothing: but JSON, which can be large.
func (o *auditOptions) print(a *audited) error {
	var out bytes.Buffer
	var err error
	switch o.output {
	case "json":
		return a.writeJSON(o.Out)
	case "junit":
		err = a.writeJUnit(&out, o.fails)
	case "html":
		err = a.writeHTML(&out)
	default:
		o.writeTable(&out, a)
	}
	if err != nil {
		return err
	}
	_, err = o.Out.Write(out.Bytes())
	return err
}

// writeHTML writes the report to the file and the ConfigMap that flags name.
func (o *auditOptions) writeHTML(ctx context.Context, a *audited) error {
	if o.htmlFile == "" && o.configMap == "" {
		return nil
	}
	var out bytes.Buffer
	if err := a.writeHTML(&out); err != nil {
		return err
	}
	if o.htmlFile != "" {
		if err := os.WriteFile(o.htmlFile, out.Bytes(), 0o644); err != nil {
			return pathError(o.htmlFile, err)
		}
	}
	if o.configMap == "" {
		return nil
	}
	return o.cluster.writeConfigMap(ctx, o.configMap, out.String())
}

// auditFiles judges Backups and Clusters of files, one file after another.
func (o *auditOptions) auditFiles(ctx context.Context, a *audited) error {
	a.facts = audit.Facts{Version: kubeblocks.Version(o.version), IdentityLabels: o.identityLabels}
	if o.version == "" {
		a.hints = append(a.hints, textUnknownVersion)
	}
	judge := audit.NewJudge(a.facts)
	return eachInput(ctx, o.files, o.In, func(found documents) {
		for i := range found.backups {
			o.auditDocument(a, judge, &found.backups[i])
		}
		for i := range found.clusters {
			a.addCluster(judge, &found.clusters[i])
		}
		for _, problem := range found.problems {
			a.addProblem(judge, problem)
		}
	})
}

func (o *auditOptions) auditDocument(a *audited, judge *audit.Judge, d *document) {
	b, err := decodeBackup(*d)
	if err != nil {
		a.addProblem(judge, err)
		return
	}
	a.Add(&b.Backup, judge.Backup(&b.Backup))
}

// addCluster adds a Cluster as if a Backup held it.
func (a *audited) addCluster(judge *audit.Judge, d *document) {
	if d.err != nil {
		a.addProblem(judge, fmt.Errorf(problemBadCluster, d.where, d.err))
		return
	}
	b := &kubeblocks.Backup{}
	b.Namespace, b.Name = d.Metadata.Namespace, d.where
	b.Labels = map[string]string{kubeblocks.LabelInstance: d.Metadata.Name}
	b.Annotations = map[string]string{kubeblocks.AnnotationClusterSnapshot: string(d.raw)}
	a.Add(b, judge.Backup(b))
}

// addProblem adds a document that is not a Backup, although it should be.
func (a *audited) addProblem(judge *audit.Judge, problem error) {
	b := &kubeblocks.Backup{}
	b.Name = oneLine(problem)
	a.Add(b, judge.Backup(b))
}
