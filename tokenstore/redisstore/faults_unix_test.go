//go:build unix

package redisstore_test

import (
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/test/stores"
)

func TestHolderStoppedPastItsLeaseChangesNothing(t *testing.T) {
	store, other, place := open(t, 0), open(t, 0), address(t)
	t.Parallel() // the tests wait most of the time
	stores.StoppedHolder(t, store, other, place, 20*time.Second)
}

// A lock of a dead process is free within 15 seconds.
func TestLockOfAKilledHolderRunsOut(t *testing.T) {
	store, place := open(t, 0), address(t)
	t.Parallel()
	stores.KilledHolder(t, store, place, 15*time.Second)
}
