package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// The sizes of pages. An API server limits the annotations of an object to 256 KiB, so those of a page to 25 MiB.
const (
	maxObjects = 100
	maxPage    = 25 << 20
	// readBuffer saves calls of the decoder: a page is read through TLS and gzip.
	readBuffer = 64 << 10
)

// newRESTClient returns a client for any path of an API server. Requests come one after another, so they need no limit.
func newRESTClient(config *rest.Config) (rest.Interface, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	return rest.UnversionedRESTClientFor(config)
}

// The media types to ask for. Protobuf is decoded ten times as fast. An API server that does not encode metadata so answers in JSON.
const (
	acceptObjects  = "application/json"
	asMetadata     = ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
	acceptMetadata = "application/vnd.kubernetes.protobuf" + asMetadata + ",application/json" + asMetadata
)

// pages lists objects of one kind in pages.
type pages struct {
	client       rest.Interface
	path, accept string
	// decode decodes a page as a stream. It returns the token of the next page, and the size of the largest object.
	decode func(page *bufio.Reader) (next string, largest int64, err error)
}

// eachObject decodes and visits each object of all pages. It holds one object at a time.
func eachObject[T any](ctx context.Context, client rest.Interface, path string, visit func(*T)) error {
	return (&pages{client, path, acceptObjects, func(page *bufio.Reader) (string, int64, error) {
		return decodeList(json.NewDecoder(page), visit)
	}}).read(ctx)
}

// eachMetadata is eachObject for the metadata alone.
func eachMetadata(ctx context.Context, client rest.Interface, path string, visit func(*metav1.PartialObjectMetadata)) error {
	return (&pages{client, path, acceptMetadata, func(page *bufio.Reader) (string, int64, error) {
		if isProtobuf(page) {
			return decodeProtobufList(page, visit)
		}
		return decodeList(json.NewDecoder(page), visit)
	}}).read(ctx)
}

// read reads all pages. Where large labels made an object larger than its annotations may be, further pages have fewer objects.
func (p *pages) read(ctx context.Context) error {
	limit, token := maxObjects, ""
	for {
		next, largest, err := p.readPage(ctx, limit, token)
		if later := afterExpiry(err, token); later != "" {
			token = later
			continue
		}
		if err != nil || next == "" {
			return err
		}
		limit, token = max(1, min(limit, int(maxPage/max(largest, 1)))), next
	}
}

// afterExpiry returns the token to continue with after the API server has forgotten the version of the first page.
func afterExpiry(err error, token string) string {
	var status apierrors.APIStatus
	if err == nil || token == "" || !apierrors.IsResourceExpired(err) || !errors.As(err, &status) {
		return ""
	}
	return status.Status().Continue
}

func (p *pages) readPage(ctx context.Context, limit int, token string) (next string, largest int64, err error) {
	request := p.client.Get().AbsPath(p.path).Param("limit", strconv.Itoa(limit)).SetHeader("Accept", p.accept)
	if token != "" {
		request = request.Param("continue", token)
	}
	body, err := request.Stream(ctx)
	if err != nil {
		return "", 0, err
	}
	defer body.Close()
	next, largest, err = p.decode(bufio.NewReaderSize(body, readBuffer))
	if err != nil {
		err = fmt.Errorf(problemBadList, p.path, err)
	}
	return next, largest, err
}

// decodeList is a pages.decode for JSON.
func decodeList[T any](decoder *json.Decoder, visit func(*T)) (next string, largest int64, err error) {
	if err := expect(decoder, '{'); err != nil {
		return "", 0, err
	}
	for decoder.More() {
		field, err := decoder.Token()
		if err != nil {
			return "", 0, err
		}
		switch field {
		case "metadata":
			var meta metav1.ListMeta
			err = decoder.Decode(&meta)
			next = meta.Continue
		case "items":
			largest, err = decodeItems(decoder, visit)
		default:
			err = decoder.Decode(&json.RawMessage{})
		}
		if err != nil {
			return "", 0, err
		}
	}
	return next, largest, expect(decoder, '}')
}

func decodeItems[T any](decoder *json.Decoder, visit func(*T)) (largest int64, err error) {
	token, err := decoder.Token()
	if err != nil || token == nil { // null
		return 0, err
	}
	for decoder.More() {
		before := decoder.InputOffset()
		var item T
		if err := decoder.Decode(&item); err != nil {
			return 0, err
		}
		largest = max(largest, decoder.InputOffset()-before)
		visit(&item)
	}
	return largest, expect(decoder, ']')
}

func expect(decoder *json.Decoder, delim json.Delim) error {
	token, err := decoder.Token()
	if err == nil && token != delim {
		err = fmt.Errorf(problemUnexpected, token, delim)
	}
	return unexpectedEOF(err)
}

// unexpectedEOF is for a list that ends early.
func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
