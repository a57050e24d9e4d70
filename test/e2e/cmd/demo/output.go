package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aymanbagabas/go-udiff"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// printf prints a line.
func (d *demo) printf(format string, args ...any) {
	fmt.Fprintf(d.out, format+"\n", args...)
}

func (d *demo) showSource(ctx context.Context) error {
	pods, err := d.env.DatabasePods(ctx, source)
	d.showPods(pods)
	return err
}

// showUnschedulable prints the restore Pods and the message of the scheduler.
func (d *demo) showUnschedulable(ctx context.Context) error {
	pods, err := d.env.RestorePods(ctx, target)
	if err != nil {
		return err
	}
	d.showPods(pods)
	if err := d.recordBefore(ctx); err != nil {
		return err
	}
	unschedulable, err := d.env.UnschedulableRestorePods(ctx, target)
	if err != nil {
		return err
	}
	for _, message := range unschedulable {
		d.printf("    The scheduler: %s", message)
		break // all have the same
	}
	d.printf("    The rule \"not on a node with a Pod of %s\" is in the backup, and %s still runs on every node.\n", source, source)
	return nil
}

// showResult prints what Rehome changed, what it reports, and the database Pods.
func (d *demo) showResult(ctx context.Context) error {
	took := time.Since(d.started)
	snapshot, err := d.env.Snapshot(ctx, backup)
	if err != nil {
		return err
	}
	cluster, err := d.env.Cluster(ctx, target)
	if err != nil {
		return err
	}
	if err := d.showDiff(snapshot, cluster); err != nil {
		return err
	}
	if err := d.showConditions(ctx); err != nil {
		return err
	}
	pods, err := d.env.DatabasePods(ctx, target)
	if err != nil {
		return err
	}
	d.showPods(pods)
	if err := d.recordAfter(ctx); err != nil {
		return err
	}
	begin := "start of Rehome"
	if d.prevent {
		begin = "restore"
	}
	d.printf("From the %s until %s was Running: %.1f s.", begin, target, took.Seconds())
	return nil
}

// showDiff prints the difference between the scheduling rules in the backup and in the Cluster.
func (d *demo) showDiff(snapshot, cluster *unstructured.Unstructured) error {
	before, err := schedulingRules(snapshot)
	if err != nil {
		return err
	}
	after, err := schedulingRules(cluster)
	if err != nil {
		return err
	}
	edits := udiff.Strings(before, after)
	const contextLines = 1
	diff, err := udiff.ToUnified("backup "+backup, "cluster "+target, before, edits, contextLines)
	if err != nil {
		return err
	}
	d.printf("    What Rehome changed in the Cluster:")
	d.printf("%s", indent(diff))
	return nil
}

// schedulingRules returns the scheduling rules of a Cluster's components as YAML.
func schedulingRules(cluster *unstructured.Unstructured) (string, error) {
	components, _, err := unstructured.NestedSlice(cluster.Object, "spec", "componentSpecs")
	if err != nil {
		return "", err
	}
	rules := map[string]any{}
	for _, component := range components {
		if spec, ok := component.(map[string]any); ok {
			rules[fmt.Sprint(spec["name"])] = spec["schedulingPolicy"]
		}
	}
	text, err := yaml.Marshal(rules)
	return string(text), err
}

// showConditions prints Rehome's conditions on the Restores.
func (d *demo) showConditions(ctx context.Context) error {
	restores, err := d.env.Restores(ctx, target)
	if err != nil {
		return err
	}
	for _, restore := range restores {
		conditions, _, err := unstructured.NestedSlice(restore.Object, "status", "conditions")
		if err != nil {
			return err
		}
		for _, c := range conditions {
			condition, ok := c.(map[string]any)
			if ok && strings.HasPrefix(fmt.Sprint(condition["type"]), "rehome.kubeblocks.io/") {
				d.printf("    Restore %s: %s=%s (%s)\n    %s\n", restore.GetName(),
					condition["type"], condition["status"], condition["reason"], condition["message"])
			}
		}
	}
	return nil
}

func (d *demo) showPods(pods []corev1.Pod) {
	table := tabwriter.NewWriter(d.out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "    POD\tNODE\tSTATUS")
	for _, pod := range pods {
		node := pod.Spec.NodeName
		if node == "" {
			node = "<none>"
		}
		fmt.Fprintf(table, "    %s\t%s\t%s\n", pod.Name, node, pod.Status.Phase)
	}
	fmt.Fprintln(table)
	_ = table.Flush() // a failed write fails later, too
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
}
