package renew_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slowAfter is a store whose Load takes as long as its context, after some quick ones.
type slowAfter struct {
	*tokenstore.Memory
	quick atomic.Int64
}

func (s *slowAfter) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if s.quick.Add(-1) < 0 {
		<-ctx.Done()
	}
	return s.Memory.Load(ctx, key)
}

// Shutdown cuts off what looks into the store before a token request. That is Shutdown's
// doing, and not a failure of the store.
func TestShutdownWhileTheStoreIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for quick := int64(1); quick < 4; quick++ { // the first look is not cut off
			var g renew.Group
			store, p := &slowAfter{Memory: new(tokenstore.Memory)}, &provider{life: time.Minute}
			store.quick.Store(1000)
			e := renew.Open[value](&g, store, "account", "identity")
			require.NoError(t, e.Set(t.Context(), p, p.grant()))
			time.Sleep(2 * time.Minute)
			store.quick.Store(quick)
			failed := make(chan error, 1)
			go func() { failed <- e.Renew(t.Context(), p) }()
			synctest.Wait()
			require.NoError(t, g.Shutdown(t.Context()))
			if err := <-failed; err != nil {
				assert.ErrorIs(t, err, renew.ErrShutdown, "after %d looks", quick)
			}
		}
	})
}
