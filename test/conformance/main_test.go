package conformance

import (
	"flag"
	"os"
	"testing"
)

// checks is the default number of cases for each property; -rapid.checks overrides it.
const checks = "6000"

func TestMain(m *testing.M) {
	flag.Parse()
	setDefault("rapid.checks", "RAPID_CHECKS", checks)
	// The seed in the log is enough to run a failing case again.
	setDefault("rapid.nofailfile", "RAPID_NOFAILFILE", "true")
	code := m.Run()
	printCounts()
	os.Exit(code)
}

// setDefault sets one of rapid's flags unless the command line or the environment sets it.
func setDefault(name, variable, value string) {
	_, set := os.LookupEnv(variable)
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	if set {
		return
	}
	if err := flag.Set(name, value); err != nil {
		panic(err)
	}
}
