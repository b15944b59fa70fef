// Package temporal keeps accounts alive by a schedule of Temporal. Each worker registers KeepAlive
// and an Activities with the Registry of the process, and calls Registry.Shutdown after the worker
// has stopped.
//
// The module has a workspace of its own, so the folder matters:
//
//	cd examples/temporal
//	go test .
package temporal

import (
	"context"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Activities have what the workflow calls.
type Activities struct{ Registry *accounts.Registry }

// Sweep looks at up to 1,000 accounts.
func (a *Activities) Sweep(ctx context.Context) (accounts.Swept, error) {
	return a.Registry.Sweep(ctx, 1000)
}

// KeepAlive sweeps until fewer accounts are due than one Sweep takes.
func KeepAlive(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1}, // the schedule tries again
	})
	for {
		var swept accounts.Swept
		if err := workflow.ExecuteActivity(ctx, (*Activities).Sweep).Get(ctx, &swept); err != nil || swept.Claimed < 1000 {
			return err
		}
	}
}

// Schedule begins KeepAlive each minute, and skips a minute in which KeepAlive still runs. Call
// Schedule once, as in a migration: a second call is an error.
func Schedule(ctx context.Context, c client.Client) error {
	_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID:      "accounts",
		Spec:    client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: time.Minute}}},
		Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP,
		Action:  &client.ScheduleWorkflowAction{Workflow: KeepAlive, TaskQueue: "accounts"},
	})
	return err
}
