package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/dynamic"

	rehomev1alpha1 "github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// statusNotReady is the exit status of `rehome status` while a Cluster waits.
const statusNotReady = 1

// statusOptions are the flags of `rehome status`.
type statusOptions struct {
	genericiooptions.IOStreams
	cluster       *cluster
	now           func() time.Time
	sleep         func(context.Context, time.Duration)
	isTerminal    func(io.Writer) bool
	allNamespaces bool
	watch         bool
	output        string
}

// NewStatus returns the command that shows what restored Clusters wait for.
func NewStatus(streams genericiooptions.IOStreams) *cobra.Command {
	return newStatus(&statusOptions{IOStreams: streams, cluster: newCluster(), now: time.Now, sleep: sleep, isTerminal: isTerminal})
}

func newStatus(o *statusOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:     statusUse,
		Short:   statusShort,
		Long:    statusLong,
		Example: statusExample,
		Args:    cobra.MaximumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return badInput(o.run(cmd.Context(), args)) },
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, usageAllNamespaces)
	flags.BoolVarP(&o.watch, "watch", "w", false, usageWatch)
	flags.StringVarP(&o.output, "output", "o", "", usageStatusOutput)
	o.cluster.addFlags(flags)
	return cmd
}

func (o *statusOptions) run(ctx context.Context, args []string) error {
	if err := o.validate(args); err != nil {
		return err
	}
	client, err := o.cluster.dynamicClient()
	if err != nil {
		return err
	}
	namespace := ""
	if !o.allNamespaces {
		if namespace, err = o.cluster.namespace(); err != nil {
			return err
		}
	}
	rehomings := client.Resource(rehomev1alpha1.GroupVersion.WithResource("rehomings")).Namespace(namespace)
	var options metav1.ListOptions
	if len(args) == 1 {
		options.FieldSelector = "metadata.name=" + args[0]
	}
	list, err := o.list(ctx, client, namespace, options)
	if err != nil {
		return err
	}
	rows, err := newRows(list.Items)
	switch {
	case err != nil:
		return err
	case o.watch:
		options.ResourceVersion = list.GetResourceVersion()
		return o.follow(ctx, rehomings, rows, options)
	case len(args) == 0:
		return o.printRows(rows, namespace)
	case len(rows) == 0:
		return fmt.Errorf(problemNoRehoming, namespace, args[0])
	case o.output == "json":
		return o.printRows(rows, namespace)
	}
	restores, problem := readRestores(ctx, client, rows[0])
	o.printStory(rows[0], restores, problem)
	return rowsStatus(rows)
}

func (o *statusOptions) validate(args []string) error {
	switch {
	case o.output != "" && o.output != "json":
		return fmt.Errorf(problemOutput, o.output, "json")
	case len(args) == 1 && o.allNamespaces:
		return errors.New(problemNameAndAll)
	case o.watch && o.output != "":
		return errors.New(problemWatchJSON)
	}
	return nil
}

// rowsStatus is the exit status: not good while a Cluster waits.
func rowsStatus(rows []row) error {
	if slices.ContainsFunc(rows, func(r row) bool { return !r.Ready }) {
		return exitError{status: statusNotReady}
	}
	return nil
}

func (o *statusOptions) printRows(rows []row, namespace string) error {
	if o.output == "json" {
		text, err := indented(struct {
			Items []row `json:"items"`
		}{rows})
		if err != nil {
			return err
		}
		if _, err := o.Out.Write(text); err != nil {
			return err
		}
		return rowsStatus(rows)
	}
	if len(rows) == 0 {
		where := textInAllNamespaces
		if namespace != "" {
			where = fmt.Sprintf(textInNamespace, namespace)
		}
		fmt.Fprintf(o.ErrOut, textNoRows, where)
		return nil
	}
	o.table(append([][]string{columns}, o.cells(rows)...), rows)
	return rowsStatus(rows)
}

var columns = []string{"NAMESPACE", "CLUSTER", "SOURCE", "BACKUP", "STATE", "SINCE", "NEXT"}

func (o *statusOptions) cells(rows []row) [][]string {
	all := make([][]string, 0, len(rows))
	for _, r := range rows {
		all = append(all, []string{r.Namespace, r.Name, orDash(r.Source), orDash(r.Backup), r.State, o.since(r.Since), orDash(r.Next)})
	}
	return all
}

// table prints lines in columns. The last lines are those of rows, and have their colour.
func (o *statusOptions) table(lines [][]string, rows []row) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	for _, line := range lines {
		fmt.Fprintln(w, strings.Join(line, "\t"))
	}
	w.Flush()
	printed := strings.SplitAfter(strings.TrimSuffix(text.String(), "\n"), "\n")
	for i, line := range printed {
		colour := ""
		if at := i - (len(printed) - len(rows)); at >= 0 && o.isTerminal(o.Out) {
			colour = rows[at].colour()
		}
		_, _ = io.WriteString(o.Out, colourLine(strings.TrimRight(line, " \n")+"\n", colour))
	}
}

func (r row) colour() string {
	switch r.rank() {
	case 0:
		return red
	case 1:
		return yellow
	}
	return ""
}

func (o *statusOptions) since(t *metav1.Time) string {
	if t == nil || t.IsZero() {
		return "-"
	}
	return duration.HumanDuration(o.now().Sub(t.Time))
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// readRestores reads the Restores of a Cluster, for their conditions.
func readRestores(ctx context.Context, client dynamic.Interface, r row) ([]kubeblocks.Restore, error) {
	list, err := client.Resource(kubeblocks.DataProtectionV1alpha1.WithResource("restores")).Namespace(r.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: kubeblocks.LabelInstance + "=" + r.Name,
	})
	if err != nil {
		return nil, err
	}
	restores := make([]kubeblocks.Restore, len(list.Items))
	for i := range list.Items {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &restores[i]); err != nil {
			return nil, err
		}
	}
	return restores, nil
}
