package cli

import "errors"

// exitError is an error with an exit status of its own.
type exitError struct {
	status int
	err    error // nil for no message
}

func (e exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

// ExitStatus returns the exit status for an error of a command: 0 for nil, and 1 unless the command set another.
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
