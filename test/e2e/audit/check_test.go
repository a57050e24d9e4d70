package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// The log is of one restore: two Jobs, one Pod each, and a pending database Pod.
const (
	restoreUID = "11111111-aaaa"
	jobs       = `
{"userAgent":"dataprotection/v1","verb":"create","objectRef":{"resource":"jobs","namespace":"ns","name":"restore-preparedata-11111111-bp1-0"},"responseStatus":{"code":201},"responseObject":{"metadata":{"name":"restore-preparedata-11111111-bp1-0","namespace":"ns","uid":"job-0","labels":{"dataprotection.kubeblocks.io/restore":"r"}}}}
{"userAgent":"dataprotection/v1","verb":"create","objectRef":{"resource":"jobs","namespace":"ns","name":"restore-preparedata-11111111-bp1-1"},"responseStatus":{"code":201},"responseObject":{"metadata":{"name":"restore-preparedata-11111111-bp1-1","namespace":"ns","uid":"job-1","labels":{"dataprotection.kubeblocks.io/restore":"r"}}}}
`
	pods = `
{"userAgent":"kube-controller-manager/v1","verb":"create","objectRef":{"resource":"pods","namespace":"ns"},"responseStatus":{"code":201},"responseObject":{"metadata":{"name":"pod-0-x","namespace":"ns","uid":"pod-0","labels":{"dataprotection.kubeblocks.io/restore":"r"},"ownerReferences":[{"kind":"Job","name":"restore-preparedata-11111111-bp1-0","uid":"job-0"}]}}}
{"userAgent":"kube-controller-manager/v1","verb":"create","objectRef":{"resource":"pods","namespace":"ns"},"responseStatus":{"code":201},"responseObject":{"metadata":{"name":"pod-1-x","namespace":"ns","uid":"pod-1","labels":{"dataprotection.kubeblocks.io/restore":"r"},"ownerReferences":[{"kind":"Job","name":"restore-preparedata-11111111-bp1-1","uid":"job-1"}]}}}
{"userAgent":"manager/v1","verb":"create","objectRef":{"resource":"pods","namespace":"ns","name":"db-0"},"responseStatus":{"code":201},"responseObject":{"metadata":{"name":"db-0","namespace":"ns","uid":"db","labels":{"app.kubernetes.io/instance":"c"}}}}
`
)

// bind is the scheduler's binding of a Pod, remove a deletion. The API server refuses with 404 or 409.
func bind(pod string, code int) string {
	return fmt.Sprintf(`{"userAgent":"kube-scheduler/v1","verb":"create","objectRef":{"resource":"pods","subresource":"binding",`+
		`"namespace":"ns","name":%q},"responseStatus":{"code":%d},"requestObject":{"metadata":{"name":%[1]q}}}`+"\n", pod, code)
}

func remove(userAgent, resource, name, uid string, code int) string {
	return fmt.Sprintf(`{"userAgent":%q,"verb":"delete","objectRef":{"resource":%q,"namespace":"ns","name":%q},`+
		`"responseStatus":{"code":%d},"responseObject":{"metadata":{"uid":%q}}}`+"\n", userAgent, resource, name, code, uid)
}

const agent = "rehome/v0.0.0 (linux/amd64)"

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		log              string
		checked, refused int
		violation        string // none when empty
	}{
		"a Job whose Pod never had a node":         {log: bind("pod-0-x", 201) + remove(agent, "jobs", "restore-preparedata-11111111-bp1-1", "job-1", 200), checked: 1},
		"a Job whose Pod was bound":                {log: bind("pod-0-x", 201) + remove(agent, "jobs", "restore-preparedata-11111111-bp1-0", "job-0", 200), checked: 1, violation: "delete jobs ns/restore-preparedata-11111111-bp1-0: Pod pod-0-x had been bound to a node"},
		"a Job whose Pod was bound afterwards":     {log: remove(agent, "jobs", "restore-preparedata-11111111-bp1-0", "job-0", 200) + bind("pod-0-x", 201), checked: 1},
		"a Job whose Pod could not be bound":       {log: bind("pod-0-x", 409) + remove(agent, "jobs", "restore-preparedata-11111111-bp1-0", "job-0", 200), checked: 1},
		"a Restore without a bound Pod":            {log: remove(agent, "restores", "r", restoreUID, 200), checked: 1},
		"a Restore with a bound Pod":               {log: bind("pod-0-x", 201) + remove(agent, "restores", "r", restoreUID, 200), checked: 1, violation: "Pod pod-0-x had been bound"},
		"a Restore whose namesake had a bound Pod": {log: bind("pod-0-x", 201) + remove(agent, "restores", "r", "22222222-bbbb", 200), checked: 1},
		"a Pod of a restore Job":                   {log: remove(agent, "pods", "pod-1-x", "pod-1", 200), checked: 1, violation: "it is a Pod of Restore r"},
		"a pending database Pod":                   {log: remove(agent, "pods", "db-0", "db", 200), checked: 1},
		"a database Pod that was bound":            {log: bind("db-0", 201) + remove(agent, "pods", "db-0", "db", 200), checked: 1, violation: "Pod db-0 had been bound"},
		"a Pod without a creation":                 {log: remove(agent, "pods", "other", "other", 200), checked: 1, violation: "the log has no creation of it"},
		"a deletion without a UID":                 {log: remove(agent, "jobs", "j", "", 200), checked: 1, violation: "the log has no UID"},
		"a volume":                                 {log: remove(agent, "persistentvolumeclaims", "data", "pvc", 200), checked: 1, violation: "Rehome must not delete this kind"},
		"a deletecollection":                       {log: strings.Replace(remove(agent, "jobs", "", "x", 200), `"delete"`, `"deletecollection"`, 1), checked: 1, violation: "deletes objects that Rehome did not read"},
		"a refused deletion":                       {log: bind("pod-0-x", 201) + remove(agent, "jobs", "restore-preparedata-11111111-bp1-0", "job-0", 409), refused: 1},
		"a deletion by KubeBlocks":                 {log: bind("pod-0-x", 201) + remove("dataprotection/v1", "jobs", "restore-preparedata-11111111-bp1-0", "job-0", 200)},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			log, err := Parse([]byte(strings.TrimLeft(jobs, "\n") + strings.TrimLeft(pods, "\n") + c.log))
			g.Expect(err).NotTo(HaveOccurred())

			found := Check(log)

			g.Expect(found.Checked).To(Equal(c.checked))
			g.Expect(found.Refused).To(Equal(c.refused))
			if c.violation == "" {
				g.Expect(found.Violations).To(BeEmpty())
			} else {
				g.Expect(found.Violations).To(ConsistOf(ContainSubstring(c.violation)))
			}
		})
	}
}

func TestViolationDescribesARace(t *testing.T) {
	g := NewWithT(t)
	at := func(line, came, ended string) string {
		const form = `{"requestReceivedTimestamp":"2026-11-24T19:27:%sZ","stageTimestamp":"2026-11-24T19:27:%sZ",`
		return strings.Replace(line, "{", fmt.Sprintf(form, came, ended), 1)
	}
	log, err := Parse([]byte(strings.TrimLeft(jobs, "\n") + strings.TrimLeft(pods, "\n") +
		at(bind("pod-0-x", 201), "49.170000", "49.200000") + at(remove(agent, "restores", "r", restoreUID, 200), "49.100000", "50.000000")))
	g.Expect(err).NotTo(HaveOccurred())

	g.Expect(Check(log).Violations).To(ConsistOf(HaveSuffix("had been bound to a node, 100ms after the request to delete came in")))
}

func TestJobsAndPods(t *testing.T) {
	g := NewWithT(t)
	log, err := Parse([]byte(strings.TrimLeft(jobs, "\n") + strings.TrimLeft(pods, "\n") + remove(agent, "jobs", "j", "job-1", 200)))
	g.Expect(err).NotTo(HaveOccurred())

	g.Expect(log.Jobs("ns", "restore-preparedata-11111111-bp1-1")).To(ConsistOf(HaveField("UID", BeEquivalentTo("job-1"))))
	g.Expect(log.Jobs("other", "restore-preparedata-11111111-bp1-1")).To(BeEmpty())
	g.Expect(log.PodsOf("job-1")).To(ConsistOf(HaveField("Name", "pod-1-x")))
	g.Expect(log.JobsOf("ns", "r")).To(HaveLen(2))
}

func TestCountWritesCountsThoseOfRehomeSinceTheCall(t *testing.T) {
	g := NewWithT(t)
	path := filepath.Join(t.TempDir(), "audit.log")
	log := jobs + pods + remove(agent, "jobs", "j", "job-1", 200)
	g.Expect(os.WriteFile(path, []byte(log), 0o600)).To(Succeed())

	writes, err := CountWrites(path)

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(writes()).To(Equal(0))
	log += jobs + remove(agent, "jobs", "j", "job-1", 200) + remove(agent, "jobs", "j", "job-1", 409)
	g.Expect(os.WriteFile(path, []byte(log), 0o600)).To(Succeed())
	g.Expect(writes()).To(Equal(2))
}

func TestForbidden(t *testing.T) {
	g := NewWithT(t)
	log, err := Parse([]byte(remove(agent, "jobs", "j", "job-1", 409) + remove(agent, "jobs", "j", "job-1", 403) + remove("kubectl/v1", "pods", "p", "pod-1", 403)))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(log.Forbidden()).To(HaveExactElements(HavePrefix("delete jobs ")))
}

func TestParseIgnoresAnIncompleteLine(t *testing.T) {
	g := NewWithT(t)
	log, err := Parse([]byte(`{"verb":"delete"}` + "\n" + `{"verb":"del`))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(log).To(HaveLen(1))

	_, err = Parse([]byte("{\n"))
	g.Expect(err).To(MatchError(ContainSubstring("line 1 of the audit log")))
}
