// Package pages reads the commands out of the documentation, so that a test can run them as they are printed.
//
// A command that no Rule names is run. A block of code that is neither commands nor YAML is an error, so an unknown program cannot be
// overlooked.
package pages
