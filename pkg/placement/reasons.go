package placement

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
	corehelper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

func (e *explainer) taintStops(pod *corev1.Pod, node string) []Stop {
	var stops []Stop
	for _, taint := range e.nodes[node].Spec.Taints {
		if taint.Effect == corev1.TaintEffectPreferNoSchedule {
			continue
		}
		if corehelper.TolerationsTolerateTaint(logr.Discard(), pod.Spec.Tolerations, &taint, true) {
			continue
		}
		stops = append(stops, Stop{By: fmt.Sprintf(textTaint, taint.ToString()), Origin: OriginNode, Found: FoundByObjects})
	}
	return stops
}

// resourceStops says for each resource that a node lacks what the Pod asks for and what is free.
func (e *explainer) resourceStops(pod *corev1.Pod, node string, r *Refusal) []Stop {
	asked := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
	var stops []Stop
	for _, reason := range r.Reasons {
		name, ok := strings.CutPrefix(reason, "Insufficient ")
		if !ok {
			stops = append(stops, Stop{By: e.tooMany(node, reason), Origin: OriginNode, Reasons: []string{reason}})
			continue
		}
		resourceName := corev1.ResourceName(name)
		all := e.nodes[node].Status.Allocatable[resourceName]
		free := all.DeepCopy()
		used := e.usedOn(node)[resourceName]
		free.Sub(used)
		want := asked[resourceName]
		stops = append(stops, Stop{
			By: fmt.Sprintf(textInsufficient, name, want.String(), free.String(), all.String()), Origin: OriginNode, Found: FoundByObjects,
			Reasons: []string{reason},
		})
	}
	return stops
}

func (e *explainer) tooMany(node, reason string) string {
	if reason != "Too many pods" {
		return reason
	}
	most := e.nodes[node].Status.Allocatable[corev1.ResourcePods]
	return fmt.Sprintf(textTooMany, most.String())
}

// usedOn adds up what the Pods on a node request. It is read once, for all nodes.
func (e *explainer) usedOn(node string) corev1.ResourceList {
	if e.used == nil {
		e.used = map[string]corev1.ResourceList{}
		requests := map[*corev1.Pod]corev1.ResourceList{}
		for i := range e.world.Pods {
			pod := &e.world.Pods[i]
			if pod.NodeName() == "" {
				continue
			}
			sum := e.used[pod.NodeName()]
			if sum == nil {
				sum = corev1.ResourceList{}
				e.used[pod.NodeName()] = sum
			}
			if requests[pod.object] == nil {
				requests[pod.object] = requestsOf(pod.object)
			}
			for name, quantity := range requests[pod.object] {
				total := sum[name]
				total.Add(quantity)
				sum[name] = total
			}
		}
	}
	return e.used[node]
}

// nodeSelectionStops says which of the Pod's demands on nodes a node does not meet.
func (e *explainer) nodeSelectionStops(s *Subject, node string) []Stop {
	pod, labels := s.Pod, e.nodes[node].Labels
	var stops []Stop
	if name := pod.Spec.NodeName; name != "" && name != node {
		stops = append(stops, Stop{By: fmt.Sprintf(textNodeName, name), Origin: originOf(classOf(s, "/spec/nodeName"))})
	}
	for _, key := range slices.Sorted(maps.Keys(pod.Spec.NodeSelector)) {
		if want := pod.Spec.NodeSelector[key]; labels[key] != want {
			stops = append(stops, Stop{
				By: fmt.Sprintf(textNodeSelector, key, want), Origin: originOf(classOf(s, "/spec/nodeSelector")), Found: FoundByObjects,
			})
		}
	}
	if a := pod.Spec.Affinity; a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		required := a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
		if ok, err := nodeaffinity.NewLazyErrorNodeSelector(required).Match(e.nodes[node]); err == nil && !ok {
			class := classOf(s, "/spec/affinity/nodeAffinity")
			stops = append(stops, Stop{By: textNodeAffinity + describeNodeSelector(required), Origin: originOf(class), Found: FoundByObjects})
		}
	}
	return stops
}

// describeNodeSelector writes the first term of a node selector.
func describeNodeSelector(s *corev1.NodeSelector) string {
	if len(s.NodeSelectorTerms) == 0 {
		return ""
	}
	var parts []string
	term := s.NodeSelectorTerms[0]
	for _, r := range slices.Concat(term.MatchExpressions, term.MatchFields) {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Key, r.Operator, strings.Join(firstOf(r.Values), ","))))
	}
	text := " " + strings.Join(parts, " and ")
	if more := len(s.NodeSelectorTerms) - 1; more > 0 {
		text += fmt.Sprintf(textOrMore, more)
	}
	return text
}

// volumeText says which volume is elsewhere, or repeats the scheduler's words.
func (e *explainer) volumeText(pod *corev1.Pod, node string, r *Refusal) string {
	for _, claim := range claimsOf(pod) {
		c := e.world.claim(pod.Namespace, claim)
		if c == nil || c.Spec.VolumeName == "" {
			continue
		}
		v := e.world.volume(c.Spec.VolumeName)
		if v == nil || v.Spec.NodeAffinity == nil || v.Spec.NodeAffinity.Required == nil {
			continue
		}
		if ok, err := nodeaffinity.NewLazyErrorNodeSelector(v.Spec.NodeAffinity.Required).Match(e.nodes[node]); err == nil && !ok {
			return fmt.Sprintf(textVolumeElsewhere, claim, strings.TrimSpace(describeNodeSelector(v.Spec.NodeAffinity.Required)))
		}
	}
	return strings.Join(r.Reasons, ", ")
}

// missingClass says that the storage class of an unbound claim does not exist, or returns an empty string.
func (e *explainer) missingClass(pod *corev1.Pod) string {
	if e.world.Unread[resourceClasses] != "" {
		return ""
	}
	for _, name := range claimsOf(pod) {
		c := e.world.claim(pod.Namespace, name)
		if c == nil || c.Spec.VolumeName != "" || c.Spec.StorageClassName == nil || *c.Spec.StorageClassName == "" {
			continue
		}
		isClass := func(class storagev1.StorageClass) bool { return class.Name == *c.Spec.StorageClassName }
		if !slices.ContainsFunc(e.world.Classes, isClass) {
			return fmt.Sprintf(textNoClass, *c.Spec.StorageClassName, name)
		}
	}
	return ""
}

func claimsOf(pod *corev1.Pod) []string {
	var names []string
	for i := range pod.Spec.Volumes {
		switch v := &pod.Spec.Volumes[i]; {
		case v.PersistentVolumeClaim != nil:
			names = append(names, v.PersistentVolumeClaim.ClaimName)
		case v.Ephemeral != nil:
			names = append(names, pod.Name+"-"+v.Name)
		}
	}
	return names
}

func (w *World) claim(namespace, name string) *corev1.PersistentVolumeClaim {
	for i := range w.Claims {
		if w.Claims[i].Namespace == namespace && w.Claims[i].Name == name {
			return &w.Claims[i]
		}
	}
	return nil
}

func (w *World) volume(name string) *corev1.PersistentVolume {
	for i := range w.Volumes {
		if w.Volumes[i].Name == name {
			return &w.Volumes[i]
		}
	}
	return nil
}

// OverQuota says which quota forbids a Pod, or returns an empty string.
func OverQuota(w *World, namespace string, spec *corev1.PodSpec) string {
	asked := resourcehelper.PodRequests(&corev1.Pod{Spec: *spec}, resourcehelper.PodResourcesOptions{})
	limits := resourcehelper.PodLimits(&corev1.Pod{Spec: *spec}, resourcehelper.PodResourcesOptions{})
	demand := map[corev1.ResourceName]resource.Quantity{corev1.ResourcePods: resource.MustParse("1"), "count/pods": resource.MustParse("1")}
	for name, quantity := range asked {
		demand[name], demand["requests."+name] = quantity, quantity
	}
	for name, quantity := range limits {
		demand["limits."+name] = quantity
	}
	for i := range w.Quotas {
		q := &w.Quotas[i]
		if q.Namespace != namespace || len(q.Spec.Scopes) > 0 || q.Spec.ScopeSelector != nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(q.Status.Hard)) {
			want, counts := demand[name]
			hard, used := q.Status.Hard[name], q.Status.Used[name]
			after := used.DeepCopy()
			after.Add(want)
			if counts && after.Cmp(hard) > 0 {
				return fmt.Sprintf(textOverQuota, q.Name, name, want.String(), used.String(), hard.String())
			}
		}
	}
	return ""
}
