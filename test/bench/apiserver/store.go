package apiserver

import (
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Store connects to what the API server stores, behind its back. The caller closes the client.
func (s *Server) Store() (*clientv3.Client, error) {
	store, err := clientv3.New(clientv3.Config{
		Endpoints: []string{s.environment.ControlPlane.Etcd.URL.String()},
		Logger:    zap.NewNop(), // an error is returned as well
	})
	if err != nil {
		return nil, fmt.Errorf("connect to etcd: %w", err)
	}
	return store, nil
}
