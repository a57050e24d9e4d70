// Package image packs builds of rehome and rehome-placement into a container image. It needs neither a daemon nor a base image.
package image

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Release is an image for several platforms.
type Release struct {
	// Tag is the version, without a v.
	Tag string
	// Index holds an image for each platform.
	Index v1.ImageIndex

	images []v1.Image
}

// Build packs programs, which are builds of one commit for different platforms, with rehome-placement of their folders, and the licences
// of the modules they link. The image holds nothing else and has the time of the commit, so the same programs have the same digest.
func Build(programs []string, licenses fs.FS) (*Release, error) {
	if len(programs) == 0 {
		return nil, errors.New("no program to pack")
	}
	system, err := systemFiles(licenses)
	if err != nil {
		return nil, err
	}
	release := &Release{}
	var annotations map[string]string
	var manifests []mutate.IndexAddendum
	for _, path := range programs {
		p, err := readProgram(path)
		if err != nil {
			return nil, err
		}
		if release.Tag != "" && release.Tag != p.tag() {
			return nil, fmt.Errorf("%s is of version %s, but others are of %s", path, p.tag(), release.Tag)
		}
		beside, err := p.readPlacement()
		if err != nil {
			return nil, err
		}
		image, err := newImage(p, beside, system)
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", path, err)
		}
		release.Tag, annotations = p.tag(), labels(p)
		release.images = append(release.images, image)
		manifests = append(manifests, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &p.platform}})
	}
	index := mutate.Annotations(mutate.AppendManifests(empty.Index, manifests...), annotations)
	release.Index = index.(v1.ImageIndex)
	return release, nil
}

// newImage packs the two programs of one platform.
func newImage(p, beside *program, system []file) (v1.Image, error) {
	own, err := programFiles(p)
	if err != nil {
		return nil, err
	}
	others, err := programFiles(beside)
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, files := range [][]file{system, own, others} {
		layer, err := newLayer(files, p.committed)
		if err != nil {
			return nil, err
		}
		history := v1.History{Created: v1.Time{Time: p.committed}, CreatedBy: "make image"}
		if image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: history}); err != nil {
			return nil, err
		}
	}
	return configure(image, p)
}

// configure sets the platform, the command and the labels of the image.
func configure(image v1.Image, p *program) (v1.Image, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS = p.platform.OS
	config.Architecture = p.platform.Architecture
	config.Created = v1.Time{Time: p.committed}
	config.Config = v1.Config{
		User:       user + ":" + user,
		WorkingDir: "/",
		Entrypoint: []string{"/rehome"},
		Cmd:        []string{"manager"},
		Labels:     labels(p),
	}
	return mutate.ConfigFile(image, config)
}

// labels returns the annotations that the OCI image specification defines.
func labels(p *program) map[string]string {
	const prefix = "org.opencontainers.image."
	return map[string]string{
		prefix + "title":         "rehome",
		prefix + "description":   "Rewrites the scheduling rules that database clusters restored by KubeBlocks inherit from their source",
		prefix + "version":       p.version,
		prefix + "revision":      p.revision,
		prefix + "created":       p.committed.UTC().Format(time.RFC3339),
		prefix + "source":        "https://github.com/rehome-operator/rehome",
		prefix + "documentation": "https://github.com/rehome-operator/rehome/tree/main/docs",
		prefix + "licenses":      "Apache-2.0",
	}
}
