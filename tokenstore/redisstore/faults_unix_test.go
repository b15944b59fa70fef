//go:build unix

package redisstore_test

import (
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/test/stores"
)

func TestHolderStoppedPastItsLeaseChangesNothing(t *testing.T) {
	stores.StoppedHolder(t, open(t, time.Minute), open(t, time.Minute), address(t))
}

func TestLockOfAKilledHolderRunsOut(t *testing.T) {
	stores.KilledHolder(t, open(t, time.Minute), address(t), 20*childLease)
}
