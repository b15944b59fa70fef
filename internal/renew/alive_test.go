package renew_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The holder of a mark was slow. Its token is saved just before another process
// gives the account up.
func TestAccountIsNotGivenUpWhileItsTokenIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		v := p.grant()
		store := newStore(nil)
		raw, err := json.Marshal(map[string]any{
			"v": 2, "identity": "the provider", "value": v, "rotates": true, "doubt": map[string]any{"since": time.Now()},
		})
		require.NoError(t, err)
		store.set(raw)
		time.Sleep(2 * time.Hour)
		saved := false
		store.before = func(op string) error {
			if op == "swap" && !saved {
				saved = true
				store.put(p.grant())
			}
			return nil
		}
		assert.Equal(t, 2, got(t, newEngine(p, store)))
		assert.Equal(t, []string{renew.Adopted}, p.happened(), "nobody is told that the account is lost")
	})
}

func TestRenewSendsNothingForADeadCredentialWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, before: func(int) error { return errDead }}
		e := start(t, p, nil)
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		require.ErrorIs(t, e.Renew(t.Context(), p), errDead)
		assert.Equal(t, 1, p.count())
	})
}

// The provider refused a good token by mistake. An operator repairs the record.
// Processes that know of the refusal must see so.
func TestRepairedRecordIsTriedAgain(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: func(int) error { return errDead }}
		v := p.grant()
		store, inner := open(v)
		e := newEngine(p, store)
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		_, err = e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		require.Equal(t, 1, p.count())
		p.before = nil
		inner.put(v)
		assert.Equal(t, 2, got(t, e))
	})
}

// Many accounts wait for their turn when the provider asks for a pause.
func TestPauseOfAnEndpointHoldsThoseWhoWaitForATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		p := &provider{endpoint: "e", most: 1, delay: time.Second, reusable: true}
		p.before = func(int) error { return retryAfter(30 * time.Second) }
		v := p.grant()
		v.Expiry = v.Issued.Add(time.Nanosecond)
		time.Sleep(time.Second)
		for _, store := range []renew.Store{newStore(v), newStore(v), plainStore{newStore(v)}, nil} {
			e := &engine{renew.New[value](&g, store, key), p}
			if store == nil {
				require.NoError(t, e.Set(t.Context(), v))
			}
			go e.Get(t.Context())
		}
		time.Sleep(20 * time.Second)
		assert.Equal(t, 1, p.count())
		assert.Equal(t, 1, renew.Endpoints(&g))
		time.Sleep(time.Minute)
	})
}

// An early renewal has begun before the API rejects the value, and keeps the value,
// which is in doubt and not expired.
func TestRejectionDuringAnEarlyRenewalThatKeepsTheValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		store.note(t, "doubt", `{"since":"2000-01-01T00:00:00Z"}`)
		g := present(t, e)
		time.Sleep(58 * time.Minute)
		store.before = func(string) error { time.Sleep(time.Second); return nil }
		require.Same(t, g, present(t, e)) // and the early renewal begins
		next, err := e.Replace(t.Context(), g)
		require.NoError(t, err)
		assert.Equal(t, 2, next.Value.N)
	})
}

// During a deployment, a newer program has replaced the record; or the record is
// damaged. The token in memory is good.
func TestNewConnectorKeepsTheTokenInMemoryWhereTheRecordCannotBeRead(t *testing.T) {
	for name, raw := range map[string]string{"newer": `{"v":3,"value":{}}`, "damaged": "garbage"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &provider{life: time.Hour}
				store := newStore(nil)
				var group renew.Group
				first := renew.Open[value](&group, store, key, "x")
				require.NoError(t, first.Set(t.Context(), p, p.grant()))
				store.set([]byte(raw))
				g, err := renew.Open[value](&group, store, key, "x").Get(t.Context(), p)
				require.NoError(t, err)
				assert.Equal(t, 1, g.Value.N)
				time.Sleep(2 * time.Hour)
				_, err = first.Get(context.Background(), p)
				require.Error(t, err)
				require.False(t, errors.Is(err, errDead))
				assert.Empty(t, p.tried)
			})
		})
	}
}
