package controlplane

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// probeInterval is short, because the components start one after another.
const probeInterval = 50 * time.Millisecond

// probe is a health endpoint.
type probe struct {
	url    string
	client *http.Client
}

// until sends requests until the status is 200. If ctx ends before, it returns the last other result.
func (p probe) until(ctx context.Context) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, probeInterval, true, func(ctx context.Context) (bool, error) {
		err := p.get(ctx)
		if ctx.Err() == nil {
			last = err // the end of ctx is not the reason
		}
		return err == nil, nil
	})
	if err != nil && last != nil {
		return last
	}
	return err
}

func (p probe) get(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, endingBytes))
	return fmt.Errorf("GET %s: %s: %q", p.url, response.Status, body)
}
