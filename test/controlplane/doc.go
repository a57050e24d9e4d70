// Package controlplane runs a Kubernetes control plane for tests: etcd, kube-apiserver, kube-scheduler and kube-controller-manager, and
// kwok, which simulates kubelets. All serve on loopback. All end with the process that started them.
//
// Build the programs once, in test/controlplane. That takes about 6 minutes on two cores:
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
// Scheduled Pods become Ready and Pods of Jobs complete, without containers. Options.KwokConfig changes that. RBAC is on. To change a
// version, edit the go.mod below components that pins it, run `go mod tidy` there, and build.
package controlplane
