package placement

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// PackNode returns what a scheduler and this package read of a node. The node itself can be discarded.
func (p *Packer) PackNode(node *corev1.Node) corev1.Node {
	kept := corev1.Node{Spec: node.Spec}
	kept.Name, kept.UID, kept.Labels = p.text(node.Name), node.UID, make(map[string]string, len(node.Labels))
	for key, value := range node.Labels {
		kept.Labels[p.text(key)] = p.text(value)
	}
	kept.Status.Capacity, kept.Status.Allocatable = node.Status.Capacity, node.Status.Allocatable
	kept.Status.DeclaredFeatures = node.Status.DeclaredFeatures
	for _, image := range node.Status.Images {
		for i := range image.Names {
			image.Names[i] = p.text(image.Names[i])
		}
		kept.Status.Images = append(kept.Status.Images, image)
	}
	return kept
}

// DropImages drops the images of nodes that no waiting Pod runs: a node has very many, and a scheduler asks only for those of its Pod.
func (w *World) DropImages() {
	used := map[string]bool{}
	for i := range w.Pods {
		if w.Pods[i].Waits() {
			addImages(used, &w.Pods[i].object.Spec)
		}
	}
	for i := range w.Nodes {
		status := &w.Nodes[i].Status
		var images []corev1.ContainerImage
		for _, image := range status.Images {
			if slices.ContainsFunc(image.Names, func(name string) bool { return used[name] }) {
				images = append(images, image)
			}
		}
		status.Images = images
	}
}

// addImages adds the images of a Pod, by the names that nodes report.
func addImages(used map[string]bool, spec *corev1.PodSpec) {
	add := func(name string) {
		if strings.LastIndex(name, ":") <= strings.LastIndex(name, "/") {
			name += ":latest"
		}
		used[name] = true
	}
	for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			add(containers[i].Image)
		}
	}
	for i := range spec.Volumes {
		if image := spec.Volumes[i].Image; image != nil {
			add(image.Reference)
		}
	}
}
