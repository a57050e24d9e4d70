package chart

import (
	"os/exec"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	configv1alpha1 "github.com/rehome-operator/rehome/api/config/v1alpha1"
)

func TestValuesSelectObjects(t *testing.T) {
	for _, test := range []struct{ values, present, absent string }{
		{"replicaCount: 2", "PodDisruptionBudget rehome-system/rehome", ""},
		{"replicaCount: 1", "", "PodDisruptionBudget "},
		{"podDisruptionBudget: {enabled: false}", "", "PodDisruptionBudget "},
		{"", "ServiceAccount rehome-system/rehome", ""},
		{"serviceAccount: {create: false, name: theirs}", "", "ServiceAccount "},
		{"", "CustomResourceDefinition rehomings.rehome.kubeblocks.io", ""},
		{"crds: {enabled: false}", "", "CustomResourceDefinition "},
		{"", "Service rehome-system/rehome-metrics", "ServiceMonitor "},
		{"", "ClusterRole rehome-metrics-auth", "ClusterRoleBinding rehome-metrics-reader"},
		{"serviceMonitor: {enabled: true}", "ServiceMonitor rehome-system/rehome", "PrometheusRule "},
		{"prometheusRule: {enabled: true}", "PrometheusRule rehome-system/rehome", "ServiceMonitor "},
		{"dashboard: {enabled: true}", "ConfigMap rehome-system/rehome-dashboard", ""},
		{"", "", "ConfigMap rehome-system/rehome-dashboard"},
		{`{config: {metrics: {bindAddress: "0"}}, serviceMonitor: {enabled: true}}`, "", "ServiceMonitor "},
		{`config: {metrics: {bindAddress: "0"}}`, "", "Service rehome-system/rehome-metrics"},
		{`config: {metrics: {bindAddress: "0"}}`, "", "ClusterRole rehome-metrics-"},
		{"config: {metrics: {insecure: true}}", "Service rehome-system/rehome-metrics", "ClusterRole rehome-metrics-"},
		{"metrics: {readers: [{kind: Group, name: watchers}]}", "ClusterRoleBinding rehome-metrics-reader", ""},
		{"networkPolicy: {enabled: true}", "NetworkPolicy rehome-system/rehome", ""},
		{"", "", "NetworkPolicy "},
		{"", "ClusterRole rehome-edit", "RoleBinding rehome-system/rehome-manager"},
		{"rbac: {aggregate: false}", "ClusterRole rehome-manager", "ClusterRole rehome-edit"},
		{"rbac: {create: false}", "ClusterRole rehome-view", "ClusterRole rehome-manager"},
		{"rbac: {create: false}", "", "Role "},
		{"rbac: {create: false}", "", "ClusterRoleBinding "},
		{"", "ValidatingAdmissionPolicy rehome-clusters", ""},
		{"", "ValidatingAdmissionPolicyBinding rehome-clusters", ""},
		{"admissionPolicy: {enabled: false}", "", "ValidatingAdmissionPolicy rehome-clusters"},
		{"{admissionPolicy: {enabled: false}, webhook: {enabled: false}}", "", "ValidatingAdmissionPolicy"},
		{namespaced, "Role shop/rehome-manager", "ClusterRole rehome-manager"},
		{namespaced, "RoleBinding bank/rehome-manager", "ClusterRoleBinding rehome-manager"},
		{"", "MutatingWebhookConfiguration rehome-webhook", "Certificate "},
		{"", "Service rehome-system/rehome-webhook", "Issuer "},
		{"", "ClusterRole rehome-webhook", ""},
		{"", "ValidatingAdmissionPolicy rehome-webhook", ""},
		{"webhook: {enabled: false}", "", "MutatingWebhookConfiguration "},
		{"webhook: {enabled: false}", "", "Service rehome-system/rehome-webhook"},
		{"webhook: {enabled: false}", "", "ClusterRole rehome-webhook"},
		{certManager, "Certificate rehome-system/rehome-webhook", "ClusterRole rehome-webhook"},
		{certManager, "Issuer rehome-system/rehome-webhook", "ClusterRoleBinding rehome-webhook"},
		{"webhook: {certificates: Existing, existingSecret: theirs}", "MutatingWebhookConfiguration rehome-webhook", "ClusterRole rehome-webhook"},
		{"", "", "CronJob "},
		{"audit: {enabled: true}", "CronJob rehome-system/rehome-audit", "ConfigMap rehome-system/rehome-audit"},
		{"audit: {enabled: true}", "ClusterRole rehome-audit-backups", "Role rehome-system/rehome-audit"},
		{"audit: {enabled: true, report: {configMap: true}}", "ConfigMap rehome-system/rehome-audit", ""},
		{"{audit: {enabled: true}, managedNamespaces: 'shop, bank'}", "Role bank/rehome-audit-backups", "ClusterRole rehome-audit-backups"},
		{"{audit: {enabled: true}, rbac: {create: false}}", "CronJob rehome-system/rehome-audit", "ClusterRole rehome-audit"},
		{"nameOverride: rules", "Deployment rehome-system/rehome-rules", ""},
		{"fullnameOverride: rules", "Deployment rehome-system/rules", ""},
	} {
		t.Run(test.values+" "+test.present+test.absent, func(t *testing.T) {
			g := NewWithT(t)
			names := parse(t, rendered(t, test.values)).names()
			if test.present != "" {
				g.Expect(names).To(ContainElement(test.present))
			}
			if test.absent != "" {
				g.Expect(names).NotTo(ContainElement(HavePrefix(test.absent)))
			}
		})
	}
}

// certManager are the values of an operator whose certificate cert-manager makes.
const certManager = "webhook: {certificates: CertManager}"

func webhooks(t *testing.T, text string) []admissionregistrationv1.MutatingWebhook {
	t.Helper()
	return decoded[admissionregistrationv1.MutatingWebhookConfiguration](t, parse(t, text).only(t, "MutatingWebhookConfiguration")).Webhooks
}

// Tools that compare manifests would see a difference wherever a Pod or cert-manager has set caBundle.
func TestOnlyAnExistingCertificateHasACABundleInTheManifests(t *testing.T) {
	g := NewWithT(t)
	for _, text := range []string{rendered(t, ""), rendered(t, certManager), build(t, "default")} {
		g.Expect(text).NotTo(ContainSubstring("caBundle: \"\""))
		g.Expect(webhooks(t, text)).To(HaveEach(HaveField("ClientConfig.CABundle", BeEmpty())))
	}
	existing := rendered(t, "webhook: {certificates: Existing, existingSecret: theirs, caBundle: b25l}")
	g.Expect(webhooks(t, existing)).To(HaveEach(HaveField("ClientConfig.CABundle", BeEquivalentTo("one"))))
	g.Expect(podTemplate(t, parse(t, existing)).Spec.Volumes).To(ContainElement(HaveField("Secret.SecretName", "theirs")))
}

func TestTheWebhookIsAskedForManagedNamespacesOnly(t *testing.T) {
	g := NewWithT(t)
	in := func(names ...string) types.GomegaMatcher {
		return HaveEach(HaveField("NamespaceSelector.MatchExpressions", ConsistOf(SatisfyAll(
			HaveField("Key", corev1.LabelMetadataName), HaveField("Values", names)))))
	}
	g.Expect(webhooks(t, rendered(t, namespaced))).To(in("shop", "bank"))
	g.Expect(webhooks(t, build(t, "namespaced"))).To(in("default"))
	g.Expect(webhooks(t, rendered(t, ""))).To(HaveEach(HaveField("NamespaceSelector", BeNil())))
}

func TestChartAndKustomizeRegisterTheSameWebhooks(t *testing.T) {
	NewWithT(t).Expect(webhooks(t, rendered(t, ""))).To(Equal(webhooks(t, build(t, "default"))))
}

func TestValuesSelectTheImage(t *testing.T) {
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for values, image := range map[string]string{
		"":                 "ghcr.io/rehome-operator/rehome:" + version(t),
		"image: {tag: v7}": "ghcr.io/rehome-operator/rehome:v7",
		"image: {tag: v7, digest: '" + digest + "'}":                      "ghcr.io/rehome-operator/rehome@" + digest,
		"image: {registry: here, repository: there}":                      "here/there:" + version(t),
		"image: {registry: '', repository: here/there}":                   "here/there:" + version(t),
		"{global: {imageRegistry: mirror}, image: {repository: there}}":   "mirror/there:" + version(t),
		"{global: {imageRegistry: ''}, image: {registry: here, tag: v7}}": "here/rehome-operator/rehome:v7",
	} {
		t.Run(values, func(t *testing.T) {
			pod := podTemplate(t, parse(t, rendered(t, values)))
			NewWithT(t).Expect(pod.Spec.Containers[0].Image).To(Equal(image))
		})
	}
}

func TestValuesSetFieldsOfThePod(t *testing.T) {
	g := NewWithT(t)
	pod := podTemplate(t, parse(t, rendered(t, read(t, "testdata/values/everything.yaml"))))

	g.Expect(pod.Spec.ImagePullSecrets).To(ConsistOf(
		corev1.LocalObjectReference{Name: "registry"}, corev1.LocalObjectReference{Name: "global-registry"}))
	g.Expect(pod.Spec.PriorityClassName).To(Equal("system-cluster-critical"))
	g.Expect(pod.Spec.ServiceAccountName).To(Equal("rehomer"))
	g.Expect(pod.Spec.TopologySpreadConstraints).To(ConsistOf(HaveField("TopologyKey", "topology.kubernetes.io/zone")))
	g.Expect(pod.Spec.Containers[0].Args).To(Equal([]string{"manager", "--config=/etc/rehome/config.yaml", "--health-probe-bind-address=:8081"}))
	_, err := output(exec.Command(tool(t, "REHOME"), append(pod.Spec.Containers[0].Args, "--help")...))
	g.Expect(err).NotTo(HaveOccurred(), "the program has these flags")
	g.Expect(pod.Spec.Containers[0].Env).To(ConsistOf(corev1.EnvVar{Name: "GOGC", Value: "50"}))
	g.Expect(pod.Labels).To(HaveKeyWithValue("team", "storage"))
}

func TestOpenShiftAssignsTheUserAndTheGroup(t *testing.T) {
	g := NewWithT(t)
	context := podTemplate(t, parse(t, rendered(t, read(t, "testdata/values/openshift.yaml")))).Spec.SecurityContext

	g.Expect(context.RunAsUser).To(BeNil())
	g.Expect(context.RunAsGroup).To(BeNil())
	g.Expect(context.RunAsNonRoot).To(HaveValue(BeTrue()))
}

func TestAllObjectsHaveTheCommonLabelsAndAnnotations(t *testing.T) {
	values := "commonLabels: {team: storage, app.kubernetes.io/name: other}\ncommonAnnotations: {contact: us}\n"
	for _, object := range parse(t, rendered(t, read(t, "testdata/values/single.yaml")+values)) {
		g := NewWithT(t)
		g.Expect(object.GetLabels()).To(HaveKeyWithValue("team", "storage"), nameOf(object))
		g.Expect(object.GetLabels()).To(HaveKeyWithValue("app.kubernetes.io/name", "rehome"), nameOf(object))
		g.Expect(object.GetAnnotations()).To(HaveKeyWithValue("contact", "us"), nameOf(object))
	}
}

func TestPodsAreSpreadOverNodesByDefault(t *testing.T) {
	g := NewWithT(t)
	pod := podTemplate(t, parse(t, rendered(t, "")))

	g.Expect(pod.Spec.TopologySpreadConstraints).To(ConsistOf(SatisfyAll(
		HaveField("TopologyKey", corev1.LabelHostname), HaveField("WhenUnsatisfiable", corev1.ScheduleAnyway),
		HaveField("LabelSelector.MatchLabels", HaveKeyWithValue("app.kubernetes.io/instance", releaseName)))))
}

func TestPodsAreReplacedWhenTheConfigurationChanges(t *testing.T) {
	g := NewWithT(t)
	before := podTemplate(t, parse(t, rendered(t, "")))
	same := podTemplate(t, parse(t, rendered(t, "networkPolicy: {enabled: true}")))
	after := podTemplate(t, parse(t, rendered(t, "config: {mode: Observe}")))

	g.Expect(same).To(Equal(before))
	g.Expect(after).NotTo(Equal(before))
}

func TestTheDefinitionIsKeptUnlessKeepIsFalse(t *testing.T) {
	g := NewWithT(t)
	const policy = "helm.sh/resource-policy"

	g.Expect(parse(t, rendered(t, "")).only(t, "CustomResourceDefinition").GetAnnotations()).To(HaveKeyWithValue(policy, "keep"))
	g.Expect(parse(t, rendered(t, "crds: {keep: false}")).only(t, "CustomResourceDefinition").GetAnnotations()).NotTo(HaveKey(policy))
}

func TestAllObjectsHaveTheNameLabel(t *testing.T) {
	forEachShape(t, func(t *testing.T, l objects) {
		for _, object := range l {
			// KubeBlocks aggregates the rights of every ClusterRole that has the name label of KubeBlocks.
			NewWithT(t).Expect(object.GetLabels()).To(HaveKeyWithValue("app.kubernetes.io/name", "rehome"), nameOf(object))
		}
	})
}

func TestRenderingIsDeterministic(t *testing.T) {
	for _, s := range shapes(t) {
		t.Run(s.name, func(t *testing.T) { NewWithT(t).Expect(s.render(t)).To(Equal(s.render(t))) })
	}
}

func TestTheOperatorAcceptsItsConfiguration(t *testing.T) {
	forEachShape(t, func(t *testing.T, l objects) {
		settings, err := configv1alpha1.Load([]byte(l.configuration(t)))
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		NewWithT(t).Expect(settings.LeaderElection).To(Equal(configv1alpha1.LeaderElection{Enabled: true, Namespace: ownNamespace}))
	})
}

func TestManagedNamespacesAreWatched(t *testing.T) {
	settings, err := configv1alpha1.Load([]byte(parse(t, rendered(t, "managedNamespaces: 'shop, bank,shop,'")).configuration(t)))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	NewWithT(t).Expect(settings.WatchNamespaces).To(Equal([]string{"shop", "bank"}))
}

func TestChartAndKustomizeHaveTheSameVersion(t *testing.T) {
	g := NewWithT(t)
	m := readMetadata(t)
	image := podTemplate(t, parse(t, build(t, "default"))).Spec.Containers[0].Image

	g.Expect(m.AppVersion).To(Equal(m.Version))
	g.Expect(image).To(HaveSuffix("/rehome:" + m.Version))
	g.Expect(podTemplate(t, parse(t, rendered(t, ""))).Spec.Containers[0].Image).To(Equal(image))
	g.Expect(m.Annotations["artifacthub.io/images"]).To(ContainSubstring("image: " + image + "\n"))
}

// TestChartAndKustomizeInstallTheSame compares the rights, the policies, the Pod and the strategy of the Deployment.
func TestChartAndKustomizeInstallTheSame(t *testing.T) {
	g := NewWithT(t)
	chart, kustomize := parse(t, rendered(t, "")), parse(t, build(t, "default"))

	g.Expect(chart.rules(t)).To(Equal(kustomize.rules(t)))
	g.Expect(parse(t, rendered(t, countsBackups)).rules(t)).To(Equal(parse(t, build(t, "backups")).rules(t)))
	g.Expect(chart.policies()).NotTo(BeEmpty())
	g.Expect(chart.policies()).To(Equal(kustomize.policies()))
	g.Expect(comparable(podTemplate(t, chart))).To(Equal(comparable(podTemplate(t, kustomize))))
	g.Expect(decoded[appsv1.Deployment](t, chart.only(t, "Deployment")).Spec.Strategy).
		To(Equal(decoded[appsv1.Deployment](t, kustomize.only(t, "Deployment")).Spec.Strategy))
}

// comparable returns the spec of a Pod without the names in which the chart and kustomize differ.
func comparable(pod *corev1.PodTemplateSpec) corev1.PodSpec {
	spec := *pod.Spec.DeepCopy()
	spec.TopologySpreadConstraints[0].LabelSelector = nil
	spec.Volumes[0].ConfigMap.Name, _, _ = strings.Cut(spec.Volumes[0].ConfigMap.Name, "-")
	return spec
}

func podTemplate(t *testing.T, l objects) *corev1.PodTemplateSpec {
	t.Helper()
	return &decoded[appsv1.Deployment](t, l.only(t, "Deployment")).Spec.Template
}
