package controllers_test

import (
	"context"
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// fault is how a call goes wrong.
type fault struct {
	name string
	// answer is what the caller gets; errDied also ends the process.
	answer error
	// effective says that the call was carried out before.
	effective bool
}

// errDied is what a process that has died gets from its calls.
var errDied = errors.New("the process has died")

var (
	diesBefore = fault{name: "the process dies before it", answer: errDied}
	diesAfter  = fault{name: "the process dies before the answer", answer: errDied, effective: true}
	refused500 = fault{name: "500", answer: apierrors.NewInternalError(errors.New("injected"))}
)

// faults are all faults.
var faults = []fault{
	diesBefore, diesAfter, refused500,
	{name: "409", answer: apierrors.NewConflict(schema.GroupResource{}, "any", errors.New("injected"))},
	// The answer to a JSON Patch whose test failed names no causes.
	{name: "422", answer: apierrors.NewInvalid(schema.GroupKind{}, "any", nil)},
	{name: "429", answer: apierrors.NewTooManyRequests("injected", 1)},
	{name: "timeout", answer: apierrors.NewTimeoutError("injected", 1)},
	{name: "timeout after it took effect", answer: context.DeadlineExceeded, effective: true},
}

// calls records what reconcilers ask of the API server, and lets calls fail.
type calls struct {
	// made are those made so far, as "verb Kind". The first has number 1.
	made []string
	// fault, where it is set, returns the fault of the call that was made last; nil for none.
	fault func() *fault
	// before, where it is set, is called just before each call, and lost after one that had no effect.
	before func()
	lost   func(what string)

	// dead says that the process has died: no call has an effect any more. failed says that a call of this reconcile failed.
	dead, failed bool
}

// beginReconcile forgets the faults of the last reconcile.
func (c *calls) beginReconcile() { c.dead, c.failed = false, false }

func (c *calls) do(what string, call func() error) error {
	if c.dead {
		return errDied
	}
	c.made = append(c.made, what)
	if c.before != nil {
		c.before()
	}
	var f *fault
	if c.fault != nil {
		f = c.fault()
	}
	if f == nil {
		return call()
	}
	c.failed, c.dead = true, errors.Is(f.answer, errDied)
	if f.effective {
		_ = call() // the caller gets another answer
	} else if c.lost != nil {
		c.lost(what)
	}
	return f.answer
}

// isWrite reports whether a call is a write.
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

// interception records all calls. Rehome's role has no other verbs.
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

// within limits lists of all Namespaces to one. Else an env would count the attempts of all others, and its token bucket be empty.
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
