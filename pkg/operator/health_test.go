package operator

import (
	"net/http"
	"net/http/httptest"
	"testing"

	. "github.com/onsi/gomega"
)

func TestHealthzFailsWhileAReconcileDoesNotEnd(t *testing.T) {
	g := NewWithT(t)
	h := &health{observe: func(bool) {}}
	healthz := func() (int, string) {
		w := httptest.NewRecorder()
		h.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", http.NoBody))
		return w.Code, w.Body.String()
	}
	code, _ := healthz()
	g.Expect(code).To(Equal(http.StatusOK), "no manager runs")

	stuck := ""
	stop := h.watch(func() string { return stuck })
	code, _ = healthz()
	g.Expect(code).To(Equal(http.StatusOK))
	stuck = "the reconcile of Cluster shop/carrot67 has not ended"
	code, body := healthz()
	g.Expect(code).To(Equal(http.StatusServiceUnavailable))
	g.Expect(body).To(ContainSubstring("shop/carrot67"))

	stop()
	code, _ = healthz()
	g.Expect(code).To(Equal(http.StatusOK))
}
