package conformance

import (
	"flag"
	"os"
	"testing"
)

// checks is how many cases each statement is checked on, unless -rapid.checks says otherwise.
const checks = "6000"

func TestMain(m *testing.M) {
	flag.Parse()
	setDefault("rapid.checks", "RAPID_CHECKS", checks)
	// The seed in the log is enough to run a failing case again.
	setDefault("rapid.nofailfile", "RAPID_NOFAILFILE", "true")
	code := m.Run()
	printTallies()
	os.Exit(code)
}

// setDefault sets a flag of rapid's that was set neither on the command line nor in the environment.
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
