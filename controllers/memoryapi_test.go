package controllers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	fielderrors "k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// memoryAPI is an API server in memory. It stores JSON, so unknown fields survive patches of typed views. Where Rehome depends on
// an answer, it answers as a real API server does: truth_test.go compares the two.
//
// The fake client of controller-runtime takes 1 ms for a list and 10 ms for a patch. This one takes microseconds: an object is never
// modified, and is converted once for all reads of a version.
type memoryAPI struct {
	mu     sync.Mutex // held during each call
	scheme *runtime.Scheme
	clock  clock.PassiveClock
	// version and created count the writes and the objects, for resourceVersions and UIDs.
	version, created int64
	objects          map[schema.GroupVersionKind]map[types.NamespacedName]*memoryObject
	// written is called after each write that changed something.
	written func(memoryWrite)
}

// memoryObject is one version of an object.
type memoryObject struct {
	content map[string]any
	labels  labels.Set
	// typed is the view; nil until somebody reads it.
	typed client.Object
}

// memoryWrite is a write that changed something. before is nil for a create, after where the object is gone.
type memoryWrite struct {
	user          string
	gvk           schema.GroupVersionKind
	subResource   string
	before, after *unstructured.Unstructured
}

func newMemoryAPI(scheme *runtime.Scheme, c clock.PassiveClock) *memoryAPI {
	return &memoryAPI{
		scheme: scheme, clock: c,
		objects: map[schema.GroupVersionKind]map[types.NamespacedName]*memoryObject{},
		written: func(memoryWrite) {},
	}
}

// as returns the client of a user.
func (a *memoryAPI) as(user string) client.WithWatch { return &memoryClient{api: a, user: user} }

// memoryClient is a user's client. A verb that is not implemented panics.
type memoryClient struct {
	client.WithWatch
	api  *memoryAPI
	user string
}

func (c *memoryClient) Scheme() *runtime.Scheme { return c.api.scheme }

func (c *memoryClient) kindOf(obj runtime.Object) schema.GroupVersionKind {
	gvk, err := apiutil.GVKForObject(obj, c.api.scheme)
	if err != nil {
		panic(err)
	}
	return gvk
}

func resourceOf(gvk schema.GroupVersionKind) schema.GroupResource {
	return schema.GroupResource{Group: gvk.Group, Resource: strings.ToLower(gvk.Kind) + "s"}
}

// find returns an object, or the error that there is none.
func (a *memoryAPI) find(gvk schema.GroupVersionKind, key types.NamespacedName) (*memoryObject, error) {
	if found := a.objects[gvk][key]; found != nil {
		return found, nil
	}
	return nil, apierrors.NewNotFound(resourceOf(gvk), key.Name)
}

// into writes a copy of an object into obj.
func (a *memoryAPI) into(obj client.Object, gvk schema.GroupVersionKind, o *memoryObject) {
	switch target := obj.(type) {
	case *unstructured.Unstructured:
		target.Object = runtime.DeepCopyJSON(o.content)
	case *metav1.PartialObjectMetadata:
		*target = metav1.PartialObjectMetadata{}
		fromContent(map[string]any{"metadata": o.content["metadata"]}, target)
		target.SetGroupVersionKind(gvk)
	default:
		value := reflect.ValueOf(a.typed(gvk, o).DeepCopyObject())
		reflect.ValueOf(obj).Elem().Set(value.Elem())
	}
}

// typed returns the view of an object, which must not be modified.
func (a *memoryAPI) typed(gvk schema.GroupVersionKind, o *memoryObject) client.Object {
	if o.typed == nil {
		view, err := a.scheme.New(gvk)
		if err != nil {
			panic(err)
		}
		fromContent(o.content, view)
		view.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
		o.typed = view.(client.Object)
	}
	return o.typed
}

func fromContent(content map[string]any, obj any) {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, obj); err != nil {
		panic(err)
	}
}

// contentOf returns a copy of an object as JSON.
func contentOf(obj client.Object, gvk schema.GroupVersionKind) map[string]any {
	var content map[string]any
	if u, ok := obj.(*unstructured.Unstructured); ok {
		content = runtime.DeepCopyJSON(u.Object)
	} else {
		var err error
		if content, err = runtime.DefaultUnstructuredConverter.ToUnstructured(obj); err != nil {
			panic(err)
		}
	}
	content["apiVersion"], content["kind"] = gvk.ToAPIVersionAndKind()
	return content
}

func (c *memoryClient) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	gvk := c.kindOf(obj)
	found, err := c.api.find(gvk, key)
	if err != nil {
		return err
	}
	c.api.into(obj, gvk, found)
	return nil
}

func (c *memoryClient) List(_ context.Context, list client.ObjectList, opts ...client.ListOption) error {
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	gvk := c.kindOf(list)
	gvk.Kind = strings.TrimSuffix(gvk.Kind, "List")
	o := (&client.ListOptions{}).ApplyOptions(opts)
	selected := []runtime.Object{}
	for _, key := range c.api.keys(gvk) {
		found := c.api.objects[gvk][key]
		elsewhere := key.Namespace != "" && o.Namespace != "" && key.Namespace != o.Namespace // nodes are in no Namespace
		if elsewhere || !selects(o, found) {
			continue
		}
		var item client.Object = &unstructured.Unstructured{}
		if _, ok := list.(*unstructured.UnstructuredList); ok {
			c.api.into(item, gvk, found)
		} else {
			item = c.api.typed(gvk, found).DeepCopyObject().(client.Object)
		}
		selected = append(selected, item)
	}
	return meta.SetList(list, selected)
}

// selects reports whether the selectors of a list select an object.
func selects(o *client.ListOptions, object *memoryObject) bool {
	if o.LabelSelector != nil && !o.LabelSelector.Matches(object.labels) {
		return false
	}
	if o.FieldSelector == nil {
		return true
	}
	for _, required := range o.FieldSelector.Requirements() {
		value, _, _ := unstructured.NestedString(object.content, strings.Split(required.Field, ".")...)
		if value != required.Value {
			return false
		}
	}
	return true
}

// keys returns the keys of all objects of a kind, in order.
func (a *memoryAPI) keys(gvk schema.GroupVersionKind) []types.NamespacedName {
	return slices.SortedFunc(maps.Keys(a.objects[gvk]), func(x, y types.NamespacedName) int {
		return strings.Compare(x.Namespace+"/"+x.Name, y.Namespace+"/"+y.Name)
	})
}

func (c *memoryClient) Create(_ context.Context, obj client.Object, _ ...client.CreateOption) error {
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	a, gvk := c.api, c.kindOf(obj)
	content := contentOf(obj, gvk)
	u := &unstructured.Unstructured{Object: content}
	a.created++
	if u.GetName() == "" {
		u.SetName(u.GetGenerateName() + strconv.FormatInt(a.created, 10))
	}
	key := client.ObjectKeyFromObject(u)
	if a.objects[gvk][key] != nil {
		return apierrors.NewAlreadyExists(resourceOf(gvk), key.Name)
	}
	delete(content, "status")
	if gvk.Kind == "Pod" {
		content["status"] = map[string]any{"phase": string(corev1.PodPending)}
	}
	u.SetUID(types.UID(fmt.Sprintf("%08x-0000-4000-8000-%012x", a.created, a.created)))
	u.SetGeneration(1)
	u.SetCreationTimestamp(metav1.NewTime(a.clock.Now()))
	u.SetDeletionTimestamp(nil)
	created := c.put(gvk, key, "", nil, content)
	a.into(obj, gvk, created)
	return nil
}

// put stores a version of an object.
func (c *memoryClient) put(gvk schema.GroupVersionKind, key types.NamespacedName, subResource string, before *memoryObject, content map[string]any) *memoryObject {
	a := c.api
	a.version++
	metadata := content["metadata"].(map[string]any)
	metadata["resourceVersion"] = strconv.FormatInt(a.version, 10)
	for _, name := range []string{"annotations", "labels", "finalizers"} {
		switch value := metadata[name].(type) {
		case map[string]any:
			if len(value) == 0 {
				delete(metadata, name)
			}
		case []any:
			if len(value) == 0 {
				delete(metadata, name)
			}
		case nil:
			delete(metadata, name)
		}
	}
	after := &unstructured.Unstructured{Object: content}
	object := &memoryObject{content: content, labels: after.GetLabels()}
	write := memoryWrite{user: c.user, gvk: gvk, subResource: subResource, after: after}
	if before != nil {
		write.before = &unstructured.Unstructured{Object: before.content}
	}
	if metadata["deletionTimestamp"] != nil && len(after.GetFinalizers()) == 0 && gvk.Kind != "Pod" {
		delete(a.objects[gvk], key)
		write.after = nil
	} else {
		if a.objects[gvk] == nil {
			a.objects[gvk] = map[types.NamespacedName]*memoryObject{}
		}
		a.objects[gvk][key] = object
	}
	a.written(write)
	return object
}

// remove removes an object.
func (c *memoryClient) remove(gvk schema.GroupVersionKind, key types.NamespacedName) {
	before := c.api.objects[gvk][key]
	delete(c.api.objects[gvk], key)
	c.api.written(memoryWrite{user: c.user, gvk: gvk, before: &unstructured.Unstructured{Object: before.content}})
}

// update replaces an object, or its status, by next, which it may modify at the top and in the metadata.
func (c *memoryClient) update(gvk schema.GroupVersionKind, key types.NamespacedName, subResource string, next map[string]any) (*memoryObject, error) {
	before, err := c.api.find(gvk, key)
	if err != nil {
		return nil, err
	}
	was, is := before.content["metadata"].(map[string]any), next["metadata"].(map[string]any)
	differs := func(name string) bool { return is[name] != nil && is[name] != "" && is[name] != was[name] }
	if differs("resourceVersion") {
		return nil, apierrors.NewConflict(resourceOf(gvk), key.Name, errors.New("the object has been modified"))
	}
	if differs("uid") {
		return nil, invalidAt(gvk, key.Name, "metadata", "uid")
	}
	metadata := maps.Clone(is)
	if subResource != "" {
		status := next["status"]
		next, metadata = maps.Clone(before.content), maps.Clone(was)
		next["status"] = status
	} else {
		next["status"] = before.content["status"]
		for _, name := range []string{"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"} {
			metadata[name] = was[name]
		}
	}
	for _, values := range []map[string]any{next, metadata} {
		maps.DeleteFunc(values, func(_ string, value any) bool { return value == nil })
	}
	next["metadata"] = metadata
	if reflect.DeepEqual(next, before.content) {
		return before, nil
	}
	if err := invalid(gvk, key.Name, before.content, next); err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(next["spec"], before.content["spec"]) {
		metadata["generation"] = was["generation"].(int64) + 1
	}
	return c.put(gvk, key, subResource, before, next), nil
}

// immutable are the fields that cannot change. One that is absent before or after is no change.
var immutable = map[string][]string{
	"Pod":     {"spec"},
	"Job":     {"spec", "template"},
	"Restore": {"spec", "prepareDataConfig", "schedulingSpec"},
}

// invalid returns the error of an update that changes an immutable field.
func invalid(gvk schema.GroupVersionKind, name string, before, after map[string]any) error {
	path := immutable[gvk.Kind]
	if path == nil {
		return nil
	}
	was, existed, _ := unstructured.NestedFieldNoCopy(before, path...)
	is, exists, _ := unstructured.NestedFieldNoCopy(after, path...)
	if !existed || !exists || reflect.DeepEqual(was, is) {
		return nil
	}
	return invalidAt(gvk, name, path...)
}

// invalidAt is the error of a change of an immutable field.
func invalidAt(gvk schema.GroupVersionKind, name string, path ...string) error {
	at := fielderrors.NewPath(path[0], path[1:]...)
	return apierrors.NewInvalid(gvk.GroupKind(), name, fielderrors.ErrorList{fielderrors.Forbidden(at, "the field is immutable")})
}

func (c *memoryClient) Update(_ context.Context, obj client.Object, _ ...client.UpdateOption) error {
	return c.replace(obj, "")
}

func (c *memoryClient) replace(obj client.Object, subResource string) error {
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	gvk := c.kindOf(obj)
	updated, err := c.update(gvk, client.ObjectKeyFromObject(obj), subResource, contentOf(obj, gvk))
	if err == nil {
		c.api.into(obj, gvk, updated)
	}
	return err
}

func (c *memoryClient) Patch(_ context.Context, obj client.Object, p client.Patch, _ ...client.PatchOption) error {
	return c.patch(obj, p, "")
}

func (c *memoryClient) patch(obj client.Object, p client.Patch, subResource string) error {
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	gvk, key := c.kindOf(obj), client.ObjectKeyFromObject(obj)
	before, err := c.api.find(gvk, key)
	if err != nil {
		return err
	}
	data, err := p.Data(obj)
	if err != nil {
		return err
	}
	next, err := patched(before.content, p.Type(), data)
	if err != nil {
		return err
	}
	updated, err := c.update(gvk, key, subResource, next)
	if err == nil {
		c.api.into(obj, gvk, updated)
	}
	return err
}

// patched returns content with a patch applied. The result shares with content what the patch does not change.
func patched(content map[string]any, patchType types.PatchType, data []byte) (map[string]any, error) {
	if patchType == types.MergePatchType {
		var changes map[string]any
		if err := utiljson.Unmarshal(data, &changes); err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		return merged(content, changes), nil
	}
	operations, err := jsonpatch.DecodePatch(data)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	document, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	if document, err = operations.Apply(document); err != nil {
		// The API server names no causes.
		return nil, apierrors.NewGenericServerResponse(422, "", schema.GroupResource{}, "", err.Error(), 0, false)
	}
	var next map[string]any
	return next, utiljson.Unmarshal(document, &next)
}

// merged returns content with a merge patch applied.
func merged(content, changes map[string]any) map[string]any {
	next := maps.Clone(content)
	if next == nil {
		next = map[string]any{}
	}
	for name, change := range changes {
		switch value := change.(type) {
		case nil:
			delete(next, name)
		case map[string]any:
			old, _ := next[name].(map[string]any)
			next[name] = merged(old, value)
		default:
			next[name] = value
		}
	}
	return next
}

func (c *memoryClient) Delete(_ context.Context, obj client.Object, opts ...client.DeleteOption) error {
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	gvk, key := c.kindOf(obj), client.ObjectKeyFromObject(obj)
	before, err := c.api.find(gvk, key)
	if err != nil {
		return err
	}
	o := (&client.DeleteOptions{}).ApplyOptions(opts)
	was := &unstructured.Unstructured{Object: before.content}
	if p := o.Preconditions; p != nil && (p.UID != nil && *p.UID != was.GetUID() ||
		p.ResourceVersion != nil && *p.ResourceVersion != was.GetResourceVersion()) {
		return apierrors.NewConflict(resourceOf(gvk), key.Name, errors.New("a precondition failed"))
	}
	grace := graceOf(gvk, was, o)
	switch {
	case len(was.GetFinalizers()) == 0 && grace == 0:
		c.remove(gvk, key)
	case was.GetDeletionTimestamp() == nil:
		next := maps.Clone(before.content)
		metadata := maps.Clone(before.content["metadata"].(map[string]any))
		metadata["deletionTimestamp"] = c.api.clock.Now().Add(grace).UTC().Format(time.RFC3339)
		metadata["deletionGracePeriodSeconds"] = int64(grace.Seconds())
		metadata["generation"] = metadata["generation"].(int64) + 1
		next["metadata"] = metadata
		c.put(gvk, key, "", before, next)
	}
	return nil
}

// graceOf returns how long an object exists after its deletion: a Pod that is bound, until the kubelet has stopped it.
func graceOf(gvk schema.GroupVersionKind, obj *unstructured.Unstructured, o *client.DeleteOptions) time.Duration {
	node, _, _ := unstructured.NestedString(obj.Object, "spec", "nodeName")
	phase, _, _ := unstructured.NestedString(obj.Object, "status", "phase")
	ended := phase == string(corev1.PodSucceeded) || phase == string(corev1.PodFailed)
	if gvk.Kind != "Pod" || node == "" || ended || o.GracePeriodSeconds != nil && *o.GracePeriodSeconds == 0 {
		return 0
	}
	return 30 * time.Second
}

func (c *memoryClient) Status() client.SubResourceWriter { return c.SubResource("status") }

func (c *memoryClient) SubResource(name string) client.SubResourceClient {
	return &memorySubResource{client: c, name: name}
}

// memorySubResource is a client of a subresource. A verb that is not implemented panics.
type memorySubResource struct {
	client.SubResourceClient
	client *memoryClient
	name   string
}

func (s *memorySubResource) Update(_ context.Context, obj client.Object, _ ...client.SubResourceUpdateOption) error {
	return s.client.replace(obj, s.name)
}

func (s *memorySubResource) Patch(_ context.Context, obj client.Object, p client.Patch, _ ...client.SubResourcePatchOption) error {
	return s.client.patch(obj, p, s.name)
}

// Create binds a Pod to a node.
func (s *memorySubResource) Create(_ context.Context, obj, subResource client.Object, _ ...client.SubResourceCreateOption) error {
	c, gvk, key := s.client, s.client.kindOf(obj), client.ObjectKeyFromObject(obj)
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	before, err := c.api.find(gvk, key)
	if err != nil {
		return err
	}
	pod := &corev1.Pod{}
	c.api.into(pod, gvk, before)
	if pod.Spec.NodeName != "" || pod.DeletionTimestamp != nil {
		return apierrors.NewConflict(resourceOf(gvk), key.Name, errors.New("the Pod is assigned or deleted"))
	}
	pod.Spec.NodeName = subResource.(*corev1.Binding).Target.Name
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}}
	c.put(gvk, key, s.name, before, contentOf(pod, gvk))
	return nil
}

func unstructuredOf(o *memoryObject) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: o.content}
}
