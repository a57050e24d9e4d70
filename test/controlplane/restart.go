package controlplane

import (
	"context"
	"fmt"
)

// RestartAPIServer kills the API server, as in a crash, and returns when it is ready again. Its data and its address are the same. The
// other components keep running.
func (c *ControlPlane) RestartAPIServer(ctx context.Context) error {
	if err := c.running(apiServerName).Kill(); err != nil {
		return err
	}
	if err := c.watched(ctx, starter.launchAPIServer); err != nil {
		return fmt.Errorf("restarting the API server: %w", err)
	}
	return nil
}

// running returns the last process of a component that was started.
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
