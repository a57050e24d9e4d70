package predictions

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// endTimeout bounds the time until all clusters run or hang: one to two minutes on two idle cores.
	endTimeout = 10 * time.Minute
	// hungTime is how long a Pod finds no node before its cluster counts as hung. The scheduler retries it meanwhile, and a Pod that it
	// wants to be with may come.
	hungTime = 30 * time.Second
	// interval is the time between two reads of all clusters.
	interval = 2 * time.Second
)

// End is how a cluster ended: it runs, or hangs with these Pods.
type End struct {
	Running bool
	// Pods holds the scheduler's message by the name of each Pod that finds no node.
	Pods map[string]string

	// since is when the first Pod was seen that has found no node ever since.
	since map[string]time.Time
}

func (e End) String() string {
	switch {
	case e.Running:
		return "runs"
	case len(e.Pods) == 0:
		return "neither runs nor hangs"
	}
	name := slices.Sorted(maps.Keys(e.Pods))[0]
	return fmt.Sprintf("hangs with %d Pods, %s: %s", len(e.Pods), name, e.Pods[name])
}

// waitEnded waits until each cluster runs or hangs, or until the time is over.
func waitEnded(ctx context.Context, cases []*Case, cluster string, end func(*Case) *End) error {
	err := wait.PollUntilContextTimeout(ctx, interval, endTimeout, true, func(ctx context.Context) (bool, error) {
		ended := true
		for _, c := range cases {
			e := end(c)
			if e.Running {
				continue
			}
			if err := c.look(ctx, cluster, e); err != nil {
				return false, err
			}
			ended = ended && (e.Running || e.hangs())
		}
		return ended, nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return nil
	}
	return err
}

func (e *End) hangs() bool {
	for _, since := range e.since {
		if time.Since(since) >= hungTime {
			return true
		}
	}
	return false
}

// look updates how a cluster ended.
func (c *Case) look(ctx context.Context, cluster string, e *End) error {
	phase, err := c.env.Phase(ctx, cluster)
	if err != nil {
		return err
	}
	e.Running = phase == "Running"
	if e.Pods, err = c.env.UnschedulablePods(ctx, cluster); err != nil {
		return err
	}
	before := e.since
	e.since = map[string]time.Time{}
	for name := range e.Pods {
		e.since[name] = time.Now()
		if since, known := before[name]; known {
			e.since[name] = since
		}
	}
	return nil
}
