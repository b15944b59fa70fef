package accounts_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An index whose clock is ahead of the clock of the processes.
type aheadIndex struct {
	*accounts.Memory
	ahead time.Duration
}

func (i aheadIndex) seen(a accounts.Account) accounts.Account {
	if !a.Due.IsZero() {
		a.Due = a.Due.Add(i.ahead)
	}
	return a
}

func (i aheadIndex) Get(ctx context.Context, id string) (accounts.Account, bool, error) {
	a, found, err := i.Memory.Get(ctx, id)
	return i.seen(a), found, err
}

func (i aheadIndex) Put(ctx context.Context, a accounts.Account) (bool, error) {
	if !a.Due.IsZero() {
		a.Due = a.Due.Add(-i.ahead)
	}
	return i.Memory.Put(ctx, a)
}

func (i aheadIndex) Claim(ctx context.Context, limit int, lease time.Duration) ([]accounts.Account, error) {
	claimed, err := i.Memory.Claim(ctx, limit, lease)
	for n, a := range claimed {
		claimed[n] = i.seen(a)
	}
	return claimed, err
}

// A process whose clock is days behind renews an account some times too often, and not without
// end.
func TestSweepWithASlowClockEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"revokeUrl"`, `"keepAlive": "24h", "revokeUrl"`, 1))
		w.config.Index = aheadIndex{w.index, 72 * time.Hour}
		r := w.process()
		w.withConsent(r)
		ok, failing := w.p.Stats().TokenRequests, 0
		for range 100 {
			time.Sleep(6 * time.Second)
			swept, err := r.Sweep(t.Context(), 10)
			require.NoError(t, err)
			failing += swept.Failed
		}
		assert.LessOrEqual(t, w.p.Stats().TokenRequests-ok, 5)
		assert.Zero(t, failing)
	})
}

// A lateClaims responds late to Claim, or never.
type lateClaims struct {
	accounts.Index
	late  time.Duration
	deaf  bool // does not hear that the context ends
	tries atomic.Int32
}

func (i *lateClaims) Claim(ctx context.Context, limit int, lease time.Duration) ([]accounts.Account, error) {
	claimed, err := i.Index.Claim(ctx, limit, lease)
	i.tries.Add(1)
	if i.deaf {
		time.Sleep(i.late)
		return claimed, err
	}
	select {
	case <-time.After(i.late):
		return claimed, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accounts that the index hands out so late that another process may have them are left alone.
func TestSweepLeavesLateClaimsAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"revokeUrl"`, `"keepAlive": "24h", "revokeUrl"`, 1))
		w.withConsent(w.process())
		time.Sleep(24 * time.Hour)
		requests := w.p.Stats().TokenRequests
		w.config.Index = &lateClaims{Index: w.index, late: 40 * time.Second, deaf: true}
		swept, err := w.process().Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Zero(t, swept.Renewed)
		assert.Equal(t, requests, w.p.Stats().TokenRequests)
	})
}

// An index that does not respond holds up neither Sweep nor Shutdown.
func TestSweepOfAnIndexThatDoesNotRespond(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		index := &lateClaims{Index: w.index, late: 1000 * time.Hour}
		w.config.Index = index
		r := w.process()
		began := time.Now()
		_, err := r.Sweep(t.Context(), 10)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.LessOrEqual(t, time.Since(began), 45*time.Second)
		done := make(chan error)
		go func() { done <- r.Run(t.Context()) }()
		time.Sleep(10 * time.Minute)
		assert.Greater(t, index.tries.Load(), int32(5))
		ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
		defer cancel()
		require.NoError(t, r.Shutdown(ctx))
		require.NoError(t, <-done)
	})
}

// An index that hands out accounts, and then does not respond.
type silentIndex struct{ accounts.Index }

func (silentIndex) Get(ctx context.Context, _ string) (accounts.Account, bool, error) {
	<-ctx.Done()
	return accounts.Account{}, false, ctx.Err()
}

// An index that stops responding in the middle of a Sweep does not hold up the Sweep.
func TestSweepOfAnIndexThatStopsResponding(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"revokeUrl"`, `"keepAlive": "24h", "revokeUrl"`, 1))
		w.withConsent(w.process())
		time.Sleep(24 * time.Hour)
		w.config.Index = silentIndex{w.index}
		began := time.Now()
		swept, err := w.process().Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 1, Later: 1}, swept)
		assert.LessOrEqual(t, time.Since(began), 45*time.Second)
	})
}

// A partialIndex claims accounts, and could not read others.
type partialIndex struct{ accounts.Index }

func (i partialIndex) Claim(ctx context.Context, limit int, lease time.Duration) ([]accounts.Account, error) {
	claimed, err := i.Index.Claim(ctx, limit, lease)
	return claimed, errors.Join(err, errBroken)
}

// Sweep attends to the accounts that the index could read, and tells of the others.
func TestSweepAttendsToWhatTheIndexCouldRead(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"revokeUrl"`, `"keepAlive": "24h", "revokeUrl"`, 1))
		w.withConsent(w.process())
		time.Sleep(24 * time.Hour)
		w.config.Index = partialIndex{w.index}
		swept, err := w.process().Sweep(t.Context(), 10)
		require.ErrorIs(t, err, errBroken)
		assert.Equal(t, accounts.Swept{Claimed: 1, Renewed: 1}, swept)
	})
}
