package controlplane

import (
	"context"
	"fmt"
)

// RestartAPIServer kills the API server, as a crash would, and returns when it is ready again, with the same data and at the
// same address. Everything else goes on.
func (c *ControlPlane) RestartAPIServer(ctx context.Context) error {
	if err := c.running(apiServerName).Kill(); err != nil {
		return err
	}
	if err := c.watched(ctx, starter.launchAPIServer); err != nil {
		return fmt.Errorf("restarting the API server: %w", err)
	}
	return nil
}

// running is the process of a component, which was started.
func (c *ControlPlane) running(name string) *Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	var last *Process
	for _, p := range c.components {
		if p.name == name {
			last = p
		}
	}
	return last
}
