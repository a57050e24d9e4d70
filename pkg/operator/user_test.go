package operator

import (
	"context"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
)

// rehomeUser adds a user who may do what the manifests let Rehome do, and nothing else.
func rehomeUser(environment *envtest.Environment, admin client.Client) *rest.Config {
	const name = "rehome"
	Expect(rehometesting.Grant(context.Background(), admin, name)).To(Succeed())
	user, err := environment.AddUser(envtest.User{Name: name}, &rest.Config{QPS: -1})
	Expect(err).NotTo(HaveOccurred())
	return user.Config()
}
