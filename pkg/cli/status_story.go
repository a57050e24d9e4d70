package cli

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	rehomev1alpha1 "github.com/rehome-operator/rehome/api/v1alpha1"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// story prints one restored Cluster.
type story struct {
	strings.Builder
	o      *statusOptions
	colour bool
}

// printStory prints what a Cluster waits for, with its conditions, rules, Restores and Pods. problem says why Restores are missing.
func (o *statusOptions) printStory(r row, restores []kubeblocks.Restore, problem error) {
	s := &story{o: o, colour: o.isTerminal(o.Out)}
	s.heading(r)
	s.conditions(r.Status.Conditions)
	s.rules(r.Status)
	s.restores(r.Status, restores)
	s.actions(r.Status.Actions)
	if r.Next != "" {
		s.linef(bold, "Next: %s", r.Next)
	}
	fmt.Fprint(o.Out, s.String())
	if problem != nil {
		fmt.Fprintf(o.ErrOut, textNoRestores, oneLine(problem))
	}
}

func (s *story) linef(colour, format string, args ...any) {
	if !s.colour {
		colour = ""
	}
	s.WriteString(colourLine(fmt.Sprintf(format, args...)+"\n", colour))
}

func (s *story) heading(r row) {
	source := ""
	if r.Source != "" {
		source = ", restored from " + r.Source
	}
	if r.Backup != "" {
		source += " by Backup " + r.Backup
	}
	state := "waits " + s.o.since(r.Since) + ": " + r.State
	if r.Ready {
		state = "is ready since " + s.o.since(r.Since)
	}
	s.linef(r.colour(), "%s/%s%s, %s", r.Namespace, r.Name, source, state)
	if r.Status.Mode != "" {
		s.linef("", "Mode: %s", r.Status.Mode)
	}
}

// conditions prints those that say what is the matter. Ready repeats one of them.
func (s *story) conditions(conditions []metav1.Condition) {
	for _, c := range conditions {
		if c.Type == rehomev1alpha1.RehomingPolicyRehomed || c.Type == rehomev1alpha1.RehomingPodsScheduled {
			s.linef("", "%s", "")
			s.linef(conditionColour(c.Status), "%s %s: %s (%s)", c.Type, c.Status, c.Reason, s.o.since(&c.LastTransitionTime))
			s.linef("", "  %s", c.Message)
		}
	}
}

func conditionColour(status metav1.ConditionStatus) string {
	switch status {
	case metav1.ConditionTrue:
		return green
	case metav1.ConditionFalse:
		return red
	}
	return yellow
}

func (s *story) rules(status rehomev1alpha1.RehomingStatus) {
	if len(status.Edits)+len(status.Findings) == 0 {
		return
	}
	s.linef("", "%s", "")
	s.linef(bold, "Rules")
	for _, e := range status.Edits {
		applied := "not written yet"
		if e.AppliedTime != nil {
			applied = "written " + e.AppliedTime.UTC().Format(time.DateTime)
		}
		s.linef("", "  %s: %s -> %s (%s)", e.Path, orDash(e.From), orDash(e.To), applied)
	}
	for _, f := range status.Findings {
		s.linef("", "  %s %s", codes[rewrite.Class(f.Class)], f.Message)
	}
}

// restores prints each Restore with its conditions. Where the API server did not give the Restores, the reasons are those of the
// Rehoming.
func (s *story) restores(status rehomev1alpha1.RehomingStatus, restores []kubeblocks.Restore) {
	for _, r := range status.Restores {
		s.linef("", "%s", "")
		s.linef(bold, "Restore %s: %s, %d attempts left", r.Name, orDash(r.Phase), r.AttemptsLeft)
		if !s.restoreConditions(r.Name, restores) {
			s.linef("", "  PolicyRehomed: %s", orDash(r.PolicyReason))
			s.linef("", "  PodsScheduled: %s", orDash(r.PodsReason))
		}
		for _, pod := range r.PendingPods {
			s.linef("", "  Pod %s has no node: %s", pod.Name, orDash(pod.Reason))
		}
	}
}

func (s *story) restoreConditions(name string, restores []kubeblocks.Restore) (found bool) {
	for _, r := range restores {
		if r.Name != name {
			continue
		}
		for _, c := range r.Status.Conditions {
			if short, ours := strings.CutPrefix(c.Type, "rehome.kubeblocks.io/"); ours {
				found = true
				s.linef(conditionColour(c.Status), "  %s %s: %s", short, c.Status, c.Reason)
				s.linef("", "    %s", c.Message)
			}
		}
	}
	return found
}

func (s *story) actions(actions []rehomev1alpha1.ActionStatus) {
	if len(actions) > 0 {
		s.linef("", "%s", "")
		s.linef(bold, "Actions")
	}
	for _, a := range actions {
		s.linef("", "  %s %s %s %s", a.Time.UTC().Format(time.DateTime), a.Action, a.Target.Kind, a.Target.Name)
	}
	s.linef("", "%s", "")
}
