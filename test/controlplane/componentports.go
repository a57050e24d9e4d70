package controlplane

import "github.com/rehome-operator/rehome/test/controlplane/ports"

// componentPorts are the ports of the components. etcd has none: it serves on a socket in the data folder.
type componentPorts struct {
	apiServer, controllerManager, scheduler, kwok int
}

func reservePorts() (p componentPorts, err error) {
	for _, port := range []*int{&p.apiServer, &p.controllerManager, &p.scheduler, &p.kwok} {
		if *port, err = ports.Reserve(); err != nil {
			return p, err
		}
	}
	return p, nil
}
