package kubeblocks

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"pgregory.net/rapid"
)

// countedBy counts a document with the tokens of encoding/json.
func countedBy(document []byte) (rules, parts, values int) {
	tokens := json.NewDecoder(bytes.NewReader(document))
	var count func(field string)
	count = func(field string) {
		token, err := tokens.Token()
		if err != nil {
			panic(err)
		}
		values++
		delim, isContainer := token.(json.Delim)
		if !isContainer {
			return
		}
		for tokens.More() {
			if delim == '{' {
				name, _ := tokens.Token()
				count(name.(string))
				continue
			}
			switch lists[field] {
			case asRules:
				rules++
			case asParts:
				parts++
			}
			count(field)
		}
		_, _ = tokens.Token()
	}
	count("")
	return rules, parts, values
}

// documents generates JSON with the names of lists that are counted, in every place and with every escape.
func documents() *rapid.Generator[string] {
	text := rapid.OneOf(
		rapid.SampledFrom([]string{
			`"instances"`, `"nodeSelectorTerms"`, `"componentSpecs"`, `"\u0069nstances"`, `"a\\"`, `"\""`, `"\\\""`, `""`, `"{[,:"`, `"é"`,
		}),
		rapid.Map(rapid.String(), func(s string) string { encoded, _ := json.Marshal(s); return string(encoded) }),
	)
	scalar := rapid.OneOf(text, rapid.SampledFrom([]string{"0", "-1.5e+3", "true", "false", "null"}))
	space := rapid.SampledFrom([]string{"", "", " ", "\n\t\r "})
	var value func(depth int) *rapid.Generator[string]
	value = func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			form := rapid.IntRange(0, 2).Draw(t, "form")
			if depth == 0 || form == 0 {
				return space.Draw(t, "space") + scalar.Draw(t, "scalar") + space.Draw(t, "space")
			}
			elements := rapid.SliceOfN(value(depth-1), 0, 4).Draw(t, "elements")
			if form == 1 {
				return "[" + strings.Join(elements, ",") + space.Draw(t, "space") + "]"
			}
			for i := range elements {
				elements[i] = space.Draw(t, "space") + text.Draw(t, "name") + space.Draw(t, "space") + ":" + elements[i]
			}
			return space.Draw(t, "space") + "{" + strings.Join(elements, ",") + "}"
		})
	}
	return value(6)
}

func TestScanCountsWhatADecoderReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := NewWithT(t)
		document := []byte(documents().Draw(t, "document"))
		g.Expect(json.Valid(document)).To(BeTrue())

		c, err := scan(document)

		g.Expect(err).NotTo(HaveOccurred())
		rules, parts, values := countedBy(document)
		g.Expect([]int{c.rules, c.parts, c.values, len(c.open)}).To(Equal([]int{rules, parts, values, 0}))
	})
}

// TestScanEndsAtAnyInput scans what is no JSON. The decoder reports that.
func TestScanEndsAtAnyInput(t *testing.T) {
	for _, snapshot := range []string{``, `"`, `{"`, `{"a\`, `{"a\"`, `]]]`, `{}}}"a"`, `{"a":1]`, `{a:b}`, `[1 2]`, `{"":{"`, "\x00\xff", `{"\x":1}`} {
		_, err := scan([]byte(snapshot))
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
	}
	rapid.Check(t, func(t *rapid.T) {
		valid := []byte(documents().Draw(t, "document"))
		_, _ = scan(valid[:rapid.IntRange(0, len(valid)).Draw(t, "end")])
		_, _ = scan(rapid.SliceOf(rapid.SampledFrom([]byte(`{}[]":,\ a1`))).Draw(t, "any"))
	})
}
