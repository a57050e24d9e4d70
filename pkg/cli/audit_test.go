package cli

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// apiServer answers lists of metadata in pages, as an API server does.
type apiServer struct {
	// objects are those of each path, as JSON. Other paths are not found.
	objects   map[string][]string
	forbidden []string
	// onlyJSON makes the server answer in JSON, as one that cannot encode metadata as protobuf.
	onlyJSON bool
	// expireAt is the number of the request for Backups that is answered by 410, once.
	expireAt, lists int
	requests        []*http.Request
	// sizes are those of the pages of Backups, as JSON.
	sizes []int
}

const backupsPath = "/apis/dataprotection.kubeblocks.io/v1alpha1/backups"

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests = append(s.requests, r)
	objects, found := s.objects[r.URL.Path]
	from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	switch {
	case slices.Contains(s.forbidden, r.URL.Path):
		s.status(w, http.StatusForbidden, "Forbidden", "")
		return
	case !found:
		s.status(w, http.StatusNotFound, "NotFound", "")
		return
	case r.URL.Path == backupsPath:
		if s.lists++; s.lists == s.expireAt {
			s.status(w, http.StatusGone, "Expired", strconv.Itoa(from))
			return
		}
	}
	next, to := "", len(objects)
	if from+limit < len(objects) {
		to = from + limit
		next = strconv.Itoa(to)
	}
	list := fmt.Sprintf(`{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"1","continue":%q},"items":[%s]}`,
		next, strings.Join(objects[from:to], ","))
	if r.URL.Path == backupsPath {
		s.sizes = append(s.sizes, len(list))
	}
	if s.onlyJSON || !strings.HasPrefix(r.Header.Get("Accept"), "application/vnd.kubernetes.protobuf;as=") {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, list)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.kubernetes.protobuf")
	_, _ = w.Write(asProtobuf(list))
}

// asProtobuf encodes a list of metadata as an API server does.
func asProtobuf(list string) []byte {
	var decoded metav1.PartialObjectMetadataList
	var out bytes.Buffer
	err := json.Unmarshal([]byte(list), &decoded)
	if err == nil {
		err = protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Encode(&decoded, &out)
	}
	if err != nil {
		panic(err)
	}
	return out.Bytes()
}

func (s *apiServer) status(w http.ResponseWriter, code int, reason, next string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","metadata":{"continue":%q},"status":"Failure","reason":%q,"message":"%s here","code":%d}`,
		next, reason, strings.ToLower(reason), code)
}

// cluster returns the server as the Kubernetes cluster of a command.
func (s *apiServer) cluster(t *testing.T) *cluster {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c := noCluster()
	c.restClient = func() (rest.Interface, error) { return newRESTClient(&rest.Config{Host: server.URL}) }
	return c
}

// serverWith returns an API server with Backups, in YAML, and three nodes.
func serverWith(t *testing.T, backups ...string) *apiServer {
	s := &apiServer{objects: map[string][]string{backupsPath: nil}}
	for _, text := range backups {
		raw, err := yaml.YAMLToJSON([]byte(text))
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		s.objects[backupsPath] = append(s.objects[backupsPath], string(raw))
	}
	for _, name := range []string{"a", "b", "c"} {
		s.objects["/api/v1/nodes"] = append(s.objects["/api/v1/nodes"], `{"metadata":{"name":"`+name+`","labels":{"kubernetes.io/hostname":"`+name+`"}}}`)
	}
	for _, path := range []string{"/apis/storage.k8s.io/v1/storageclasses", "/apis/apps.kubeblocks.io/v1/componentdefinitions", "/api/v1/serviceaccounts"} {
		s.objects[path] = nil
	}
	return s
}

// backupOf returns a Backup of a source, made on a day of January.
func backupOf(namespace, source, name string, day int, spec string) string {
	snapshot, err := json.Marshal(fmt.Sprintf(`{"metadata":{"name":%q,"namespace":%q},"spec":{%s}}`, source, namespace, spec))
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"apiVersion":"dataprotection.kubeblocks.io/v1alpha1","kind":"Backup","metadata":{"namespace":%q,"name":%q,`+
		`"creationTimestamp":"2026-01-%02dT00:00:00Z","labels":{"app.kubernetes.io/instance":%q},"annotations":{"kubeblocks.io/cluster-snapshot":%s}}}`,
		namespace, name, day, source, snapshot)
}

func componentWith(policy string) string {
	return `"componentSpecs":[{"name":"mysql","replicas":3,"schedulingPolicy":` + policy + `}]`
}

// auditIn runs `rehome audit`.
func auditIn(c *cluster, args ...string) result {
	streams, _, stdout, stderr := genericiooptions.NewTestIOStreams()
	root := NewRoot("rehome", nil, newAudit(&auditOptions{IOStreams: streams, cluster: c, now: func() time.Time { return noon }}))
	root.SetArgs(append([]string{"audit"}, args...))
	err := root.Execute()
	return result{stdout.String(), stderr.String(), err}
}

// mixed are Backups of five sources.
func mixed() []string {
	noSnapshot := strings.Replace(backupOf("shop", "lost", "lost1", 1, ""), "kubeblocks.io/cluster-snapshot", "other", 1)
	return []string{
		backupOf("default", "my1", "bp1", 28, componentWith(policy("my1"))),
		backupOf("default", "my1", "bp0", 27, componentWith(policy("my1"))),
		backupOf("default", "web1", "web-1", 30, `"componentSpecs":[{"name":"mysql","replicas":3}]`),
		noSnapshot,
		backupOf("shop", "kiwi", "kiwi-2", 20, `"componentSpecs":[{"name":"mysql"}]`),
		backupOf("shop", "kiwi", "kiwi-1", 19, componentWith(policy("kiwi"))),
		backupOf("shop", "kiwi", "kiwi-0", 18, componentWith(policy("pear"))),
		backupOf("shop", "plum", "plum-1", 19, componentWith(policy("pear"))),
	}
}

func TestAuditShowsWhatNeedsAttention(t *testing.T) {
	g := NewWithT(t)

	r := auditIn(serverWith(t, mixed()...).cluster(t), "-A", "--kubeblocks", "0.9")

	g.Expect(r.out).To(Equal(`NAMESPACE  SOURCE  NEWEST BACKUP  BACKUPS  STALE  THIRD-PARTY  UNSCOPED  NODE-BOUND  VERDICT
default    my1     bp1 (3d)       2        1      0            0         0           hangs when restored here
shop       kiwi    kiwi-2 (11d)   3        1      0            0         0           hangs when restored here (1 of 3 Backups)
shop       lost    lost1 (30d)    1        0      0            0         0           has no snapshot that can be read
shop       plum    plum-1 (12d)   1        0      1            0         0           check before a restore
`))
	g.Expect(r.stderr).To(ContainSubstring("5 sources: 2 would hang, 1 to check, 1 fine. 1 Backup could not be read.\n"))
	g.Expect(ExitStatus(r.err)).To(Equal(1))
	g.Expect(r.err.Error()).To(BeEmpty())
}

func TestAuditWideShowsAllWithTheirCodes(t *testing.T) {
	g := NewWithT(t)

	r := auditIn(serverWith(t, mixed()...).cluster(t), "-A", "--kubeblocks", "1.0", "-o", "wide", "--fail-on", "never")

	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(strings.Count(r.out, "\n")).To(Equal(6))
	g.Expect(r.out).To(ContainSubstring("hangs when restored by a manifest"))
	g.Expect(r.out).To(MatchRegexp(`web1 .* fine .* web-1 +- +-\n`))
	g.Expect(r.out).To(MatchRegexp(`kiwi .* kiwi-1 +RH001 +required anti-affinity per node against Pods of cluster kiwi \(componentSpecs/mysql\): ` +
		`hangs while kiwi runs, because its Pods can be in every node \(restored by a manifest\)\n`))
}

func TestFailOn(t *testing.T) {
	hang := backupOf("default", "my1", "bp1", 1, componentWith(policy("my1")))
	unreadable := backupOf("default", "my1", "bp1", 1, `"componentSpecs":1`)
	check := backupOf("default", "my1", "bp1", 1, componentWith(policy("pear")))
	for _, c := range []struct {
		backup, failOn string
		status         int
	}{
		{hang, "hang", 1}, {hang, "lossy", 1}, {hang, "any", 1}, {hang, "never", 0},
		{unreadable, "hang", 0}, {unreadable, "lossy", 1}, {unreadable, "any", 1},
		{check, "hang", 0}, {check, "lossy", 0}, {check, "any", 1},
	} {
		r := auditIn(serverWith(t, c.backup).cluster(t), "-A", "--kubeblocks", "0.9", "--fail-on", c.failOn)
		NewWithT(t).Expect(ExitStatus(r.err)).To(Equal(c.status), "%s %s", c.failOn, r.out)
	}
}

func TestAuditThatCannotBeToldExitsTwo(t *testing.T) {
	forbidden := serverWith(t)
	forbidden.forbidden = []string{backupsPath}
	for name, c := range map[string]struct {
		cluster *cluster
		args    []string
		problem string
	}{
		"an output":        {serverWith(t).cluster(t), []string{"-o", "yaml"}, `--output "yaml" is none of table, wide, json, junit, html`},
		"--fail-on":        {serverWith(t).cluster(t), []string{"--fail-on", "some"}, `--fail-on "some" is none of hang, lossy, any, never`},
		"-f and -A":        {serverWith(t).cluster(t), []string{"-f", "x", "-A"}, "give -f or -A, not both"},
		"a version":        {serverWith(t).cluster(t), []string{"--kubeblocks", "2"}, `--kubeblocks "2" is none of 0.9, 1.0, 1.1, 1.2`},
		"an argument":      {serverWith(t).cluster(t), []string{"bp1"}, `unknown command "bp1" for "rehome audit"`},
		"no cluster":       {noCluster(), []string{"-A"}, "connection refused"},
		"no right":         {forbidden.cluster(t), []string{"-A", "--kubeblocks", "1.0"}, "forbidden here: give one namespace with -n"},
		"no such file":     {noCluster(), []string{"-f", "/does/not/exist"}, "/does/not/exist: no such file or directory"},
		"no KubeBlocks":    {(&apiServer{objects: map[string][]string{"/api/v1/nodes": nil}}).cluster(t), []string{"-A", "--kubeblocks", "1.0"}, ""},
		"no discovery":     {serverWith(t).cluster(t), []string{"-A"}, "connection refused"},
		"a folder of none": {noCluster(), []string{"-f", "testdata/none"}, "testdata/none: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			if name == "no cluster" {
				c.cluster.restClient = func() (rest.Interface, error) { return nil, fmt.Errorf("connection refused") }
			}

			r := auditIn(c.cluster, c.args...)

			g.Expect(ExitStatus(r.err)).To(Equal(2))
			g.Expect(r.err.Error()).To(ContainSubstring(c.problem))
			g.Expect(r.out).To(BeEmpty())
		})
	}
}

// TestPagesHaveALimitOfBytes has small Backups before the largest ones.
func TestPagesHaveALimitOfBytes(t *testing.T) {
	g := NewWithT(t)
	s := serverWith(t)
	large := fmt.Sprintf(`"note":%q,`, strings.Repeat("x", 250<<10))
	for i := range 500 {
		padding := ""
		if i >= 250 {
			padding = large
		}
		s.objects[backupsPath] = append(s.objects[backupsPath], backupOf("default", "my1", fmt.Sprintf("n%03d", i), 1, padding+componentWith(policy("my1"))))
	}

	r := auditIn(s.cluster(t), "-A", "--kubeblocks", "0.9", "-o", "json")

	g.Expect(ExitStatus(r.err)).To(Equal(1))
	g.Expect(r.out).To(ContainSubstring(`"backups": 500`))
	g.Expect(s.sizes).To(HaveLen(5))
	for _, size := range s.sizes {
		g.Expect(size).To(BeNumerically("<=", maxPage))
	}
	for _, request := range s.requests {
		if request.URL.Path == backupsPath {
			g.Expect(request.Header.Get("Accept")).To(ContainSubstring("as=PartialObjectMetadataList"))
		}
	}
}

// TestALargeBackupLimitsAllFurtherPages has Backups with large labels, then small ones, then large ones again.
func TestALargeBackupLimitsAllFurtherPages(t *testing.T) {
	g := NewWithT(t)
	s := serverWith(t)
	labels := strings.Builder{}
	for i := range 12_000 {
		fmt.Fprintf(&labels, `"label-%d":%q,`, i, strings.Repeat("x", 63))
	}
	for i := range 300 {
		backup := backupOf("default", "my1", fmt.Sprintf("n%03d", i), 1, "")
		if i == 99 || i > 250 {
			backup = strings.Replace(backup, `"labels":{`, `"labels":{`+labels.String(), 1)
		}
		s.objects[backupsPath] = append(s.objects[backupsPath], backup)
	}

	r := auditIn(s.cluster(t), "-A", "--kubeblocks", "0.9", "-o", "json")

	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.out).To(ContainSubstring(`"backups": 300`))
	for _, size := range s.sizes {
		g.Expect(size).To(BeNumerically("<=", maxPage))
	}
}

func TestAnExpiredListContinues(t *testing.T) {
	g := NewWithT(t)
	s := serverWith(t)
	s.expireAt = 2
	for i := range 70 {
		s.objects[backupsPath] = append(s.objects[backupsPath], backupOf("default", "my1", fmt.Sprintf("n%d", i), 1, ""))
	}

	r := auditIn(s.cluster(t), "-A", "--kubeblocks", "0.9", "-o", "json")

	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.out).To(ContainSubstring(`"backups": 70`))
}

func TestOnlyNamespacesThatMayBeListedAreCounted(t *testing.T) {
	g := NewWithT(t)
	s := serverWith(t)
	s.forbidden = []string{backupsPath, "/apis/dataprotection.kubeblocks.io/v1alpha1/namespaces/bank/backups"}
	s.objects["/api/v1/namespaces"] = []string{`{"metadata":{"name":"bank"}}`, `{"metadata":{"name":"shop"}}`}
	s.objects["/apis/dataprotection.kubeblocks.io/v1alpha1/namespaces/shop/backups"] = []string{backupOf("shop", "my1", "bp1", 1, "")}

	r := auditIn(s.cluster(t), "-A", "--kubeblocks", "0.9", "-o", "wide")

	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.out).To(ContainSubstring("shop       my1"))
	g.Expect(r.stderr).To(ContainSubstring("counted only the 1 of 2 namespaces that you may list\n"))
}

func TestWhatMayNotBeReadIsNotCompared(t *testing.T) {
	g := NewWithT(t)
	s := serverWith(t, mixed()...)
	s.forbidden = []string{"/api/v1/nodes", "/apis/storage.k8s.io/v1/storageclasses"}

	r := auditIn(s.cluster(t), "-A", "--kubeblocks", "0.9")

	g.Expect(ExitStatus(r.err)).To(Equal(1))
	g.Expect(r.stderr).To(ContainSubstring("not compared with Nodes: forbidden here\n"))
	g.Expect(r.stderr).To(ContainSubstring("not compared with StorageClasses: forbidden here\n"))
}

func TestWrongDataCostsOneRow(t *testing.T) {
	g := NewWithT(t)
	folder := t.TempDir()
	write := func(name, text string) {
		g.Expect(os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600)).To(Succeed())
	}
	write("a.yaml", backupOf("default", "my1", "bp1", 1, componentWith(policy("my1")))+"\n---\n"+backupOf("default", "bad", "bad1", 1, `"componentSpecs":1`))
	write("b.yaml", "a: [\n---\n"+backupOf("default", "web1", "web-1", 1, ""))
	write("c.json", `{"apiVersion":"dataprotection.kubeblocks.io/v1alpha1","kind":"Backup","metadata":{"name":"odd","labels":{"app.kubernetes.io/instance":7}}}`)
	write("d.yaml", "apiVersion: apps.kubeblocks.io/v1\nkind: Cluster\nmetadata: {name: pear, namespace: default}\nspec: {"+componentWith(policy("pear"))+"}\n")
	write("e.txt", "not read")

	r := auditIn(noCluster(), "-f", folder, "-o", "wide")

	g.Expect(ExitStatus(r.err)).To(Equal(1))
	for _, row := range []string{
		"my1 .*hangs beside its source", "pear .*hangs beside its source", "bad .*has no snapshot that can be read .*RH019",
		"b.yaml: document 1: not YAML or JSON.*RH018", "c.json: document 1: not a Backup.*RH018", "web1 .*fine",
	} {
		g.Expect(r.out).To(MatchRegexp(row))
	}
	g.Expect(r.out).NotTo(ContainSubstring("e.txt"))
	g.Expect(strings.Count(r.out, "\n")).To(Equal(7))
}

func TestAuditAsJUnit(t *testing.T) {
	g := NewWithT(t)

	r := auditIn(serverWith(t, mixed()...).cluster(t), "-A", "--kubeblocks", "0.9", "-o", "junit")

	g.Expect(ExitStatus(r.err)).To(Equal(1))
	var report junitReport
	g.Expect(xml.Unmarshal([]byte(r.out), &report)).To(Succeed())
	g.Expect([]int{report.Tests, report.Failures, len(report.Suites)}).To(Equal([]int{5, 3, 2}))
	g.Expect(r.out).To(ContainSubstring(`<failure message="hangs when restored here, Backup bp1" type="Hangs">RH001 required anti-affinity`))
}

func TestAuditAsJSON(t *testing.T) {
	g := NewWithT(t)

	r := auditIn(serverWith(t, mixed()[0]).cluster(t), "-A", "--kubeblocks", "0.9", "-o", "json")

	g.Expect(r.out).To(MatchJSON(`{"version":1,"time":"2026-01-31T12:00:00Z","kubeblocks":"0.9","nodes":3,"backups":1,
		"outcomes":{"Hangs":1,"StartsEmpty":0,"Unreadable":0,"LosesSpread":0,"Differs":0,"Noted":0,"Fine":0},
		"sources":[{"namespace":"default","name":"my1","outcome":"Hangs","verdict":"hangs when restored here","backups":1,"affected":1,
			"newest":{"name":"bp1","created":"2026-01-28T00:00:00Z"},"worst":{"name":"bp1","created":"2026-01-28T00:00:00Z"},
			"counts":{"SourceIdentity":1},
			"findings":[{"code":"RH001","class":"SourceIdentity","group":1,"outcome":"Hangs","effect":"ExcludesSource","ways":["Manifest","OpsRequest"],
				"path":"/spec/componentSpecs/0/schedulingPolicy/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/0",
				"message":"required anti-affinity per node against Pods of cluster my1 (componentSpecs/mysql): hangs while my1 runs, because its Pods can be in every node",
				"edits":[{"path":"` + leaf + `","from":"my1","to":"restored"}]}]}],
		"hints":["not compared with ComponentDefinitions: notfound here"]}`))
}

func TestTheHTMLReportIsAlsoWrittenToAFile(t *testing.T) {
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), "audit.html")
	server := serverWith(t, mixed()...)

	r := auditIn(server.cluster(t), "-A", "--kubeblocks", "0.9", "-o", "json", "--fail-on", "never", "--html-file", file)

	g.Expect(r.err).NotTo(HaveOccurred())
	g.Expect(r.out).To(HavePrefix("{"))
	page, err := os.ReadFile(file)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(page)).To(Equal(auditIn(server.cluster(t), "-A", "--kubeblocks", "0.9", "-o", "html").out))

	r = auditIn(server.cluster(t), "-A", "--kubeblocks", "0.9", "--fail-on", "never", "--html-file", filepath.Join(file, "below"))
	g.Expect(ExitStatus(r.err)).To(Equal(2))
	g.Expect(r.err).To(MatchError(ContainSubstring("audit.html/below: not a directory")))
}

func TestATerminalIsNotMovedByNames(t *testing.T) {
	g := NewWithT(t)
	hostile := backupOf("default", `my\u001b[2J1`, "bp1", 1, "")

	r := auditIn(serverWith(t, hostile).cluster(t), "-A", "--kubeblocks", "0.9", "-o", "wide")

	g.Expect(r.out).NotTo(ContainSubstring("\x1b"))
}
