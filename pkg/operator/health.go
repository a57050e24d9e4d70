package operator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// health serves /healthz, which fails when only a restart of the process helps, and /readyz, which says whether it is ready and, if not, why.
type health struct {
	address string
	// observe is called with whether it is ready, whenever that may have changed.
	observe func(ready bool)

	lock   sync.Mutex
	reason string
	// stuck says what does not end; nil while no manager runs.
	stuck func() string
}

// watch lets /healthz fail while stuck returns a text, until the returned function is called.
func (h *health) watch(stuck func() string) (stop func()) {
	set := func(to func() string) {
		h.lock.Lock()
		defer h.lock.Unlock()
		h.stuck = to
	}
	set(stuck)
	return func() { set(nil) }
}

func (h *health) unhealthy() string {
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.stuck == nil {
		return ""
	}
	return h.stuck()
}

// notReadyf sets why the operator is not ready.
func (h *health) notReadyf(format string, args ...any) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.reason = fmt.Sprintf(format, args...)
	h.observe(h.reason == "")
}

func (h *health) ready() { h.notReadyf("") }

func (h *health) why() string {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.reason
}

// Start serves until the context ends.
func (h *health) Start(ctx context.Context) error {
	if h.address == "0" {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", h.address)
	if err != nil {
		return fmt.Errorf("serve the health endpoint: %w", err)
	}
	server := &http.Server{Handler: h.handler(), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the health endpoint: %w", err)
	}
	return nil
}

func (h *health) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", answer(unhealthyPrefix, h.unhealthy))
	mux.HandleFunc("/readyz", answer(notReadyPrefix, h.why))
	return mux
}

// answer answers ok, or with the reason why not.
func answer(prefix string, why func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if reason := why(); reason != "" {
			http.Error(w, prefix+reason, http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	}
}
