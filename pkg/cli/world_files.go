package cli

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/json"

	"github.com/rehome-operator/rehome/pkg/placement"
)

// kindsOfWorld are the resources that make a World, beside nodes, by version and kind.
var kindsOfWorld = map[string]string{
	"v1 Pod": "pods", "v1 Namespace": "namespaces", "v1 ResourceQuota": "resourcequotas",
	"v1 PersistentVolumeClaim": "persistentvolumeclaims", "v1 PersistentVolume": "persistentvolumes",
	"storage.k8s.io/v1 StorageClass": "storageclasses", "storage.k8s.io/v1 CSIStorageCapacity": "csistoragecapacities",
	"storage.k8s.io/v1 CSINode": "csinodes", "storage.k8s.io/v1 CSIDriver": "csidrivers",
}

// worldOf returns the World that files show. Unread names each kind that they do not hold: the cluster can have
// objects of it all the same.
func worldOf(found documents) (*placement.World, error) {
	if len(found.problems) > 0 {
		return nil, found.problems[0]
	}
	w := &placement.World{Unread: map[string]string{}}
	for _, resource := range kindsOfWorld {
		w.Unread[resource] = textNotInFiles
	}
	packer := placement.NewPacker()
	objects := lastOfEach(found.kubernetes)
	for i := range objects {
		d := &objects[i]
		if err := addDocument(w, packer, d); err != nil {
			return nil, fmt.Errorf("%s: %s %s: %w", d.where, d.Kind, d.Metadata.Name, err)
		}
		delete(w.Unread, kindsOfWorld[d.APIVersion+" "+strings.TrimSuffix(d.Kind, "List")])
	}
	if len(w.Nodes) == 0 {
		return nil, errors.New(problemNoNodes)
	}
	w.DropImages()
	return w, nil
}

func addDocument(w *placement.World, packer *placement.Packer, d *document) error {
	switch d.APIVersion + " " + d.Kind {
	case "v1 Node":
		return decodeOne(d, func(node *corev1.Node) { w.Nodes = append(w.Nodes, packer.PackNode(node)) })
	case "v1 Pod":
		return decodeOne(d, func(pod *corev1.Pod) { addPod(w, packer, pod) })
	case "v1 Namespace":
		return decodeInto(&w.Namespaces, d)
	case "v1 PersistentVolumeClaim":
		return decodeInto(&w.Claims, d)
	case "v1 PersistentVolume":
		return decodeInto(&w.Volumes, d)
	case "v1 ResourceQuota":
		return decodeInto(&w.Quotas, d)
	case "storage.k8s.io/v1 StorageClass":
		return decodeInto(&w.Classes, d)
	case "storage.k8s.io/v1 CSINode":
		return decodeInto(&w.CSINodes, d)
	case "storage.k8s.io/v1 CSIDriver":
		return decodeInto(&w.CSIDrivers, d)
	case "storage.k8s.io/v1 CSIStorageCapacity":
		return decodeInto(&w.CSICapacity, d)
	}
	return nil
}

// addPod adds a Pod that has not ended. The API server does not list others, but files can hold them.
func addPod(w *placement.World, packer *placement.Packer, pod *corev1.Pod) {
	if pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
		w.Pods = append(w.Pods, packer.Pack(pod))
	}
}

// decodeOne adds the object of a document.
func decodeOne[T any](d *document, add func(*T)) error {
	var one []T
	if err := decodeInto(&one, d); err != nil {
		return err
	}
	add(&one[0])
	return nil
}

func decodeInto[T any](to *[]T, d *document) error {
	if d.err != nil {
		return d.err
	}
	var object T
	if err := json.UnmarshalCaseSensitivePreserveInts(d.raw, &object); err != nil {
		return errors.New(oneLine(err))
	}
	*to = append(*to, object)
	return nil
}
