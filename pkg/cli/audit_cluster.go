package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// auditCluster judges the Backups of an API server.
func (o *auditOptions) auditCluster(ctx context.Context, a *audited) error {
	client, err := o.cluster.restClient()
	if err != nil {
		return err
	}
	namespace, err := o.namespace()
	if err != nil {
		return err
	}
	if err := o.readFacts(ctx, client, namespace, a); err != nil {
		return err
	}
	reader := &backupReader{client: client, judge: audit.NewJudge(a.facts), add: a.Add}
	if isTerminal(o.ErrOut) {
		reader.add = o.showProgress(a)
		defer fmt.Fprint(o.ErrOut, "\r\x1b[K")
	}
	for _, namespace := range o.namespaces {
		if err := reader.read(ctx, namespace); err != nil {
			return reachError(err)
		}
	}
	if len(o.namespaces) > 0 {
		return nil
	}
	err = reader.read(ctx, namespace)
	if namespace == "" && apierrors.IsForbidden(err) {
		hint, err := reader.readAllowed(ctx, err)
		a.hints = append(a.hints, hint)
		return err
	}
	return reachError(err)
}

// everyFew is how many Backups come between two lines of progress.
const everyFew = 100

func (o *auditOptions) showProgress(a *audited) func(*kubeblocks.Backup, *audit.Verdict) {
	return func(b *kubeblocks.Backup, v *audit.Verdict) {
		a.Add(b, v)
		if a.Backups%everyFew == 0 {
			fmt.Fprintf(o.ErrOut, textAuditProgress, a.Backups)
		}
	}
}

// namespace returns the one to audit, or an empty one for several.
func (o *auditOptions) namespace() (string, error) {
	if o.allNamespaces || len(o.namespaces) > 0 {
		return "", nil
	}
	return o.cluster.namespace()
}

// listPath returns the path of a list in an API group.
func listPath(groupVersion, namespace, resource string) string {
	path := "/apis/" + groupVersion
	if namespace != "" {
		path += "/namespaces/" + namespace
	}
	return path + "/" + resource
}

// namesOf lists the names of objects. Those of a namespace follow it and a slash.
func namesOf(ctx context.Context, client rest.Interface, path string) ([]string, error) {
	names := []string{}
	err := eachMetadata(ctx, client, path, func(m *metav1.PartialObjectMetadata) {
		if m.Namespace != "" {
			names = append(names, m.Namespace+"/"+m.Name)
		} else {
			names = append(names, m.Name)
		}
	})
	if err != nil {
		return nil, err
	}
	return names, nil
}

// readFacts reads what Backups are compared with. What may not be read is not compared, and a hint says so.
func (o *auditOptions) readFacts(ctx context.Context, client rest.Interface, namespace string, a *audited) error {
	a.facts = audit.Facts{Version: kubeblocks.Version(o.version), IdentityLabels: o.identityLabels}
	if o.version == "" {
		version, err := o.cluster.kubeBlocks(ctx)
		if err != nil {
			return err
		}
		a.facts.Version = version
	}
	if a.facts.Version == "" {
		a.hints = append(a.hints, textUnknownVersion)
	}
	err := eachObject(ctx, client, "/api/v1/nodes", func(node *corev1.Node) {
		a.facts.Nodes = append(a.facts.Nodes, audit.Trim(node))
	})
	if err := a.notCompared("Nodes", err); err != nil {
		return err
	}
	accounts := "/api/v1/serviceaccounts"
	if namespace != "" {
		accounts = "/api/v1/namespaces/" + namespace + "/serviceaccounts"
	}
	for _, kind := range []struct {
		name, path string
		names      *[]string
	}{
		{"StorageClasses", "/apis/storage.k8s.io/v1/storageclasses", &a.facts.StorageClasses},
		{"ComponentDefinitions", listPath(a.facts.Version.Apps().String(), "", "componentdefinitions"), &a.facts.ComponentDefinitions},
		{"ServiceAccounts", accounts, &a.facts.ServiceAccounts},
	} {
		names, err := namesOf(ctx, client, kind.path)
		*kind.names = names
		if err := a.notCompared(kind.name, err); err != nil {
			return err
		}
	}
	return nil
}

// notCompared turns a missing right or kind into a hint.
func (a *audited) notCompared(kind string, err error) error {
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
		a.hints = append(a.hints, fmt.Sprintf(textNotCompared, kind, oneLine(err)))
		return nil
	}
	return err
}

// maxConfigMap is the limit of the data of a ConfigMap, less what its metadata may need.
const maxConfigMap = 1000 << 10

// configMapKey is the key of the report.
const configMapKey = "audit.html"

// writeConfigMap writes the report to an existing ConfigMap.
func (c *cluster) writeConfigMap(ctx context.Context, to, report string) error {
	if len(report) > maxConfigMap {
		return fmt.Errorf(problemConfigMapSize, len(report), maxConfigMap)
	}
	client, err := c.restClient()
	if err != nil {
		return err
	}
	namespace, name, hasNamespace := strings.Cut(to, "/")
	if !hasNamespace {
		own, err := c.namespace()
		if err != nil {
			return err
		}
		namespace, name = own, to
	}
	patch, err := json.Marshal(map[string]any{"data": map[string]string{configMapKey: report}})
	if err != nil {
		return err
	}
	path := "/api/v1/namespaces/" + namespace + "/configmaps/" + cmp.Or(name, "-")
	return client.Patch(types.MergePatchType).AbsPath(path).Body(patch).Do(ctx).Error()
}
