package predictions

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// judge audits Backups as `rehome audit` does, from their metadata and the nodes.
type judge struct {
	*audit.Judge
	nodes int
}

func newJudge(ctx context.Context, env *fixture.Env) (judge, error) {
	var nodes corev1.NodeList
	if err := env.Client.List(ctx, &nodes); err != nil {
		return judge{}, fmt.Errorf("list the nodes: %w", err)
	}
	facts := audit.Facts{Version: versionOf(env)}
	for i := range nodes.Items {
		facts.Nodes = append(facts.Nodes, audit.Trim(&nodes.Items[i]))
	}
	return judge{audit.NewJudge(facts), len(facts.Nodes)}, nil
}

func versionOf(env *fixture.Env) kubeblocks.Version {
	if env.Version.Apps == kubeblocks.AppsV1alpha1 {
		return kubeblocks.V09
	}
	return kubeblocks.V10
}

// pick returns the cases of the first seeds. Two thirds are predicted to hang, because the sources of many of these do not run.
func (j judge) pick(env *fixture.Env, number int) ([]*Case, error) {
	var picked []*Case
	left := map[bool]int{true: number - number/3, false: number / 3}
	for seed := uint64(0); len(picked) < number; seed++ {
		c := newCase(env, seed)
		snapshot, err := json.Marshal(c.manifest)
		if err != nil {
			return nil, err
		}
		b := &kubeblocks.Backup{}
		b.Namespace, b.Labels = c.namespace(), map[string]string{kubeblocks.LabelInstance: source}
		b.Annotations = map[string]string{kubeblocks.AnnotationClusterSnapshot: string(snapshot)}
		c.Verdict = j.Backup(b)
		if hangs := c.Hangs(); left[hangs] > 0 {
			left[hangs]--
			picked = append(picked, c)
		}
	}
	return picked, nil
}

// backups judges the Backups that KubeBlocks has taken, and counts the nodes of the sources.
func (j judge) backups(ctx context.Context, cases []*Case) error {
	for _, c := range cases {
		object, err := c.env.BackupObject(ctx, backup)
		if err != nil {
			return err
		}
		data, err := json.Marshal(object.Object["metadata"])
		if err != nil {
			return err
		}
		b := &kubeblocks.Backup{}
		if err := json.Unmarshal(data, &b.ObjectMeta); err != nil {
			return err
		}
		c.Verdict = j.Backup(b)
		pods, err := c.env.DatabasePods(ctx, source)
		if err != nil {
			return err
		}
		nodes := map[string]bool{}
		for i := range pods {
			nodes[pods[i].Spec.NodeName] = true
		}
		c.pods, c.nodes = len(pods), len(nodes)
	}
	return nil
}
