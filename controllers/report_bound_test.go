package controllers

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/rehome-operator/rehome/api/v1alpha1"
)

// maxHalvings is the most that bound can need: each of five lists of at most maxListed elements is halved until it is empty.
const maxHalvings = 5 * 10

// anyStatus draws a status in which any list can be long, and any text large. Escapes make JSON up to six times as long.
func anyStatus() *rapid.Generator[v1alpha1.RehomingStatus] {
	text := rapid.Custom(func(t *rapid.T) string {
		unit := rapid.SampledFrom([]string{"n", "<", "ü", "\xff", "\x01"}).Draw(t, "unit")
		return strings.Repeat(unit, rapid.SampledFrom([]int{0, 1, 63, 1000, 2000}).Draw(t, "length"))
	})
	length := rapid.SampledFrom([]int{0, 1, 2, 30, 200, 1500})
	return rapid.Custom(func(t *rapid.T) v1alpha1.RehomingStatus {
		one := text.Draw(t, "text")
		var s v1alpha1.RehomingStatus
		for range length.Draw(t, "backups") {
			s.Backups = append(s.Backups, v1alpha1.BackupReference{Namespace: "n", Name: one})
		}
		for range length.Draw(t, "edits") {
			s.Edits = append(s.Edits, v1alpha1.EditStatus{Path: one, From: one, To: one})
		}
		for range length.Draw(t, "findings") {
			s.Findings = append(s.Findings, v1alpha1.FindingStatus{Path: one, Message: one})
		}
		for range length.Draw(t, "actions") {
			s.Actions = append(s.Actions, v1alpha1.ActionStatus{Target: v1alpha1.ActionTarget{Name: one}})
		}
		pods := make([]v1alpha1.PendingPod, length.Draw(t, "pods"))
		for i := range pods {
			pods[i] = v1alpha1.PendingPod{Name: one, Reason: one}
		}
		for range length.Draw(t, "restores") {
			s.Restores = append(s.Restores, v1alpha1.RestoreStatus{Name: one, PendingPods: pods})
		}
		for i := range length.Draw(t, "conditions") {
			s.Conditions = append(s.Conditions, metav1.Condition{Type: fmt.Sprint("Of", i), Message: truncate(one, maxMessage)})
		}
		return s
	})
}

func TestBoundEndsWithASmallStatusForAnyInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		status := anyStatus().Draw(t, "status")
		steps := bound(&status)
		if size := sizeOf(status); size > maxStatus || steps > maxHalvings {
			t.Fatalf("%d bytes after %d halvings", size, steps)
		}
	})
}

func TestBoundTruncatesBackups(t *testing.T) {
	g := NewWithT(t)
	var status v1alpha1.RehomingStatus
	for i := range 900 {
		status.Backups = append(status.Backups, v1alpha1.BackupReference{Namespace: strings.Repeat("n", 63), Name: fmt.Sprintf("%0253d", i)})
	}
	g.Expect(bound(&status)).To(Equal(3), "halvings")
	g.Expect(status.Backups).To(HaveLen(112))
}

func TestBoundKeepsOneHugeElementAndTruncatesItsPods(t *testing.T) {
	g := NewWithT(t)
	restore := v1alpha1.RestoreStatus{Name: "r"}
	for range 5000 {
		restore.PendingPods = append(restore.PendingPods, v1alpha1.PendingPod{Name: "p", Reason: strings.Repeat("x", 100_000)})
	}
	status := v1alpha1.RehomingStatus{
		Restores: []v1alpha1.RestoreStatus{restore},
		Findings: []v1alpha1.FindingStatus{{Path: "/spec", Message: strings.Repeat("x", 1<<20)}},
	}
	g.Expect(bound(&status)).To(BeZero())
	g.Expect(status.Restores).To(HaveLen(1))
	g.Expect(status.Restores[0].PendingPods).To(HaveLen(maxPendingPods))
	g.Expect(status.Findings).To(HaveLen(1))
}

func TestBoundKeepsASmallStatus(t *testing.T) {
	g := NewWithT(t)
	status := v1alpha1.RehomingStatus{
		Restores:   []v1alpha1.RestoreStatus{{Name: "r", PendingPods: []v1alpha1.PendingPod{{Name: "p", Reason: "none"}}}},
		Conditions: []metav1.Condition{{Type: "Foreign", Message: "kept"}},
	}
	want := *status.DeepCopy()
	g.Expect(bound(&status)).To(BeZero())
	g.Expect(status).To(Equal(want))
}
