package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// versionTimeout limits the question which KubeBlocks the API server serves: the answer can also be given by a flag.
const versionTimeout = 5 * time.Second

// cluster is the Kubernetes cluster that kubectl's flags name. It is read with the rights of the caller.
type cluster struct {
	flags *genericclioptions.ConfigFlags
	// dynamicClient, discoveryClient and kubeClient are replaced in tests.
	dynamicClient   func() (dynamic.Interface, error)
	discoveryClient func() (discovery.DiscoveryInterface, error)
	restClient      func() (rest.Interface, error)
	kubeClient      func() (kubernetes.Interface, error)
}

func newCluster() *cluster {
	c := &cluster{flags: genericclioptions.NewConfigFlags(true)}
	c.dynamicClient = func() (dynamic.Interface, error) {
		config, err := c.flags.ToRESTConfig()
		if err != nil {
			return nil, err
		}
		return dynamic.NewForConfig(config)
	}
	c.discoveryClient = func() (discovery.DiscoveryInterface, error) {
		config, err := c.flags.ToRESTConfig()
		if err != nil {
			return nil, err
		}
		config.Timeout = versionTimeout
		return discovery.NewDiscoveryClientForConfig(config)
	}
	c.restClient = func() (rest.Interface, error) {
		config, err := c.flags.ToRESTConfig()
		if err != nil {
			return nil, err
		}
		return newRESTClient(config)
	}
	c.kubeClient = func() (kubernetes.Interface, error) {
		config, err := c.flags.ToRESTConfig()
		if err != nil {
			return nil, err
		}
		config.ContentType = runtime.ContentTypeProtobuf // whole clusters are read
		return kubernetes.NewForConfig(config)
	}
	return c
}

// addFlags adds the flags of kubectl that say which cluster and namespace to read.
func (c *cluster) addFlags(flags *pflag.FlagSet) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.flags.AddFlags(all)
	for _, name := range []string{"namespace", "context", "cluster", "user", "kubeconfig", "request-timeout"} {
		flags.AddFlag(all.Lookup(name))
	}
}

func (c *cluster) namespace() (string, error) {
	namespace, _, err := c.flags.ToRawKubeConfigLoader().Namespace()
	return namespace, err
}

// isBackup reports whether an argument names the kind Backup. Other operators have a kind of that name, which is never meant.
func isBackup(resource string) bool {
	name, group, hasGroup := strings.Cut(strings.ToLower(resource), ".")
	if strings.HasPrefix(group, kubeblocks.DataProtectionV1alpha1.Version+".") {
		group = strings.TrimPrefix(group, kubeblocks.DataProtectionV1alpha1.Version+".")
	}
	return (name == "backup" || name == "backups") && (!hasGroup || group == kubeblocks.DataProtectionV1alpha1.Group)
}

// backups reads the Backups that arguments name, as kubectl takes them: TYPE/NAME, TYPE NAME, or TYPE for all of a namespace.
func (c *cluster) backups(ctx context.Context, args []string) (documents, error) {
	resource, name, hasName := strings.Cut(args[0], "/")
	names := args[1:]
	if hasName {
		if len(names) > 0 {
			return documents{}, fmt.Errorf(problemArgument, names[0])
		}
		names = []string{name}
	}
	if !isBackup(resource) {
		return documents{}, fmt.Errorf(problemArgument, args[0])
	}
	client, err := c.dynamicClient()
	if err != nil {
		return documents{}, err
	}
	namespace, err := c.namespace()
	if err != nil {
		return documents{}, err
	}
	reader := client.Resource(kubeblocks.DataProtectionV1alpha1.WithResource("backups")).Namespace(namespace)
	var found documents
	if len(names) == 0 {
		list, err := reader.List(ctx, metav1.ListOptions{})
		if err != nil {
			return documents{}, reachError(err)
		}
		for i := range list.Items {
			err = errors.Join(err, found.addLive(&list.Items[i]))
		}
		return found, err
	}
	for _, name := range names {
		object, err := reader.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return documents{}, reachError(err)
		}
		if err := found.addLive(object); err != nil {
			return documents{}, err
		}
	}
	return found, nil
}

// addLive adds an object of the API server.
func (d *documents) addLive(object *unstructured.Unstructured) error {
	raw, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	d.addObject(raw, nil, object.GetNamespace()+"/"+object.GetName())
	return nil
}

// reachError shortens the API server's answer where its kind is missing.
func reachError(err error) error {
	if apierrors.IsNotFound(err) && !strings.Contains(err.Error(), `"`) {
		return kubeblocks.ErrNotInstalled
	}
	return err
}

// kubeBlocks returns the version of KubeBlocks whose Clusters the API server serves. It is empty where none is.
func (c *cluster) kubeBlocks(_ context.Context) (kubeblocks.Version, error) {
	client, err := c.discoveryClient()
	if err != nil {
		return "", err
	}
	var served [2]bool
	for i, version := range []string{kubeblocks.AppsV1.String(), kubeblocks.AppsV1alpha1.String()} {
		list, err := client.ServerResourcesForGroupVersion(version)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		served[i] = slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Kind == "Cluster" })
	}
	return kubeblocks.VersionServing(served[0], served[1]), nil
}
