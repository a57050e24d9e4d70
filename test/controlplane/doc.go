// Package controlplane runs a Kubernetes control plane for tests: etcd, kube-apiserver, kube-scheduler and
// kube-controller-manager as in a real cluster, and kwok, which plays the kubelets. Everything serves on loopback, and
// nothing remains of it when the process that started it ends, in whatever way.
//
// Build the programs once, in test/controlplane (ten minutes on two cores; later runs only look whether they are there):
//
//	go run ./cmd/controlplane build
//	export KUBEBUILDER_ASSETS=$(go run ./cmd/controlplane dir) # for envtest
//	go run ./cmd/controlplane start --nodes 3 --zones 3        # by hand: prints a kubeconfig, runs until Ctrl-C
//
// In a test, Start takes about five seconds:
//
//	plane, err := controlplane.Start(ctx, controlplane.Options{Nodes: []controlplane.Node{{Name: "node-1", Zone: "zone-1"}}})
//	defer plane.Stop()
//	manager, err := plane.Run("manager", exec.Command(path, "--kubeconfig", plane.Kubeconfig()))
//
// Pods that are scheduled become Ready, and Pods of Jobs complete, without a container; Options.KwokConfig changes that.
// RBAC is on. To change a version, edit the go.mod below components that pins it, run `go mod tidy` there, and build.
package controlplane
