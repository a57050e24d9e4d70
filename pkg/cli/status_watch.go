package cli

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// follow prints the rows, and each row again when it changes, until the command is stopped.
func (o *statusOptions) follow(ctx context.Context, rehomings dynamic.ResourceInterface, rows []row, options metav1.ListOptions) error {
	o.table(append([][]string{columns}, o.cells(rows)...), rows)
	printed := map[string]string{}
	for _, r := range rows {
		printed[r.Namespace+"/"+r.Name] = r.State + r.Next
	}
	backoff := watchBackoff()
	for ctx.Err() == nil {
		began := o.now()
		events, err := rehomings.Watch(ctx, options)
		if err != nil {
			return err
		}
		if err := o.printEvents(events, printed); err != nil {
			return err
		}
		options.ResourceVersion = "" // the API server ends a watch after some minutes: begin with the present state
		if o.now().Sub(began) > time.Minute {
			backoff = watchBackoff()
		}
		o.sleep(ctx, backoff.Step())
	}
	return nil
}

// watchBackoff is how long to wait after watches that end at once.
func watchBackoff() wait.Backoff {
	return wait.Backoff{Duration: time.Second, Factor: 2, Steps: 6, Cap: 30 * time.Second}
}

// sleep waits for a duration, or until the command is stopped.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (o *statusOptions) printEvents(events watch.Interface, printed map[string]string) error {
	defer events.Stop()
	for event := range events.ResultChan() {
		object, ok := event.Object.(*unstructured.Unstructured)
		if !ok || event.Type == watch.Bookmark || event.Type == watch.Error {
			continue
		}
		r, err := newRow(object)
		if err != nil {
			return err
		}
		key := r.Namespace + "/" + r.Name
		if event.Type == watch.Deleted {
			r.State, r.Next = stateDeleted, ""
		}
		if printed[key] != r.State+r.Next {
			printed[key] = r.State + r.Next
			o.table(o.cells([]row{r}), []row{r})
		}
	}
	return nil
}
