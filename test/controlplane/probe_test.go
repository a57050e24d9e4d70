package controlplane

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	. "github.com/onsi/gomega"
)

func TestAProbeReturnsTheLastResultAndNotTheEndOfItsContext(t *testing.T) {
	g := NewWithT(t)
	ctx, cancel := context.WithCancel(t.Context())
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests == 2 {
			cancel()
			<-r.Context().Done() // the probe has given up
			return
		}
		http.Error(w, "thinking", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	err := probe{url: server.URL, client: server.Client()}.until(ctx)
	g.Expect(err).To(MatchError("GET " + server.URL + `: 503 Service Unavailable: "thinking\n"`))
}
