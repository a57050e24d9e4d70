package image

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"path"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// file is a file of the image. Its folders are created with it.
type file struct {
	// name is the path, without a leading slash.
	name    string
	content []byte
	mode    fs.FileMode
}

// newLayer packs files in this order, owned by root and with one time, so the digest depends on names, modes and content only.
func newLayer(files []file, modified time.Time) (v1.Layer, error) {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	folders := map[string]bool{".": true}
	for _, f := range files {
		if err := addFolder(w, folders, path.Dir(f.name), modified); err != nil {
			return nil, err
		}
		header := &tar.Header{Name: f.name, Typeflag: tar.TypeReg, Mode: int64(f.mode), Size: int64(len(f.content)), ModTime: modified}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// addFolder writes a folder and its parents, unless they were written before.
func addFolder(w *tar.Writer, written map[string]bool, name string, modified time.Time) error {
	if written[name] {
		return nil
	}
	if err := addFolder(w, written, path.Dir(name), modified); err != nil {
		return err
	}
	written[name] = true
	return w.WriteHeader(&tar.Header{Name: name + "/", Typeflag: tar.TypeDir, Mode: 0o755, ModTime: modified})
}
