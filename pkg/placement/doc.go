// Package placement answers on which nodes a Pod could run, why not on the others, and what would help.
//
// It decides on a World, which a caller has read from an API server or from files, and with a Scheduler, which knows the filters of a
// kube-scheduler. The Scheduler on kube-scheduler's own plugins is in the module placement, so that this package, the operator and the
// CLI do not link k8s.io/kubernetes. Nothing here reads an API server, the time or a file.
package placement
