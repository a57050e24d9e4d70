package cli

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// protobufPrefix is how a response in protobuf begins. A runtime.Unknown follows, with the list in it.
const protobufPrefix = "k8s\x00"

// The numbers of the fields that are read.
const (
	unknownRaw   = 2
	listMetadata = 1
	listItems    = 2
	// wireLength is the type of a field that begins with its length.
	wireLength = 2
)

func isProtobuf(page *bufio.Reader) bool {
	begin, _ := page.Peek(len(protobufPrefix)) // of a shorter page, the decoder of JSON reports what is wrong
	return string(begin) == protobufPrefix
}

// decodeProtobufList is a pages.decode for protobuf. It holds one object, where the generated decoder needs the whole page three times.
func decodeProtobufList(page *bufio.Reader, visit func(*metav1.PartialObjectMetadata)) (next string, largest int64, err error) {
	_, err = page.Discard(len(protobufPrefix))
	unknown := &message{page, math.MaxInt64}
	for err == nil {
		var field uint64
		var size int64
		if field, size, err = unknown.field(); err != nil {
			break
		}
		if field == unknownRaw {
			if next, largest, err = decodeProtobufItems(&message{page, size}, visit); err == nil {
				_, err = io.Copy(io.Discard, page) // the connection is kept where a response was read to its end
			}
			return next, largest, err
		}
		_, err = io.CopyN(io.Discard, page, size)
	}
	return "", 0, unexpectedEOF(err) // before the list
}

func decodeProtobufItems(list *message, visit func(*metav1.PartialObjectMetadata)) (next string, largest int64, err error) {
	for raw := (bytes.Buffer{}); list.left > 0; raw.Reset() {
		field, size, err := list.field()
		if err == nil {
			_, err = io.CopyN(&raw, list.in, size)
		}
		if err != nil {
			return "", 0, unexpectedEOF(err)
		}
		switch field {
		case listMetadata:
			var meta metav1.ListMeta
			err = meta.Unmarshal(raw.Bytes())
			next = meta.Continue
		case listItems:
			item := &metav1.PartialObjectMetadata{}
			if err = item.Unmarshal(raw.Bytes()); err == nil {
				largest = max(largest, size)
				visit(item)
			}
		}
		if err != nil {
			return "", 0, err
		}
	}
	return next, largest, nil
}

// message reads a message of protobuf whose fields all have a length.
type message struct {
	in *bufio.Reader
	// left is how many bytes of the message were not read yet.
	left int64
}

// field returns the number and the length of the next field, whose bytes the caller reads.
func (m *message) field() (number uint64, size int64, err error) {
	tag, err := binary.ReadUvarint(m)
	if err != nil {
		return 0, 0, err
	}
	if wireType := tag & 7; wireType != wireLength {
		return 0, 0, fmt.Errorf(problemUnexpected, wireType, wireLength)
	}
	length, err := binary.ReadUvarint(m)
	if err != nil {
		return 0, 0, err
	}
	if length > uint64(m.left) {
		return 0, 0, io.ErrUnexpectedEOF
	}
	m.left -= int64(length)
	return tag >> 3, int64(length), nil
}

// ReadByte reads a byte of a field's number or length.
func (m *message) ReadByte() (byte, error) {
	if m.left == 0 {
		return 0, io.EOF
	}
	m.left--
	return m.in.ReadByte()
}
