package controllers_test

import (
	"context"
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// fault is how a call goes wrong.
type faultKind struct {
	name string
	// answer is what the caller gets; errDied also ends the process.
	answer error
	// effective says that the call was carried out before.
	effective bool
}

// errDied is what a process that has died gets from its calls.
var errDied = errors.New("the process has died")

var (
	diesBefore = faultKind{name: "the process dies before it", answer: errDied}
	diesAfter  = faultKind{name: "the process dies before the answer", answer: errDied, effective: true}
)

// refusals are the faults that a process survives.
var refusals = []faultKind{
	{name: "409", answer: apierrors.NewConflict(schema.GroupResource{}, "any", errors.New("injected"))},
	// The answer to a JSON Patch whose test failed names no causes.
	{name: "422", answer: apierrors.NewInvalid(schema.GroupKind{}, "any", nil)},
	{name: "429", answer: apierrors.NewTooManyRequests("injected", 1)},
	{name: "500", answer: apierrors.NewInternalError(errors.New("injected"))},
	{name: "timeout", answer: apierrors.NewTimeoutError("injected", 1)},
}

// lateTimeout is only a fault of its own for writes: a read has no effect.
var lateTimeout = faultKind{name: "timeout after it took effect", answer: context.DeadlineExceeded, effective: true}

// fault is a call that goes wrong, by its number in the recording of a scenario without faults.
type fault struct {
	at int
	faultKind
}

// calls numbers what reconcilers ask of the API server, from 1, and has some calls go wrong, one in a pass.
//
// A pass in which a call went wrong, and that wrote nothing, leaves the API server as it found it. So its calls do not count:
// the next pass has the same numbers, and another fault can follow. One that wrote something leaves the recording that a run
// takes in which nothing goes wrong; see faultRun.rejoin.
type calls struct {
	// made are those made so far, as "verb Kind".
	made []string
	// undisturbed is the recording of a run in which none goes wrong; astray says that this run has left it.
	undisturbed recording
	astray      bool
	// faults are those to come, struck those that came.
	faults, struck []fault
	// dead says that the process has died: no call comes through any more.
	dead bool
	// before is what happens just before a call, by its number.
	before map[int]func()

	// begin is how many calls there were before this pass; wrong says that one of its calls went wrong, wrote that one wrote.
	begin        int
	wrong, wrote bool
}

func (c *calls) beginPass() { c.begin, c.wrong, c.wrote = len(c.made), false, false }

// endPass reports whether a call of the pass went wrong, and whether the process died of it.
func (c *calls) endPass() (wrong, died bool) {
	died = c.dead
	c.dead = false // whoever calls next is another process
	c.astray = c.astray || c.wrong && c.wrote
	if c.wrong && !c.wrote {
		c.made = c.made[:c.begin]
	}
	return c.wrong, died
}

func (c *calls) do(what string, call func() error) error {
	if c.dead {
		return errDied
	}
	c.made = append(c.made, what)
	if happens := c.before[len(c.made)]; happens != nil {
		delete(c.before, len(c.made))
		happens()
	}
	i := c.due()
	if i < 0 {
		c.wrote = c.wrote || isWrite(what)
		return call()
	}
	m := c.faults[i]
	c.faults = slices.Delete(slices.Clone(c.faults), i, i+1)
	c.struck, c.wrong = append(c.struck, m), true
	c.dead = errors.Is(m.answer, errDied)
	if m.effective {
		c.wrote = c.wrote || isWrite(what)
		_ = call() // nobody hears of it
	}
	return m.answer
}

// due returns the index of the fault of the call that was made last, or -1. A process that survived can remember what it need
// not ask again: then its calls have other numbers.
func (c *calls) due() int {
	n := len(c.made)
	if c.astray || c.wrong || len(c.faults) == 0 || n > len(c.undisturbed.made) {
		return -1
	}
	if !slices.Equal(c.made[c.begin:], c.undisturbed.made[c.begin:n]) {
		c.astray = true
		return -1
	}
	return slices.IndexFunc(c.faults, func(m fault) bool { return m.at == n })
}

// isWrite tells writes from reads.
func isWrite(call string) bool {
	return !strings.HasPrefix(call, "get") && !strings.HasPrefix(call, "list")
}

// writesOf returns the numbers of the writes among calls.
func writesOf(made []string) []int {
	var numbers []int
	for i, call := range made {
		if isWrite(call) {
			numbers = append(numbers, i+1)
		}
	}
	return numbers
}

// interception numbers all calls. A verb that is not here is one that Rehome's role does not have.
func (c *calls) interception() interceptor.Funcs {
	return interceptor.Funcs{
		Get: func(ctx context.Context, w client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			return c.do("get "+kindOf(w, obj), func() error { return w.Get(ctx, key, obj, opts...) })
		},
		List: func(ctx context.Context, w client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			return c.do("list "+kindOf(w, list), func() error { return w.List(ctx, list, opts...) })
		},
		Create: func(ctx context.Context, w client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			return c.do("create "+kindOf(w, obj), func() error { return w.Create(ctx, obj, opts...) })
		},
		Update: func(ctx context.Context, w client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			return c.do("update "+kindOf(w, obj), func() error { return w.Update(ctx, obj, opts...) })
		},
		Patch: func(ctx context.Context, w client.WithWatch, obj client.Object, p client.Patch, opts ...client.PatchOption) error {
			return c.do("patch "+kindOf(w, obj), func() error { return w.Patch(ctx, obj, p, opts...) })
		},
		Delete: func(ctx context.Context, w client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			return c.do("delete "+kindOf(w, obj), func() error { return w.Delete(ctx, obj, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, w client.Client, subResource string, obj client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			return c.do("patch "+subResource+" of "+kindOf(w, obj), func() error { return w.SubResource(subResource).Patch(ctx, obj, p, opts...) })
		},
		SubResourceUpdate: func(ctx context.Context, w client.Client, subResource string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
			return c.do("update "+subResource+" of "+kindOf(w, obj), func() error { return w.SubResource(subResource).Update(ctx, obj, opts...) })
		},
	}
}

// lastBefore returns the number of the last call of one kind before the call with the given number.
func lastBefore(made []string, what string, number int) int {
	for i, call := range slices.Backward(made[:number-1]) {
		if call == what {
			return i + 1
		}
	}
	return 0
}

// within has lists of all namespaces end at one: it is all there is to an env. Every environment would meet the ledgers of all
// others else, and its bucket be empty.
func within(namespace string) interceptor.Funcs {
	return interceptor.Funcs{
		List: func(ctx context.Context, w client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			var asked client.ListOptions
			asked.ApplyOptions(opts)
			if asked.Namespace == "" {
				opts = append(opts, client.InNamespace(namespace))
			}
			return w.List(ctx, list, opts...)
		},
	}
}
