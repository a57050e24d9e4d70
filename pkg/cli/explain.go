package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rehome-operator/rehome/pkg/placement"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// statusWaits is the exit status of `rehome explain` while a Pod waits, and it says why.
const statusWaits = 1

// SchedulerFromFile returns a scheduler with the profiles of a kube-scheduler's configuration file, and the names of the profiles.
type SchedulerFromFile func(file string) (placement.NewScheduler, []string, error)

// explainOptions are the flags of `rehome explain`.
type explainOptions struct {
	genericiooptions.IOStreams
	cluster      *cluster
	newScheduler placement.NewScheduler
	fromFile     SchedulerFromFile
	now          func() time.Time

	allNamespaces  bool
	allNodes       bool
	files          []string
	output         string
	schedulerFile  string
	identityLabels []string
}

// NewExplain returns the command that says why Pods have no node.
func NewExplain(streams genericiooptions.IOStreams, newScheduler placement.NewScheduler, fromFile SchedulerFromFile) *cobra.Command {
	return newExplain(&explainOptions{
		IOStreams: streams, cluster: newCluster(), newScheduler: newScheduler, fromFile: fromFile, now: time.Now,
	})
}

func newExplain(o *explainOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:     forwardExplain,
		Short:   explainShort,
		Long:    explainLong,
		Example: explainExample,
		Args:    cobra.MaximumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return notTold(o.run(cmd.Context(), args)) },
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, usageExplainAll)
	flags.BoolVar(&o.allNodes, "all-nodes", false, usageAllNodes)
	flags.StringSliceVarP(&o.files, "filename", "f", nil, usageDumps)
	flags.StringVarP(&o.output, "output", "o", "text", fmt.Sprintf(usageOutput, strings.Join(explainOutputs, ", ")))
	flags.StringVar(&o.schedulerFile, "scheduler-config", "", usageSchedulerConfig)
	flags.StringSliceVar(&o.identityLabels, "identity-labels", nil, usageIdentityLabels)
	o.cluster.addFlags(flags)
	return cmd
}

var explainOutputs = []string{"text", "json", "html"}

func (o *explainOptions) run(ctx context.Context, args []string) error {
	question, err := o.question(args)
	if err != nil {
		return err
	}
	options := placement.Options{Schedulers: []string{"default-scheduler"}}
	if o.schedulerFile != "" {
		if o.newScheduler, options.Schedulers, err = o.fromFile(o.schedulerFile); err != nil {
			return errors.New(oneLine(err))
		}
	}
	f, err := o.facts(ctx, question)
	if err != nil {
		return err
	}
	subjects, err := f.subjects(question)
	if err != nil {
		return err
	}
	waiting, err := placement.Explain(ctx, f.world, o.newScheduler, subjects, options)
	if err != nil {
		return err
	}
	reports := f.reports(question, waiting)
	if err := o.print(reports); err != nil {
		return err
	}
	if err := f.exit(question, reports); err != nil {
		return err
	}
	if o.output == "text" {
		fmt.Fprint(o.ErrOut, textNothingWaits)
	}
	return nil
}

// exit returns the exit status of a report. Pods that could not be read can wait.
func (f *facts) exit(q question, reports *placement.Reports) error {
	reason := f.world.Unread["pods"]
	isUnknown := func(w placement.Waiting) bool { return w.Cause.Kind == placement.CauseUnknown }
	switch {
	case slices.ContainsFunc(reports.Items, func(r placement.Report) bool { return slices.ContainsFunc(r.Waiting, isUnknown) }):
		return exitError{status: statusNotTold}
	case len(reports.Items) > 0:
		return exitError{status: statusWaits}
	case reason != "" && (q.namespace == "" || reason != fmt.Sprintf(textOnlyNamespace, q.namespace)):
		return fmt.Errorf(problemPodsUnread, reason)
	}
	return nil
}

// notTold returns an error as one line that a terminal can show. It can quote what a tenant wrote.
func notTold(err error) error {
	var exit exitError
	if err == nil || errors.As(err, &exit) {
		return err
	}
	return exitError{statusNotTold, errors.New(placement.Printable(oneLine(err)))}
}

// question is what is asked for.
type question struct {
	// kind is "cluster", "restore", "pod", or empty for all Clusters.
	kind, name string
	// namespace is empty for all.
	namespace string
}

func (o *explainOptions) question(args []string) (question, error) {
	var q question
	switch {
	case !contains(explainOutputs, o.output):
		return q, fmt.Errorf(problemOutput, o.output, strings.Join(explainOutputs, ", "))
	case len(args) == 1 && o.allNamespaces:
		return q, errors.New(problemNameAndAll)
	}
	if !o.allNamespaces {
		namespace, err := o.namespace()
		if err != nil {
			return q, err
		}
		q.namespace = namespace
	}
	if len(args) == 0 {
		return q, nil
	}
	q.kind, q.name = "cluster", args[0]
	if kind, name, ok := strings.Cut(args[0], "/"); ok {
		q.kind, q.name = kinds[strings.ToLower(kind)], name
	}
	if q.kind == "" || q.name == "" {
		return q, fmt.Errorf(problemExplainArgument, args[0])
	}
	return q, nil
}

// kinds are the kinds that explain takes, by the names that kubectl takes.
var kinds = map[string]string{
	"cluster": "cluster", "clusters": "cluster", "restore": "restore", "restores": "restore", "pod": "pod", "pods": "pod", "po": "pod",
}

// namespace is that of the flags. Offline, no kubeconfig has to exist.
func (o *explainOptions) namespace() (string, error) {
	if len(o.files) > 0 {
		if given := o.cluster.flags.Namespace; given != nil && *given != "" {
			return *given, nil
		}
		return "", nil
	}
	return o.cluster.namespace()
}

func contains(list []string, text string) bool {
	for _, one := range list {
		if one == text {
			return true
		}
	}
	return false
}

func (o *explainOptions) print(reports *placement.Reports) error {
	view := placement.View{
		Now: metav1.NewTime(o.now()), AllNodes: o.allNodes, Code: func(class rewrite.Class) string { return codes[class] },
	}
	var text []byte
	var err error
	switch o.output {
	case "json":
		text, err = indented(reports)
	case "html":
		text, err = reports.HTML(view)
	default:
		text = []byte(reports.Text(view))
	}
	if err != nil {
		return err
	}
	_, err = o.Out.Write(text)
	return err
}
