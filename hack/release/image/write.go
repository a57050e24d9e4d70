package image

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Write writes the image to a folder: as an OCI layout for all platforms in oci, for tools that copy images, and as an archive for
// each platform, for `docker load`, `ctr images import` and `kind load image-archive`. It returns the reference of the image by its
// digest.
func (r *Release) Write(folder, repository string) (string, error) {
	tag, err := name.NewTag(repository + ":" + r.Tag)
	if err != nil {
		return "", err
	}
	if err := r.writeLayout(filepath.Join(folder, "oci"), tag); err != nil {
		return "", err
	}
	for _, image := range r.images {
		if err := writeArchive(folder, tag, image); err != nil {
			return "", err
		}
	}
	digest, err := r.Index.Digest()
	if err != nil {
		return "", err
	}
	return tag.Name() + "@" + digest.String(), nil
}

// writeLayout annotates the image with its tag, and with its full name for containerd.
func (r *Release) writeLayout(folder string, tag name.Tag) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	l, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	return l.AppendIndex(r.Index, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": tag.TagStr(),
		"io.containerd.image.name":          tag.Name(),
	}))
}

func writeArchive(folder string, tag name.Tag, image v1.Image) error {
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	file := fmt.Sprintf("rehome-%s-%s.tar", config.OS, config.Architecture)
	return tarball.WriteToFile(filepath.Join(folder, file), tag, image)
}
