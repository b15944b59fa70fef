package lease_test

import (
	"context"
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

// A store is the one in the documentation of the package.
type store struct{ rows *database }

func (s *store) take(_ context.Context, key, owner string) (bool, error) {
	return s.rows.take(key, owner, false), nil
}

func (s *store) prolong(_ context.Context, key, owner string) (bool, error) {
	return s.rows.take(key, owner, true), nil
}

func (s *store) release(_ context.Context, key, owner string) error {
	s.rows.release(key, owner)
	return nil
}

func (s *store) Lock(ctx context.Context, key string) (tokenstore.Lease, error) {
	owner := rand.Text()
	for {
		taken := time.Now() // of this attempt, before the database grants the lock
		free, err := s.take(ctx, key, owner)
		if err != nil {
			return nil, err
		}
		if free {
			return lease.Keep(ctx, taken, lease.Config{
				Length:  lease.Length,
				Prolong: func(ctx context.Context) (bool, error) { return s.prolong(ctx, key, owner) },
				Release: func(ctx context.Context) error { return s.release(ctx, key, owner) },
			}), nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// The Lock of the documentation counts from the moment of the grant, however long a caller has
// waited.
func TestLockOfTheDocumentationAfterALongWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{&database{locks: map[string]row{}}}
		first, err := s.Lock(t.Context(), "alice")
		require.NoError(t, err)
		time.AfterFunc(10*lease.Length, first.Unlock)
		second, err := s.Lock(t.Context(), "alice")
		require.NoError(t, err)
		defer second.Unlock()
		time.Sleep(10 * lease.Length)
		assert.NoError(t, second.Check(t.Context()))
	})
}
