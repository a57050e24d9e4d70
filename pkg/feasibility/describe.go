package feasibility

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

const (
	reasonTooMuch   = "cannot be proven: the Cluster has more Pods, nodes or rules than are checked"
	reasonExchanged = "the rewritten rule selects Pods of the source instead of the Cluster's own, and those can be on any node"
	// maxNames is how many names a sentence lists.
	maxNames = 4
)

// refusal describes a conflict.
func (c *conflict) refusal() Refusal {
	r := Refusal{
		Rule: c.Rule, Unproven: c.unproven, Reason: c.reason(),
		Claims: c.claims(append(c.others, c.pod)...), Domains: c.values(c.pod),
	}
	for _, pod := range append([]int{c.pod}, c.others...) {
		r.Pods = append(r.Pods, c.world.Pods[pod].Name)
	}
	return r
}

func (c *conflict) reason() string {
	switch {
	case c.exchanged:
		return reasonExchanged
	case c.unproven:
		return fmt.Sprintf("cannot be proven: %s and the Pods that the rule selects have more possible placements than are checked", c.name(c.pod))
	case c.closing.Kind == AntiAffinity:
		return c.tooClose()
	case c.closing.Kind == Affinity:
		return c.tooFar()
	default:
		return c.tooUneven()
	}
}

func (c *conflict) tooClose() string {
	wanted := fmt.Sprintf("%s wants one Pod per %s", c.subject(), noun(c.closing.TopologyKey))
	together := slices.DeleteFunc(slices.Clone(c.others), func(pod int) bool { return !c.boundTogether(pod) })
	if len(together) > 0 {
		claims := c.claims(append(together, c.pod)...)
		return fmt.Sprintf("claims %s are %s %s, and %s", list(claims), allOf(len(claims)), c.place(c.pod), wanted)
	}
	return fmt.Sprintf("%s, which %s can take first, and %s", c.confined(), c.names(c.others), wanted)
}

func (c *conflict) tooFar() string {
	domain := noun(c.closing.TopologyKey)
	if len(c.others) == 0 {
		return fmt.Sprintf("%s needs a Pod in the same %s that the Cluster does not have", c.name(c.pod), domain)
	}
	if pods := []int{c.pod, c.others[0]}; len(c.others) == 1 && c.bound(pods[0]) && c.bound(pods[1]) {
		return fmt.Sprintf("claims %s are tied to %ss %s, and %s wants the Pods in one %s",
			list(c.claims(pods...)), domain, list(c.values(pods...)), c.subject(), domain)
	}
	return fmt.Sprintf("%s, %s can be elsewhere, and %s wants them in one %s", c.confined(), c.names(c.others), c.subject(), domain)
}

func (c *conflict) tooUneven() string {
	others := "1 other Pod"
	if len(c.others) != 1 {
		others = fmt.Sprintf("%d other Pods", len(c.others))
	}
	return fmt.Sprintf("%s, where %s can be, and %s allows %d more than in the %s with the fewest",
		c.confined(), others, c.subject(), c.spread.maxSkew, noun(c.closing.TopologyKey))
}

// subject names the rule that is in the way.
func (c *conflict) subject() string {
	if c.closing == c.Rule {
		return "the rule"
	}
	return "another rule"
}

// boundTogether reports whether claims tie a Pod to the one domain that they tie the Pod of the conflict to.
func (c *conflict) boundTogether(pod int) bool {
	return c.bound(pod) && c.bound(c.pod) && slices.Equal(c.values(pod), c.values(c.pod))
}

// bound reports whether claims tie a Pod to one domain.
func (c *conflict) bound(pod int) bool { return len(c.claims(pod)) > 0 && len(c.values(pod)) == 1 }

// confined says where the Pod of the conflict can be, and which claims keep it there.
func (c *conflict) confined() string {
	if claims := c.claims(c.pod); len(claims) > 0 {
		return fmt.Sprintf("%s %s to %s", claimsTie(claims), c.name(c.pod), c.domains(c.pod))
	}
	return fmt.Sprintf("%s can only run %s", c.name(c.pod), c.place(c.pod))
}

// place says where a Pod can be.
func (c *conflict) place(pod int) string {
	if c.closing.TopologyKey == corev1.LabelHostname {
		return "on " + c.domains(pod)
	}
	return "in " + c.domains(pod)
}

// domains names the domains that a Pod can be in.
func (c *conflict) domains(pod int) string {
	values := c.values(pod)
	if len(values) == 1 {
		return noun(c.closing.TopologyKey) + " " + values[0]
	}
	return noun(c.closing.TopologyKey) + "s " + list(values)
}

// values lists the domains that Pods can be in, Pod by Pod.
func (c *conflict) values(pods ...int) []string {
	t := c.topology(c.closing.TopologyKey)
	var values []string
	for _, pod := range slices.Sorted(slices.Values(pods)) {
		for domain := range c.reach(pod, t).all() {
			values = append(values, t.values[domain])
		}
	}
	return values
}

// claims lists the claims that tie Pods, Pod by Pod.
func (c *conflict) claims(pods ...int) []string {
	var claims []string
	for _, pod := range slices.Sorted(slices.Values(pods)) {
		for _, v := range c.world.Pods[pod].Volumes {
			if v.tied() {
				claims = append(claims, v.Claim)
			}
		}
	}
	return claims
}

func (c *conflict) name(pod int) string { return "Pod " + c.world.Pods[pod].Name }

func (c *conflict) names(pods []int) string {
	if len(pods) == 1 {
		return c.name(pods[0])
	}
	names := make([]string, 0, len(pods))
	for _, pod := range pods {
		names = append(names, c.world.Pods[pod].Name)
	}
	return "Pods " + list(names)
}

func claimsTie(claims []string) string {
	if len(claims) == 1 {
		return "claim " + claims[0] + " ties"
	}
	return "claims " + list(claims) + " tie"
}

// list joins names for a sentence.
func list(names []string) string {
	switch {
	case len(names) > maxNames:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames-1], ", "), len(names)-maxNames+1)
	case len(names) < 2:
		return strings.Join(names, "")
	default:
		return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	}
}

func allOf(n int) string {
	if n == 2 {
		return "both"
	}
	return "all"
}

// noun returns what people call a domain of a topology key.
func noun(key string) string {
	if key == corev1.LabelHostname {
		return "node"
	}
	return path.Base(key)
}
