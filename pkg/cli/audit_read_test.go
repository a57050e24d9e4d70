package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"pgregory.net/rapid"

	"github.com/rehome-operator/rehome/pkg/audit"
	"github.com/rehome-operator/rehome/pkg/kubeblocks"
)

// listed is what an audit adds of a Backup.
type listed struct {
	name    string
	verdict *audit.Verdict
}

// rowsOf reads Backups from a server.
func rowsOf(ctx context.Context, host string, judge *audit.Judge) (rows []listed, err error) {
	client, err := newRESTClient(&rest.Config{Host: host})
	if err != nil {
		return nil, err
	}
	reader := &backupReader{client: client, judge: judge, add: func(b *kubeblocks.Backup, v *audit.Verdict) {
		rows = append(rows, listed{b.Name, v})
	}}
	return rows, reader.read(ctx, "")
}

// TestBackupsAreJudgedInTheOrderOfTheList compares with a Judge that gets one Backup after another.
func TestBackupsAreJudgedInTheOrderOfTheList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := NewWithT(t)
		specs := rapid.SliceOfN(rapid.SampledFrom([]string{
			"", componentWith(policy("my1")), componentWith(policy("pear")), `"componentSpecs":1`, `"componentSpecs":[{"name":"mysql"}]`,
			`"note":"` + strings.Repeat("x", 100_000) + `",` + componentWith(policy("my1")),
		}), 0, 90).Draw(t, "specs")
		s := &apiServer{objects: map[string][]string{backupsPath: nil}, onlyJSON: rapid.Bool().Draw(t, "onlyJSON")}
		facts := audit.Facts{Version: kubeblocks.V10}
		serial, want := audit.NewJudge(facts), []listed(nil)
		for i, spec := range specs {
			object := backupOf("default", "my1", fmt.Sprintf("n%d", i), 1, spec)
			s.objects[backupsPath] = append(s.objects[backupsPath], object)
			var m metav1.PartialObjectMetadata
			g.Expect(json.Unmarshal([]byte(object), &m)).To(Succeed())
			want = append(want, listed{m.Name, serial.Backup(&kubeblocks.Backup{ObjectMeta: m.ObjectMeta})})
		}
		server := httptest.NewServer(s)
		defer server.Close()
		judge := audit.NewJudge(facts)

		rows, err := rowsOf(context.Background(), server.URL, judge)

		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(rows).To(Equal(want))
		g.Expect(judge.Judged()).To(Equal(serial.Judged()), "equal snapshots are judged once")
	})
}

// TestACancelledAuditEnds cancels after some Backups, also after the last page was read: the rest is not added, and nothing goes on.
func TestACancelledAuditEnds(t *testing.T) {
	const all = 400
	s := &apiServer{objects: map[string][]string{}}
	for i := range all {
		s.objects[backupsPath] = append(s.objects[backupsPath], backupOf("default", fmt.Sprintf("my%d", i), fmt.Sprintf("n%d", i), 1, componentWith(policy("my1"))))
	}
	for _, enough := range []int{50, all - 5} {
		g := NewWithT(t)
		before := runtime.NumGoroutine()
		server := httptest.NewServer(s)
		ctx, cancel := context.WithCancel(t.Context())
		client, err := newRESTClient(&rest.Config{Host: server.URL})
		g.Expect(err).NotTo(HaveOccurred())
		added := 0
		reader := &backupReader{client: client, judge: audit.NewJudge(audit.Facts{}), add: func(*kubeblocks.Backup, *audit.Verdict) {
			if added++; added == enough {
				cancel()
			}
		}}

		g.Expect(reader.read(ctx, "")).To(MatchError(context.Canceled))

		g.Expect(added).To(BeNumerically("<=", enough+maxAhead))
		server.Close()
		g.Eventually(runtime.NumGoroutine).WithTimeout(time.Minute).Should(BeNumerically("<=", before), "all goroutines end")
	}
}

// TestOtherLabelsOfABackupAreDropped has a label of a tenant: Backups that wait for an earlier one are held in memory.
func TestOtherLabelsOfABackupAreDropped(t *testing.T) {
	g := NewWithT(t)
	backup := strings.Replace(backupOf("default", "my1", "bp1", 1, ""), `"labels":{`, `"labels":{"other":"large",`, 1)
	server := httptest.NewServer(&apiServer{objects: map[string][]string{backupsPath: {backup}}})
	defer server.Close()
	client, err := newRESTClient(&rest.Config{Host: server.URL})
	g.Expect(err).NotTo(HaveOccurred())
	var held []map[string]string
	reader := &backupReader{client: client, judge: audit.NewJudge(audit.Facts{}), add: func(b *kubeblocks.Backup, _ *audit.Verdict) {
		held = append(held, b.Labels)
	}}

	g.Expect(reader.read(t.Context(), "")).To(Succeed())

	g.Expect(held).To(HaveExactElements(And(HaveKeyWithValue(kubeblocks.LabelInstance, "my1"), Not(HaveKey("other")))))
}

// metadataList has fields that are skipped, and items of two sizes.
const metadataList = `{"metadata":{"resourceVersion":"1","continue":"later"},"items":[{"metadata":{"name":"a","annotations":{"x":"yyyyyyyy"}}},` +
	`{"metadata":{"name":"b"}}]}`

// decodeProtobufPage decodes a page as eachMetadata does.
func decodeProtobufPage(page []byte) (names []string, next string, largest int64, err error) {
	in := bufio.NewReaderSize(bytes.NewReader(page), 16)
	if !isProtobuf(in) {
		return nil, "", 0, io.ErrUnexpectedEOF
	}
	next, largest, err = decodeProtobufList(in, func(m *metav1.PartialObjectMetadata) { names = append(names, m.Name) })
	return names, next, largest, err
}

func TestAPageOfProtobufIsDecodedAsAStream(t *testing.T) {
	g := NewWithT(t)
	page := asProtobuf(metadataList)

	names, next, largest, err := decodeProtobufPage(page)

	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(names).To(Equal([]string{"a", "b"}))
	g.Expect(next).To(Equal("later"))
	var item metav1.PartialObjectMetadata
	item.Name, item.Annotations = "a", map[string]string{"x": "yyyyyyyy"}
	g.Expect(largest).To(BeEquivalentTo(item.Size()))
}

func TestAPageOfProtobufThatEndsEarlyIsAnError(t *testing.T) {
	page := asProtobuf(metadataList)
	// What follows the list is the empty encoding and type of its content, and can be missing.
	const rest = 4
	for end := range len(page) - rest {
		_, _, _, err := decodeProtobufPage(page[:end])
		NewWithT(t).Expect(err).To(MatchError(io.ErrUnexpectedEOF), "after %d bytes of %d", end, len(page))
	}
}

func TestAPageOfNonsenseIsAnError(t *testing.T) {
	for name, page := range map[string]string{
		"a field without a length":       "\x08\x01",
		"an endless number":              strings.Repeat("\xff", 20),
		"a length beyond the list":       "\x12\x02\x12\x7f",
		"a length beyond all memory":     "\x12\xff\xff\xff\xff\xff\xff\xff\x7f\x12\xff\xff\xff\xff\xff\xff\xff\x3f",
		"a negative length":              "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"an item that is no metadata":    "\x12\x03\x12\x01\xff",
		"list metadata that is not that": "\x12\x03\x0a\x01\xff",
	} {
		_, _, _, err := decodeProtobufPage([]byte(protobufPrefix + page))
		NewWithT(t).Expect(err).To(HaveOccurred(), name)
	}
}

func TestErrorsOfAPageNameThePath(t *testing.T) {
	binary := asProtobuf(metadataList)
	for _, list := range [][]byte{[]byte(`{"metadata":{},"items":[{"metadata":{"name":"a"}},{"meta`), binary[:len(binary)-10]} {
		g := NewWithT(t)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(list) }))
		defer server.Close()

		rows, err := rowsOf(t.Context(), server.URL, audit.NewJudge(audit.Facts{}))

		g.Expect(err).To(MatchError(io.ErrUnexpectedEOF))
		g.Expect(err).To(MatchError(ContainSubstring("read " + backupsPath + ": ")))
		g.Expect(rows).To(HaveLen(1), "what was read before")
	}
}
