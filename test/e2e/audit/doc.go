// Package audit reads the audit log of the API server, and checks in it that Rehome never deleted anything that had started.
//
// The log holds what the objects no longer show: that a Pod was bound for a moment, or that an object was deleted and re-created under
// the same name.
package audit
