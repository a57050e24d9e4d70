package controlplane

import (
	"fmt"
	"net"
	"strconv"
)

// loopback is the only address the control plane serves on.
const loopback = "127.0.0.1"

// ports are the ports of the components. etcd has none: it serves on a socket in the data folder.
type ports struct {
	apiServer, controllerManager, scheduler, kwok int
}

// freePorts chooses free ports. It holds each until the last is chosen, so they differ.
func freePorts() (ports, error) {
	var p ports
	for _, port := range []*int{&p.apiServer, &p.controllerManager, &p.scheduler, &p.kwok} {
		l, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
		if err != nil {
			return ports{}, fmt.Errorf("looking for a free port: %w", err)
		}
		defer func() { _ = l.Close() }()
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}

// address returns the address of a component.
func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
