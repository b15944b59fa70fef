//go:build unix

package sqltest

import (
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/test/stores"
)

func TestHolderStoppedPastItsLeaseChangesNothing(t *testing.T) {
	eachTogether(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		store, other := p.open(t, 0), p.open(t, 0)
		stores.StoppedHolder(t, store, other, p.encode(), 20*time.Second)
	})
}
