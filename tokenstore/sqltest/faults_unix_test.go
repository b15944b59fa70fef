//go:build unix

package sqltest

import (
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/test/stores"
)

func TestHolderStoppedPastItsLeaseChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		stores.StoppedHolder(t, p.open(t, time.Minute), p.open(t, time.Minute), p.encode())
	})
}
