package testing

import (
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// Generation is a generation of KubeBlocks, as its API shows.
type Generation struct {
	// Apps is the version in which Clusters and Components are stored.
	Apps schema.GroupVersion
	// Other is the version that the other generation marks its Clusters with.
	Other schema.GroupVersion
	// Shardings names the field of a Cluster's spec that holds its shardings.
	Shardings string
	// Unmarked says that KubeBlocks marks no Clusters.
	Unmarked bool

	served []string
	// instances says that the Instance API is served.
	instances bool
}

// V09 is KubeBlocks 0.9, which serves v1alpha1 only.
func V09() Generation {
	return Generation{
		Apps: kubeblocks.AppsV1alpha1, Other: kubeblocks.AppsV1, Shardings: "shardingSpecs", Unmarked: true,
		served: []string{"v1alpha1"},
	}
}

// V10 is KubeBlocks 1.0, which stores v1, serves v1alpha1 too, and does not convert.
func V10() Generation {
	return Generation{
		Apps: kubeblocks.AppsV1, Other: kubeblocks.AppsV1alpha1, Shardings: "shardings",
		served: []string{"v1", "v1alpha1"},
	}
}

// V11 is KubeBlocks 1.1, which is as 1.0 and serves Instances.
func V11() Generation {
	g := V10()
	g.instances = true
	return g
}

// V12 is KubeBlocks 1.2, which serves v1 only, and marks no Clusters.
func V12() Generation {
	return Generation{
		Apps: kubeblocks.AppsV1, Other: kubeblocks.AppsV1alpha1, Shardings: "shardings", Unmarked: true,
		served: []string{"v1"}, instances: true,
	}
}

// Served is what Rehome discovers beside this generation.
func (g Generation) Served() kubeblocks.Served {
	return kubeblocks.Served{
		Apps: g.Apps, OnlyV1: !slices.Contains(g.served, kubeblocks.AppsV1alpha1.Version), Instances: g.instances,
	}
}

// Workloads is the version in which InstanceSets are stored.
func (g Generation) Workloads() schema.GroupVersion {
	return schema.GroupVersion{Group: "workloads.kubeblocks.io", Version: g.Apps.Version}
}

// CRDs defines the kinds that Rehome reads. They keep every field. They reject only a changed schedulingSpec of a Restore, an
// invalid condition, and any change of a Cluster with "frozen: true".
func (g Generation) CRDs() []*apiextensionsv1.CustomResourceDefinition {
	frozen := apiextensionsv1.ValidationRule{Rule: "!has(oldSelf.frozen) || self == oldSelf", Message: "the Cluster is frozen"}
	immutable := apiextensionsv1.ValidationRule{Rule: "self == oldSelf", Message: "the field is immutable"}

	cluster := anyObject(properties{"frozen": {Type: "boolean"}})
	cluster.XValidations = apiextensionsv1.ValidationRules{frozen}
	schedulingSpec := anyObject(nil)
	schedulingSpec.XValidations = apiextensionsv1.ValidationRules{immutable}
	prepareDataConfig := anyObject(properties{"schedulingSpec": schedulingSpec})
	definitions := []*apiextensionsv1.CustomResourceDefinition{
		definition(kubeblocks.AppsV1.Group, "Cluster", cluster, g.served),
		definition(kubeblocks.AppsV1.Group, "Component", anyObject(nil), g.served),
		definition(g.Workloads().Group, "InstanceSet", anyObject(nil), g.served),
		definition(kubeblocks.DataProtectionV1alpha1.Group, "Restore", anyObject(properties{"prepareDataConfig": prepareDataConfig}), []string{"v1alpha1"}),
		definition(kubeblocks.DataProtectionV1alpha1.Group, "Backup", anyObject(nil), []string{"v1alpha1"}),
	}
	if g.instances {
		definitions = append(definitions, definition(g.Workloads().Group, "Instance", anyObject(nil), []string{"v1"}))
	}
	return definitions
}

type properties = map[string]apiextensionsv1.JSONSchemaProps

// anyObject is the schema of an object that keeps unknown fields.
func anyObject(known properties) apiextensionsv1.JSONSchemaProps {
	return apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true), Properties: known}
}

// definition defines a kind in the given versions. The first is stored.
func definition(group, kind string, spec apiextensionsv1.JSONSchemaProps, versions []string) *apiextensionsv1.CustomResourceDefinition {
	singular := strings.ToLower(kind)
	names := apiextensionsv1.CustomResourceDefinitionNames{
		Kind: kind, ListKind: kind + "List", Singular: singular, Plural: singular + "s",
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	crd.Name = names.Plural + "." + group
	crd.Spec = apiextensionsv1.CustomResourceDefinitionSpec{Group: group, Names: names, Scope: apiextensionsv1.NamespaceScoped}
	for i, version := range versions {
		crd.Spec.Versions = append(crd.Spec.Versions, apiextensionsv1.CustomResourceDefinitionVersion{
			Name: version, Served: true, Storage: i == 0,
			Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
				Type:       "object",
				Properties: properties{"spec": spec, "status": anyObject(properties{"conditions": conditions()})},
			}},
			Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
		})
	}
	return crd
}

// conditions is controller-gen's schema of []metav1.Condition, without a list type, as in KubeBlocks.
func conditions() apiextensionsv1.JSONSchemaProps {
	return apiextensionsv1.JSONSchemaProps{Type: "array", Items: &apiextensionsv1.JSONSchemaPropsOrArray{
		Schema: &apiextensionsv1.JSONSchemaProps{
			Type:     "object",
			Required: []string{"lastTransitionTime", "message", "reason", "status", "type"},
			Properties: properties{
				"type":               {Type: "string", MaxLength: ptr.To[int64](316)},
				"status":             {Type: "string", Enum: []apiextensionsv1.JSON{{Raw: []byte(`"True"`)}, {Raw: []byte(`"False"`)}, {Raw: []byte(`"Unknown"`)}}},
				"reason":             {Type: "string", MinLength: ptr.To[int64](1), MaxLength: ptr.To[int64](1024), Pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"},
				"message":            {Type: "string", MaxLength: ptr.To[int64](32768)},
				"lastTransitionTime": {Type: "string", Format: "date-time"},
				"observedGeneration": {Type: "integer", Format: "int64"},
			},
		},
	}}
}
