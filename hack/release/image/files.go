package image

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/rehome-operator/rehome/hack/release/sbom"
)

// user is the user and group of the image. It is a number, because Kubernetes cannot check runAsNonRoot for a name.
const user = "65532"

// The only accounts. The image has no certificate authorities: the service account's volume has the API server's.
const (
	passwd = "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:" + user + ":" + user + ":nonroot:/:/sbin/nologin\n"
	group  = "root:x:0:\nnonroot:x:" + user + ":\n"
)

// systemFiles returns the files that are the same on every platform.
func systemFiles(licenses fs.FS) ([]file, error) {
	files := []file{{"etc/group", []byte(group), 0o644}, {"etc/passwd", []byte(passwd), 0o644}}
	err := fs.WalkDir(licenses, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(licenses, name)
		files = append(files, file{path.Join("licenses", name), text, 0o644})
		return err
	})
	return files, err
}

// programFiles returns a program and the list of its components, in a folder that scanners read.
func programFiles(p *program) ([]file, error) {
	binary, err := os.ReadFile(p.path)
	if err != nil {
		return nil, err
	}
	components, err := sbom.Generate(p.path)
	if err != nil {
		return nil, fmt.Errorf("list the components of %s: %w", p.path, err)
	}
	name := filepath.Base(p.path)
	return []file{{name, binary, 0o755}, {"var/lib/db/sbom/" + name + ".cdx.json", components, 0o644}}, nil
}
