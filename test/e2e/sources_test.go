package e2e

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
)

// plain is the source of every spec that needs no special source.
const plain = "my1"

// backupOf names the backup of a source.
func backupOf(source string) string { return "backup-" + source }

// ruleInTemplateSource has its rules in an instance template only.
func ruleInTemplateSource() fixture.Source {
	return fixture.Source{Name: "my2", InstanceTemplate: "hot", OnlyInTemplate: true}
}

// proxySource has a component without a backup.
func proxySource() fixture.Source { return fixture.Source{Name: "my3", Proxy: true} }

// onDeleteSource has Pods that KubeBlocks does not replace.
func onDeleteSource() fixture.Source {
	return fixture.Source{Name: "my4", OnDelete: true, AllAtOnce: true}
}

// namespacesSource has rules that list the source's namespace.
func namespacesSource() fixture.Source {
	return fixture.Source{Name: "my5", Namespaces: []string{metav1.NamespaceDefault}}
}

// opsRequestSource has rules that KubeBlocks does not rewrite when it restores by OpsRequest.
func (e *testEnv) opsRequestSource() fixture.Source {
	if e.version.RewritesOpsRequest {
		return fixture.Source{Name: "my6", InstanceTemplate: "hot"}
	}
	return fixture.Source{Name: plain}
}

// backUp creates a source, waits until it runs, and backs it up.
func (e *testEnv) backUp(ctx context.Context, source fixture.Source, backup string) {
	GinkgoHelper()
	By("creating and backing up " + source.Name)
	Expect(e.fixture.CreateSource(ctx, source)).To(Succeed())
	Expect(e.fixture.WaitRunning(ctx, source.Name)).To(Succeed())
	Expect(e.fixture.Backup(ctx, source.Name, backup)).To(Succeed())
}

// backUpOnce backs up a source, unless another spec of the container did.
func (e *testEnv) backUpOnce(ctx context.Context, source fixture.Source) {
	GinkgoHelper()
	_, err := e.fixture.BackupVersion(ctx, backupOf(source.Name))
	if apierrors.IsNotFound(err) {
		e.backUp(ctx, source, backupOf(source.Name))
		return
	}
	Expect(err).NotTo(HaveOccurred())
}
