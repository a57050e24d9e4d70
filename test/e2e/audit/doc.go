// Package audit reads the API server's own record of who created, bound and deleted what, and finds in it whether Rehome
// ever deleted anything that had started.
//
// The record knows what the state of objects cannot tell: that a Pod was bound for a moment, or that an object was deleted
// and created again under its name.
package audit
