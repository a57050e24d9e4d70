// Package provisioner creates volumes for claims on a control plane without containers, as the external provisioner of a CSI driver does.
// A volume is an object only: kwok mounts nothing.
//
//	stop, err := provisioner.Start(plane.Config())
//	client.StorageV1().StorageClasses().Create(ctx, provisioner.NewClass("local", provisioner.Node), metav1.CreateOptions{})
package provisioner

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// resync is how often all claims are tried again.
const resync = 2 * time.Second

// Annotations of a claim: the scheduler writes the first, the controller manager the second when a volume is due.
const (
	annotationSelectedNode = "volume.kubernetes.io/selected-node"
	annotationProvisioner  = "volume.kubernetes.io/storage-provisioner"
)

// provisioner creates volumes.
type provisioner struct {
	client kubernetes.Interface
	// turns counts the volumes without a selected node by class. Claims come one by one.
	turns map[string]int
}

// Start creates a volume for each claim of a class of this package, until the returned function is called.
func Start(config *rest.Config) (stop func(), err error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("create a client: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &provisioner{client: client, turns: map[string]int{}}
	factory := informers.NewSharedInformerFactory(client, resync)
	_, err = factory.Core().V1().PersistentVolumeClaims().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { p.meet(ctx, obj) },
		UpdateFunc: func(_, obj any) { p.meet(ctx, obj) },
	})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("watch volume claims: %w", err)
	}
	factory.Start(ctx.Done())
	return sync.OnceFunc(func() {
		cancel()
		factory.Shutdown()
	}), nil
}

// meet ignores errors: the claim is tried again.
func (p *provisioner) meet(ctx context.Context, obj any) {
	if claim, ok := obj.(*corev1.PersistentVolumeClaim); ok && isDue(claim) {
		_ = p.provision(ctx, claim)
	}
}

// isDue reports whether a claim needs a volume of this provisioner. A claim with a data source of an unknown kind gets its volume from a
// populator.
func isDue(claim *corev1.PersistentVolumeClaim) bool {
	return claim.Annotations[annotationProvisioner] == name && claim.Spec.VolumeName == "" && claim.DeletionTimestamp.IsZero() &&
		claim.Spec.DataSourceRef == nil
}

func (p *provisioner) provision(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	class, err := p.client.StorageV1().StorageClasses().Get(ctx, *claim.Spec.StorageClassName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	// With the same name there is one volume per claim, however often the claim is tried.
	volume := volumeOf(claim)
	if _, err := p.client.CoreV1().PersistentVolumes().Get(ctx, volume.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return err
	}
	node, err := p.nodeFor(ctx, claim, class)
	if err != nil {
		return err
	}
	volume.Spec.NodeAffinity = affinityTo(node, Topology(class.Parameters[parameter]).label())
	_, err = p.client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	return err
}

// nodeFor returns the node that the scheduler selected, or the next one of those that the class allows.
func (p *provisioner) nodeFor(ctx context.Context, claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) (*corev1.Node, error) {
	if selected := claim.Annotations[annotationSelectedNode]; selected != "" {
		return p.client.CoreV1().Nodes().Get(ctx, selected, metav1.GetOptions{})
	}
	nodes, err := p.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	allowed := slices.DeleteFunc(nodes.Items, func(n corev1.Node) bool { return !allows(class.AllowedTopologies, &n) })
	if len(allowed) == 0 {
		return nil, fmt.Errorf("class %s allows no node", class.Name)
	}
	turn := p.turns[class.Name]
	p.turns[class.Name]++
	return &allowed[turn%len(allowed)], nil
}

// allows reports whether one of the terms matches the node, or there are none.
func allows(terms []corev1.TopologySelectorTerm, node *corev1.Node) bool {
	matches := func(term corev1.TopologySelectorTerm) bool {
		return !slices.ContainsFunc(term.MatchLabelExpressions, func(r corev1.TopologySelectorLabelRequirement) bool {
			return !slices.Contains(r.Values, node.Labels[r.Key])
		})
	}
	return len(terms) == 0 || slices.ContainsFunc(terms, matches)
}

func volumeOf(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:        "pvc-" + string(claim.UID),
			Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": name},
		},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName:              *claim.Spec.StorageClassName,
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			// A CSI source would have the controller manager wait for an attacher.
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/volumes/" + string(claim.UID)}},
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
		},
	}
}

// affinityTo ties a volume to the nodes that have the same value of a label as this one. Without a label it ties it to nothing.
func affinityTo(node *corev1.Node, label string) *corev1.VolumeNodeAffinity {
	if label == "" {
		return nil
	}
	return &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchExpressions: []corev1.NodeSelectorRequirement{{Key: label, Operator: corev1.NodeSelectorOpIn, Values: []string{node.Labels[label]}}},
	}}}}
}
