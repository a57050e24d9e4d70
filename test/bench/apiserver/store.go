package apiserver

import (
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Store returns a client of the API server's etcd. The caller closes it.
func (s *Server) Store() (*clientv3.Client, error) {
	store, err := clientv3.New(clientv3.Config{
		Endpoints: []string{s.environment.ControlPlane.Etcd.URL.String()},
		Logger:    zap.NewNop(), // Errors are returned, too.
	})
	if err != nil {
		return nil, fmt.Errorf("connect to etcd: %w", err)
	}
	return store, nil
}
