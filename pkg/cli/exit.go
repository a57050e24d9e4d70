package cli

import "errors"

// exitError is an error that asks for an exit status of its own.
type exitError struct {
	status int
	err    error // nil where there is nothing to say
}

func (e exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

// ExitStatus returns the exit status that an error of a command asks for: 0 for nil, and 1 unless the command says
// otherwise.
func ExitStatus(err error) int {
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.status
	default:
		return 1
	}
}
