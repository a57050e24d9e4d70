package cli

import (
	"encoding/xml"
	"io"
	"strings"

	"github.com/rehome-operator/rehome/pkg/audit"
)

// junitReport is a report that CI systems read: a suite for each namespace, and a test for each source.
type junitReport struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Name     string        `xml:"name,attr"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	ClassName string        `xml:"classname,attr"`
	Failure   *junitFailure `xml:"failure,omitempty"`
	Output    string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

func (a *audited) writeJUnit(out io.Writer, fails func(audit.Outcome) bool) error {
	r := junitReport{Name: "rehome audit"}
	suites := map[string]*junitSuite{}
	for _, s := range a.sources {
		suite := suites[s.Namespace]
		if suite == nil {
			suite = &junitSuite{Name: s.Namespace}
			suites[s.Namespace], r.Suites = suite, append(r.Suites, suite)
		}
		test := junitCase{Name: s.Name, ClassName: s.Namespace}
		lines := make([]string, 0, len(s.Verdict.Findings))
		for i := range s.Verdict.Findings {
			f := &s.Verdict.Findings[i]
			lines = append(lines, codes[f.Class]+" "+messageOf(f, s.Name))
		}
		if text := strings.Join(lines, "\n"); fails(s.Verdict.Outcome) {
			test.Failure = &junitFailure{Message: verdictOf(s, a.live) + ", Backup " + s.Worst.Name, Type: string(s.Verdict.Outcome), Text: text}
			suite.Failures++
			r.Failures++
		} else {
			test.Output = text
		}
		suite.Cases = append(suite.Cases, test)
		suite.Tests++
		r.Tests++
	}
	if _, err := io.WriteString(out, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return err
	}
	_, err := io.WriteString(out, "\n")
	return err
}
