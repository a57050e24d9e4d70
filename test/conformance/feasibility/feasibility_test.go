package feasibility

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rehome-operator/rehome/pkg/feasibility"
)

// Whatever is decided, a Pod that finds a node without Rehome finds one with it.
func TestNoPodLosesItsNode(t *testing.T) {
	r := newRun(t, feasibility.Decide)
	r.play(t, setting(t, "WORLDS", 5000))
	t.Log(r)
	for _, e := range r.exceptions {
		t.Error(e)
	}
}

// Without the guard, such worlds show Pods that lose their nodes: else the test above would say nothing.
func TestWithoutTheGuardPodsLoseTheirNodes(t *testing.T) {
	r := newRun(t, func(feasibility.World) []feasibility.Refusal { return nil })
	worlds := setting(t, "WORLDS", 5000) / 10
	r.play(t, worlds)
	t.Log(r)
	if r.only < 0 && len(r.exceptions) < worlds/20 {
		t.Errorf("only %d Pods lose their nodes in %d worlds", len(r.exceptions), worlds)
	}
}

// newRun reads SEED, which makes a run play the same worlds again, and WORLD, which makes it play one of them only and show it.
func newRun(t *testing.T, decide func(feasibility.World) []feasibility.Refusal) *run {
	return &run{
		decide: decide, seed: uint64(setting(t, "SEED", int(time.Now().UnixNano()%1_000_000))), only: setting(t, "WORLD", -1),
	}
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s must be a number: %v", name, err)
	}
	return n
}
