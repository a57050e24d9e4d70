package conformance

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// checks is how many cases each statement is checked on.
const checks = "6000"

func TestMain(m *testing.M) {
	flag.Parse()
	setDefault("rapid.checks", "RAPID_CHECKS", checks)
	// The seed in the log is enough to run a failing case again.
	setDefault("rapid.nofailfile", "RAPID_NOFAILFILE", "true")
	code := m.Run()
	total := 0
	for _, c := range tallies {
		fmt.Println(c)
		total += c.cases
	}
	fmt.Printf("%d cases in all\n", total)
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
