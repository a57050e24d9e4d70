// Package placement compares the Scheduler of the module placement with the real kube-scheduler.
//
// It draws worlds, creates them on a control plane, and lets kube-scheduler decide on their Pods, one after the other. For each Pod, the
// Scheduler is asked about the objects that the API server had before: the node that kube-scheduler chose must fit, and where it found
// none, its message must be the one that follows from the refusals.
package placement
