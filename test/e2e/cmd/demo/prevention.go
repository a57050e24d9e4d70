package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/rehome-operator/rehome/test/e2e/fixture"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

// prevention starts Rehome with its webhook, and then restores.
func (d *demo) prevention() []step {
	return []step{
		{"Start Rehome with its webhook", (*demo).startWebhook, nil},
		{"Restore " + backup + " as " + target + ", and wait until it is Running", (*demo).restoreRunning, (*demo).showPrevented},
	}
}

func (d *demo) startWebhook(ctx context.Context) error {
	flag, err := rehome.InstallWebhook(ctx, d.cp.Config())
	if err != nil {
		return err
	}
	_, err = rehome.Start(ctx, d.cp, d.binary, flag)
	return err
}

func (d *demo) restoreRunning(ctx context.Context) error {
	d.started = time.Now()
	if err := d.restore(ctx); err != nil {
		return err
	}
	return d.env.WaitRunning(ctx, target)
}

// showPrevented prints the result, and expects that no Pod was ever refused because of a rule.
func (d *demo) showPrevented(ctx context.Context) error {
	if err := d.showResult(ctx); err != nil {
		return err
	}
	var events corev1.EventList
	if err := d.env.Client.List(ctx, &events); err != nil {
		return err
	}
	for i := range events.Items {
		if e := &events.Items[i]; e.Reason == "FailedScheduling" && fixture.IsAboutPods(e.Message) && e.EventTime.After(d.started) {
			return fmt.Errorf("the scheduler refused Pod %s: %s", e.InvolvedObject.Name, e.Message)
		}
	}
	d.printf("The scheduler never refused a Pod because of a rule.")
	return nil
}
