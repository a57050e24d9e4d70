package cli

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"weak"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

const (
	podPages = 5
	podsEach = 10
)

// inPages is a cluster whose Pods are listed in pages. asked is called before each.
func inPages(asked func(page int) error, added func(*corev1.Pod)) *cluster {
	client := fake.NewClientset(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-a"}})
	client.PrependReactor("list", "pods", func(action clienttesting.Action) (bool, apiruntime.Object, error) {
		options := action.(clienttesting.ListActionImpl).ListOptions
		page, _ := strconv.Atoi(options.Continue)
		if err := asked(page); err != nil {
			return true, nil, err
		}
		list := &corev1.PodList{}
		if page+1 < podPages {
			list.Continue = strconv.Itoa(page + 1)
		}
		for i := range podsEach {
			pod := corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("pod-%d-%d", page, i)},
				Spec:       corev1.PodSpec{NodeName: "node-a", SecurityContext: &corev1.PodSecurityContext{}},
				Status:     corev1.PodStatus{Phase: corev1.PodRunning},
			}
			added(&pod)
			list.Items = append(list.Items, pod)
		}
		return true, list, nil
	})
	return clusterOf(client)
}

// TestPodsArePackedPageByPage: a whole Pod does not outlive its page. What is not read of a Pod shows whether it is still held.
func TestPodsArePackedPageByPage(t *testing.T) {
	g := NewWithT(t)
	var unread []weak.Pointer[corev1.PodSecurityContext]
	most := 0
	count := func(int) error {
		runtime.GC()
		whole := 0
		for _, one := range unread {
			if one.Value() != nil {
				whole++
			}
		}
		most = max(most, whole)
		return nil
	}

	w, err := readWorld(t.Context(), inPages(count, func(p *corev1.Pod) { unread = append(unread, weak.Make(p.Spec.SecurityContext)) }), nil, nil)

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(w.Pods).To(HaveLen(podPages * podsEach))
	g.Expect(most).To(BeNumerically("<=", podsEach))
}

func TestAPageThatFailsIsReported(t *testing.T) {
	failed := errors.New("the third page fails")

	_, err := readWorld(t.Context(), inPages(func(page int) error {
		if page == 2 {
			return failed
		}
		return nil
	}, func(*corev1.Pod) {}), nil, nil)

	NewWithT(t).Expect(err).To(MatchError(failed))
}
