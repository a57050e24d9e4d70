package kubeblocks_test

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

func TestSelectsRestorePods(t *testing.T) {
	requirement := func(key string, operator metav1.LabelSelectorOperator, values ...string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: operator, Values: values}}}
	}
	always, from10, never := []bool{true, true, true}, []bool{false, true, true}, []bool{false, false, false}
	for name, test := range map[string]struct {
		selector *metav1.LabelSelector
		want     []bool
	}{
		"nothing":    {nil, always},
		"everything": {&metav1.LabelSelector{}, always},
		"instance and component": {&metav1.LabelSelector{MatchLabels: map[string]string{
			kubeblocks.LabelInstance: "kiwi", kubeblocks.LabelComponentName: "mysql",
		}}, always},
		"other instances":     {requirement(kubeblocks.LabelInstance, metav1.LabelSelectorOpNotIn, "kiwi"), always},
		"workload":            {requirement(kubeblocks.LabelWorkload, metav1.LabelSelectorOpIn, "kiwi-mysql"), from10},
		"sharding":            {requirement(kubeblocks.LabelShardingName, metav1.LabelSelectorOpExists), from10},
		"name of a Pod":       {requirement("apps.kubeblocks.io/pod-name", metav1.LabelSelectorOpIn, "kiwi-mysql-0"), never},
		"managed-by":          {requirement(kubeblocks.LabelManagedBy, metav1.LabelSelectorOpIn, "kubeblocks"), never},
		"managed by both":     {requirement(kubeblocks.LabelManagedBy, metav1.LabelSelectorOpIn, "kubeblocks", "kubeblocks-dataprotection"), always},
		"managed by any":      {requirement(kubeblocks.LabelManagedBy, metav1.LabelSelectorOpExists), always},
		"no restore Pods":     {requirement(kubeblocks.LabelManagedBy, metav1.LabelSelectorOpNotIn, "kubeblocks-dataprotection"), never},
		"none of a Restore":   {requirement(kubeblocks.LabelRestore, metav1.LabelSelectorOpDoesNotExist), never},
		"a label of the user": {requirement("team", metav1.LabelSelectorOpIn, "red"), never},
		"no leader":           {requirement("kubeblocks.io/role", metav1.LabelSelectorOpNotIn, "leader"), always},
		"no operator":         {requirement("team", "Near"), never},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			for i, version := range []kubeblocks.Version{kubeblocks.V09, kubeblocks.V10, kubeblocks.V11} {
				g.Expect(version.SelectsRestorePods(test.selector)).To(Equal(test.want[i]), string(version))
			}
		})
	}
}
