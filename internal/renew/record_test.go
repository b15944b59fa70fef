package renew_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An engine marks the record, loses the response, and is gone. Another process
// finds the mark.
func TestDoubt(t *testing.T) {
	for name, test := range map[string]struct {
		rotates, grace, free bool
		after                time.Duration // since the mark
		tried                []int         // what the other process sends
		err                  error
	}{
		"never seen to rotate":                {after: time.Hour, tried: []int{1}},
		"rotates":                             {rotates: true, after: time.Hour, err: errDead},
		"rotates, and the holder may live":    {rotates: true, grace: true, after: 10 * time.Second, err: errTemporary},
		"rotates, within the grace period":    {rotates: true, grace: true, after: time.Minute, tried: []int{1}},
		"rotates, and logs in without person": {rotates: true, free: true, after: time.Minute, tried: []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &provider{life: time.Hour, grace: test.grace, free: test.free}
				v := p.grant()
				store := newStore(nil)
				raw, err := json.Marshal(map[string]any{
					"v": 2, "identity": "the provider", "value": v, "rotates": test.rotates, "doubt": map[string]any{"since": time.Now().Add(time.Hour)},
				})
				require.NoError(t, err)
				store.set(raw)
				assert.Equal(t, 1, got(t, newEngine(p, store)), "the value is good")
				time.Sleep(time.Hour + test.after)
				e := newEngine(p, store)
				_, err = e.Get(t.Context())
				if test.err == nil {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, test.err)
				}
				assert.Equal(t, test.tried, p.tried)
				if errors.Is(test.err, errDead) {
					assert.ErrorContains(t, err, renew.InDoubtCode)
					_, err = newEngine(p, store).Get(t.Context())
					require.ErrorIs(t, err, errDead, "recorded")
					assert.Equal(t, []string{renew.Adopted, renew.ReauthRequired}, p.happened())
				}
			})
		})
	}
}

func TestDoubtIsSettledOnceOnly(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, grace: true}
		store, _ := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e)) // so it rotates
		p.before = always(errInDoubt)
		time.Sleep(time.Hour)
		for range 100 {
			e.Get(t.Context())
			time.Sleep(10 * time.Second)
		}
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		assert.Equal(t, []int{1, 2, 2}, p.tried, "once more")
		require.NoError(t, e.Set(t.Context(), p.grant()))
		assert.Equal(t, 3, got(t, e))
	})
}

func TestDoubtWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		e := start(t, p, nil)
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e))
		p.before = always(errInDoubt)
		time.Sleep(time.Hour)
		for range 100 {
			e.Get(t.Context())
			time.Sleep(10 * time.Second)
		}
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		assert.Equal(t, []int{1, 2}, p.tried)
	})
}

func TestDoubtLastsNoLongerBecauseAClockWasSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, grace: true}
		v := p.grant()
		store := newStore(nil)
		raw, err := json.Marshal(map[string]any{
			"v": 2, "identity": "the provider", "value": v, "rotates": true, "doubt": map[string]any{"since": time.Now().Add(25 * time.Hour)},
		})
		require.NoError(t, err)
		store.set(raw)
		time.Sleep(time.Hour)
		e := newEngine(p, store)
		_, err = e.Get(t.Context())
		require.ErrorIs(t, err, errTemporary)
		time.Sleep(36 * time.Second)
		assert.Equal(t, 2, got(t, e))
	})
}

func TestNothingIsSentWithoutAMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		var down atomicBool
		store.before = failing(&down, "mark", "swap")
		down.set(true)
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorContains(t, err, `save "alice/service" to the token store: store down`)
		assert.Zero(t, p.count())
		down.set(false)
		assert.Equal(t, 2, got(t, e), "at once")
	})
}

// The holder knows that nothing was sent, so its mark must not kill the account.
func TestMarkWhoseAnswerWasLostIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e))
		lost := false
		store.after = func(op string) error {
			if op == "mark" && !lost {
				lost = true
				return errors.New("connection reset")
			}
			return nil
		}
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorContains(t, err, "connection reset")
		assert.NotContains(t, string(store.value), `"doubt"`)
		other := newEngine(p, store)
		assert.Equal(t, 3, got(t, other))
	})
}

func TestResponseRemovesTheMark(t *testing.T) {
	for _, failure := range []error{errTemporary, errRefused, errDead} {
		synctest.Test(t, func(t *testing.T) {
			p := &provider{life: time.Hour, before: always(failure)}
			store := newStore(nil)
			e := start(t, p, store)
			time.Sleep(time.Hour)
			_, err := e.Get(t.Context())
			require.ErrorIs(t, err, failure)
			assert.NotContains(t, string(store.value), `"doubt"`)
		})
	}
}

// Two engines are two processes.
func TestDeadCostsOneRequestOverAllProcesses(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: always(errDead)}
		store, _ := open(p.grant())
		time.Sleep(time.Hour)
		for range 5 {
			_, err := newEngine(p, store).Get(t.Context())
			require.ErrorIs(t, err, errDead)
			time.Sleep(24 * time.Hour)
		}
		assert.Equal(t, 1, p.count())
		assert.Equal(t, []string{renew.ReauthRequired}, p.happened())
		p.before = nil
		require.NoError(t, newEngine(p, store).Set(t.Context(), p.grant()))
		assert.Equal(t, 2, got(t, newEngine(p, store)))
	})
}

func TestPausesHoldOverAllProcesses(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, free: true, before: always(errRefused)}
		store, _ := open(nil)
		for began := time.Now(); time.Since(began) < 24*time.Hour; time.Sleep(time.Second * 10) {
			_, err := newEngine(p, store).Get(t.Context())
			require.Error(t, err)
		}
		for i := 1; i < len(p.requests); i++ {
			pause := p.requests[i].Sub(p.requests[i-1])
			want := min(time.Minute<<min(i-1, 6), time.Hour)
			assert.GreaterOrEqual(t, pause, want*8/10, i)
			assert.LessOrEqual(t, pause, want*12/10+10*time.Second, i)
		}
		assert.Greater(t, p.count(), 20)
		p.before = nil
		time.Sleep(2 * time.Hour)
		assert.Equal(t, 1, got(t, newEngine(p, store)))
	})
}

func TestRetryAfterHoldsOverAllProcesses(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: first(1, retryAfter(10*time.Minute))}
		store, _ := open(p.grant())
		time.Sleep(time.Hour)
		_, err := newEngine(p, store).Get(t.Context())
		require.Error(t, err)
		time.Sleep(9 * time.Minute)
		_, err = newEngine(p, store).Get(t.Context())
		require.ErrorIs(t, err, errTemporary)
		assert.Equal(t, 1, p.count())
		time.Sleep(time.Minute)
		assert.Equal(t, 2, got(t, newEngine(p, store)))
	})
}

func TestRecordOfAnotherIdentityIsRefused(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, free: true, identity: "another provider"}
		store, inner := open(p.grant())
		before := string(inner.value)
		_, err := newEngine(p, store).Get(t.Context())
		require.ErrorContains(t, err, "belongs to the provider, not to another provider")
		assert.Zero(t, p.count())
		assert.Equal(t, before, string(inner.value))
		p.former = "the provider"
		assert.Equal(t, 1, got(t, newEngine(p, store)), "it has moved")
	})
}

func TestNewerRecordIsLeftAlone(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, free: true}
		store, inner := open(nil)
		newer := `{"v":3,"value":[],"doubt":"what is this"}`
		inner.set([]byte(newer))
		e := newEngine(p, store)
		_, err := e.Get(t.Context())
		require.ErrorContains(t, err, "version 3")
		require.ErrorAs(t, e.Set(t.Context(), p.grant()), new(*storeerror.Newer))
		assert.Equal(t, newer, string(inner.value))
		assert.Zero(t, p.count())
	})
}

func TestFirstVersionIsReadAndReplaced(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		v := p.grant()
		store, inner := open(nil)
		inner.set(fmt.Appendf(nil, `{"v":1,"N":1,"Issued":%q,"Expiry":%q}`, v.Issued.Format(time.RFC3339), v.Expiry.Format(time.RFC3339)))
		e := newEngine(p, store)
		assert.Equal(t, 1, got(t, e))
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e))
		assert.Contains(t, string(inner.value), `{"v":2,"identity":"the provider"`)
		assert.Equal(t, 2, inner.n(t))
	})
}

func TestDamagedRecordIsReplacedByWhoNeedsNoPerson(t *testing.T) {
	for _, damage := range []string{"", "{", "null?", `{"v":0}`, `{"v":2,"value":{"N":"x"}}`, `{"v":2,"dead":7}`} {
		kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
			p := &provider{life: time.Hour, free: true, before: first(1, errTemporary)}
			store, inner := open(nil)
			inner.set([]byte(damage))
			e := newEngine(p, store)
			_, err := e.Get(t.Context())
			require.ErrorIs(t, err, errTemporary)
			assert.Equal(t, damage, string(inner.value), "only a token replaces it")
			time.Sleep(2 * time.Second)
			assert.Equal(t, 1, got(t, e))
			assert.Equal(t, 1, inner.n(t))
			assert.Contains(t, p.happened(), renew.Failed)
		})
	}
}
