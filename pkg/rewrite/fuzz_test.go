package rewrite_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"sigs.k8s.io/yaml"

	"github.com/rehome-operator/rehome/pkg/kubeblocks"
	"github.com/rehome-operator/rehome/pkg/patch"
	"github.com/rehome-operator/rehome/pkg/rewrite"
)

// addSnapshots adds the snapshots of the golden corpus as seeds.
func addSnapshots(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var golden struct {
			Snapshot json.RawMessage `json:"snapshot"`
		}
		if err := yaml.Unmarshal(text, &golden); err != nil {
			f.Fatal(err)
		}
		f.Add(string(golden.Snapshot))
	}
	f.Add(string(snapshotOf(4 << 10)))
	f.Add(`{"spec":{"componentSpecs":"x"}}`)
	f.Add(`{"spec":` + strings.Repeat(`{"spec":`, 1000))
}

// FuzzSnapshot checks that the parser returns a source or an error for any input.
func FuzzSnapshot(f *testing.F) {
	addSnapshots(f)
	f.Fuzz(func(t *testing.T, snapshot string) {
		source, err := kubeblocks.SourceOfSnapshot([]byte(snapshot))
		if err != nil && len(source.Policies) > 0 {
			t.Fatal("an error and policies")
		}
	})
}

// FuzzRewrite rewrites every snapshot that parses. The edits apply to the snapshot's own bytes, the result parses, and a
// second rewrite has no edits.
func FuzzRewrite(f *testing.F) {
	addSnapshots(f)
	target := rewrite.Identity{Namespace: "prod", Name: "carrot67", UID: "uid-carrot67"}
	f.Fuzz(func(t *testing.T, snapshot string) {
		source, err := kubeblocks.SourceOfSnapshot([]byte(snapshot))
		if err != nil || source.Name == target.Name {
			return
		}
		input := rewrite.Input{Sources: []rewrite.Source{source}, Target: target, Live: source.Policies}
		result := rewrite.Rewrite(input)
		after, err := kubeblocks.SourceOfSnapshot(applied(t, []byte(snapshot), result.Edits))
		if err != nil {
			t.Fatalf("after %v: %v", result.Edits, err)
		}
		input.Live = after.Policies
		if again := rewrite.Rewrite(input); len(again.Edits) > 0 {
			t.Fatalf("first %v, then %v", result.Edits, again.Edits)
		}
	})
}

// applied applies edits as the JSON Patch that Rehome sends.
func applied(t *testing.T, object []byte, edits []rewrite.Edit) []byte {
	data, err := json.Marshal(patch.Edits(edits))
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := jsonpatch.DecodePatch(data)
	if err != nil {
		t.Fatal(err)
	}
	out, err := decoded.Apply(object)
	if err != nil {
		t.Fatalf("edits %s do not apply: %v", data, err)
	}
	return out
}
