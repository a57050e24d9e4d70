package operator

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"

	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// scraper is a service account that asks for metrics.
type scraper struct{ token string }

func newScraper(admin client.Client, name string) scraper {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: name}}
	Expect(admin.Create(context.Background(), account)).To(Succeed())
	request := &authenticationv1.TokenRequest{}
	Expect(admin.SubResource("token").Create(context.Background(), account, request)).To(Succeed())
	return scraper{request.Status.Token}
}

// allowMetrics lets a service account get /metrics.
func allowMetrics(admin client.Client, name string) {
	meta := metav1.ObjectMeta{Name: "metrics-for-" + name}
	Expect(admin.Create(context.Background(), &rbacv1.ClusterRole{
		ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{Verbs: []string{"get"}, NonResourceURLs: []string{"/metrics"}}},
	})).To(Succeed())
	Expect(admin.Create(context.Background(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: meta.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: metav1.NamespaceDefault, Name: name}},
	})).To(Succeed())
}

// scrape answers what the endpoint at an address says, as "status body".
func (s scraper) scrape(address string) (string, error) {
	request, err := http.NewRequest(http.MethodGet, "https://"+address+"/metrics", http.NoBody) //nolint:noctx // bounded by Eventually
	if err != nil {
		return "", err
	}
	if s.token != "" {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	// The endpoint has made its certificate itself.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the address is this test's own
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response.Status + " " + string(body), err
}
