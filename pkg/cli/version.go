package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	rehomev1alpha1 "github.com/rehome-operator/rehome/api/v1alpha1"
)

// labelVersion holds the version of what a Deployment runs.
const labelVersion = "app.kubernetes.io/version"

// versionReport is what `rehome version -o json` prints. A version that cannot be found out is empty, and Problem says why.
type versionReport struct {
	Client     clientVersion `json:"client"`
	Operator   string        `json:"operator,omitempty"`
	CRD        []string      `json:"crd,omitempty"`
	KubeBlocks string        `json:"kubeblocks,omitempty"`
	Problem    string        `json:"problem,omitempty"`
}

type clientVersion struct {
	Version   string `json:"version"`
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
}

func thisClient() clientVersion {
	return clientVersion{Version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
}

// clientLine is the first line of `rehome version`, and all of `rehome --version`.
func clientLine() string {
	c := thisClient()
	return fmt.Sprintf("rehome %s %s %s\n", c.Version, c.GoVersion, c.Platform)
}

// NewVersion returns the command that prints versions.
func NewVersion(streams genericiooptions.IOStreams) *cobra.Command {
	return newVersion(streams, newCluster())
}

func newVersion(streams genericiooptions.IOStreams, c *cluster) *cobra.Command {
	var output string
	var clientOnly bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: versionShort,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report := versionReport{Client: thisClient()}
			switch {
			case output != "" && output != "json":
				return badInput(fmt.Errorf(problemOutput, output, "json"))
			case output == "" && clientOnly:
				_, err := fmt.Fprint(streams.Out, clientLine())
				return err
			case !clientOnly:
				report.observe(cmd.Context(), c)
			}
			return report.print(streams, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", usageVersionOutput)
	cmd.Flags().BoolVar(&clientOnly, "client", false, usageClientOnly)
	c.addFlags(cmd.Flags())
	return cmd
}

func (r versionReport) print(streams genericiooptions.IOStreams, output string) error {
	if output == "json" {
		text, err := indented(r)
		if err != nil {
			return err
		}
		_, err = streams.Out.Write(text)
		return err
	}
	fmt.Fprint(streams.Out, clientLine())
	for _, line := range []struct{ name, version string }{
		{"operator", r.Operator}, {"kinds", strings.Join(r.CRD, ", ")}, {"kubeblocks", r.KubeBlocks},
	} {
		if line.version != "" {
			fmt.Fprintf(streams.Out, "%s %s\n", line.name, line.version)
		}
	}
	if r.Problem != "" {
		fmt.Fprintln(streams.ErrOut, r.Problem)
	}
	return nil
}

// observe adds what a Kubernetes cluster runs, as far as the caller may see it.
func (r *versionReport) observe(ctx context.Context, c *cluster) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	kubeBlocks, err := c.kubeBlocks(ctx)
	if err != nil {
		r.Problem = fmt.Sprintf(textNoCluster, oneLine(err))
		return
	}
	r.KubeBlocks = string(kubeBlocks)
	r.CRD = c.servedVersions(rehomev1alpha1.GroupVersion)
	deployments, err := c.deployments(ctx)
	if err != nil {
		r.Problem = fmt.Sprintf(textNoDeployments, oneLine(err))
	}
	for i := range deployments {
		switch d := &deployments[i]; d.Labels["app.kubernetes.io/name"] {
		case "rehome":
			r.Operator = deployedVersion(d)
		case "kubeblocks":
			// The Deployment of the controllers has no component in its name; it has the full version.
			if version := d.Labels[labelVersion]; version != "" {
				r.KubeBlocks = version
			}
		}
	}
}

// deployedVersion returns the version in a Deployment's label, or the tag of its image.
func deployedVersion(d *appsv1.Deployment) string {
	if version := d.Labels[labelVersion]; version != "" {
		return version
	}
	for _, container := range d.Spec.Template.Spec.Containers {
		image, _, _ := strings.Cut(container.Image, "@")
		if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
			return image[i+1:]
		}
	}
	return ""
}

// servedVersions lists the served versions of a group.
func (c *cluster) servedVersions(gv schema.GroupVersion) []string {
	client, err := c.discoveryClient()
	if err != nil {
		return nil
	}
	if list, err := client.ServerResourcesForGroupVersion(gv.String()); err != nil || len(list.APIResources) == 0 {
		return nil
	}
	return []string{gv.Version}
}

// deployments lists the Deployments of Rehome and KubeBlocks.
func (c *cluster) deployments(ctx context.Context) ([]appsv1.Deployment, error) {
	client, err := c.dynamicClient()
	if err != nil {
		return nil, err
	}
	list, err := client.Resource(appsv1.SchemeGroupVersion.WithResource("deployments")).List(ctx, metav1.ListOptions{
		LabelSelector: "app.kubernetes.io/name in (rehome,kubeblocks)",
	})
	if err != nil {
		return nil, err
	}
	all := make([]appsv1.Deployment, len(list.Items))
	for i := range list.Items {
		if err := k8sruntime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Version returns the version that the Go toolchain wrote into the binary: the tag or pseudo-version of its commit, or "(devel)"
// outside a clone of the repository. It is "unknown" without build information.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
