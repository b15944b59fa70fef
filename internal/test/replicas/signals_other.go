//go:build !unix

package replicas

import "testing"

func terminate(t *testing.T, _ *replica) { noSignals(t) }
func stop(t *testing.T, _ *replica)      { noSignals(t) }
func resume(t *testing.T, _ *replica)    { noSignals(t) }

func noSignals(t *testing.T) {
	t.Helper()
	t.Skip("this system has no signals")
}
