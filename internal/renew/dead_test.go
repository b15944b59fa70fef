package renew_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDeadIsRememberedWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, before: always(errDead)}
		e := start(t, p, nil)
		time.Sleep(time.Hour)
		for range 1000 {
			_, err := e.Get(t.Context())
			require.ErrorIs(t, err, errDead)
			time.Sleep(time.Minute)
		}
		assert.Equal(t, 1, p.count())
		assert.Equal(t, []string{renew.ReauthRequired}, p.happened())
		p.before = nil
		require.NoError(t, e.Set(t.Context(), p.grant()))
		assert.Equal(t, 2, got(t, e))
		time.Sleep(time.Hour)
		assert.Equal(t, 3, got(t, e), "and forgotten")
	})
}

func TestDeadIsNotRenewedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, before: always(errDead)}
		e := start(t, p, nil)
		_, err := e.Replace(t.Context(), present(t, e))
		require.ErrorIs(t, err, errDead)
		time.Sleep(57 * time.Minute)
		assert.Equal(t, 1, got(t, e))
		synctest.Wait()
		assert.Equal(t, 1, p.count())
	})
}

func TestDeadIsRememberedUntilTheStoredValueChanges(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: always(errDead)}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		for range 1000 {
			_, err := e.Get(t.Context())
			require.ErrorIs(t, err, errDead)
			time.Sleep(time.Minute)
		}
		assert.Equal(t, 1, p.count())
		assert.Equal(t, []string{renew.ReauthRequired}, p.happened())
		assert.Equal(t, 1, inner.n(t), "it stays where it is")

		inner.put(p.grant()) // another process, after the owner's consent
		assert.Equal(t, 2, got(t, e))
		assert.Equal(t, []string{renew.Adopted}, p.happened())
	})
}

func TestDeadIsForgottenWhenTheStoredValueChangesToAnExpiredOne(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: first(1, errDead)}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		moved := p.grant() // good for renewal only
		moved.Expiry = moved.Issued
		inner.put(moved)
		assert.Equal(t, 3, got(t, e))
	})
}

func TestDeadIsRememberedThroughAStoreThatFails(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: always(errDead)}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		for range 10 {
			inner.before = func(string) error { return errors.New("store down") }
			_, err = e.Get(t.Context())
			require.ErrorContains(t, err, "store down")
			inner.before = nil
			_, err = e.Get(t.Context())
			require.ErrorIs(t, err, errDead)
		}
		assert.Equal(t, 1, p.count())
	})
}

func TestDeadByRejectionStopsRenewingAtOnce(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: always(errDead)}
		store, inner := open(nil)
		e := start(t, p, store)
		for range 100 {
			_, err := e.Replace(t.Context(), present(t, e))
			require.ErrorIs(t, err, errDead)
			e.ReplaceLater(t.Context(), present(t, e))
			synctest.Wait()
		}
		assert.Equal(t, 1, p.count())
		inner.put(p.grant())
		if store == inner { // a rejection looks into the store all the same
			e.ReplaceLater(t.Context(), present(t, e))
			synctest.Wait()
			assert.Equal(t, 2, got(t, e))
		}
	})
}
