package licenses

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
)

// listedPackage is a package in the output of `go list`.
type listedPackage struct {
	ImportPath string
	Dir        string
	Standard   bool
	Module     listedModule
}

// listedModule is the module of a package. Main is set for the one of the program.
type listedModule struct {
	Path string
	Dir  string
	Main bool
}

// linked lists the packages that the main package in source needs on an operating system. One entry is the standard library.
func linked(ctx context.Context, source, system string) ([]listedPackage, error) {
	out, err := run(ctx, source, system, "list", "-deps", "-json=ImportPath,Dir,Standard,Module", ".")
	if err != nil {
		return nil, err
	}
	root, err := run(ctx, source, system, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	goroot := strings.TrimSpace(string(root))
	packages := []listedPackage{{ImportPath: "std", Dir: goroot, Module: listedModule{Path: "std", Dir: goroot}}}

	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		if !p.Standard {
			packages = append(packages, p)
		}
	}
}

func run(ctx context.Context, dir, system string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system)
	cmd.Stderr = os.Stderr
	return cmd.Output()
}
