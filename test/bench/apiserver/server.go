// Package apiserver runs an API server without controllers, with the CRDs of KubeBlocks and Rehome, and runs programs against it.
package apiserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	rehometesting "github.com/rehome-operator/rehome/pkg/testing"
	"github.com/rehome-operator/rehome/test/controlplane/assets"
	"github.com/rehome-operator/rehome/test/controlplane/repository"
)

// quota is etcd's limit in bytes. No benchmark reaches it.
const quota = "8589934592"

// Server is a running API server.
type Server struct {
	environment *envtest.Environment
	dir         string // Of its files.
}

// Start starts an API server with an audit log of Rehome's requests. The caller stops it.
func Start() (*Server, error) {
	programs, err := assets.Dir()
	if err != nil {
		return nil, err
	}
	root, err := repository.Root()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "rehome-bench-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, environment: &envtest.Environment{
		BinaryAssetsDirectory: programs,
		CRDs:                  rehometesting.V10().CRDs(),
		CRDDirectoryPaths:     []string{filepath.Join(root, "config", "crd")},
		ErrorIfCRDPathMissing: true,
		UseExistingCluster:    ptr.To(false),

		ControlPlaneStartTimeout: rehometesting.StartTimeout,
		ControlPlaneStopTimeout:  stopTimeout,
	}}
	if err := s.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start an API server: %w", err), s.Stop())
	}
	return s, nil
}

func (s *Server) start() error {
	plane := &s.environment.ControlPlane
	plane.Etcd = &envtest.Etcd{}
	plane.Etcd.Configure().Set("quota-backend-bytes", quota)
	if err := s.audit(plane.GetAPIServer().Configure()); err != nil {
		return err
	}
	_, err := s.environment.Start()
	return err
}

// Stop stops the API server and removes its files.
func (s *Server) Stop() error { return errors.Join(s.environment.Stop(), os.RemoveAll(s.dir)) }

// Config returns a copy of an administrator's client configuration, without a limit of requests.
func (s *Server) Config() *rest.Config {
	config := rest.CopyConfig(s.environment.Config)
	config.QPS = -1
	return config
}

// Kubeconfig writes an administrator's kubeconfig and returns its path. Stop removes it.
func (s *Server) Kubeconfig() (string, error) {
	return s.write("admin.kubeconfig", s.environment.KubeConfig)
}

// write writes a file that Stop removes, and returns its path.
func (s *Server) write(name string, content []byte) (string, error) {
	path := filepath.Join(s.dir, name)
	return path, os.WriteFile(path, content, 0o600)
}
