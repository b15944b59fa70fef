package renew_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (e *engine) Add(ctx context.Context, v *value) (bool, error) { return e.Engine.Add(ctx, e.p, v) }

func TestAddSparesWhatIsThere(t *testing.T) {
	tests := map[string]struct {
		record string // the stored record; empty: none
		added  bool
		err    string
	}{
		"nothing":           {"", true, ""},
		"no value":          {`{"v":2,"identity":"the provider","dead":` + deadNote + `}`, true, ""},
		"a value":           {`{"v":2,"identity":"the provider","value":{"N":7}}`, false, ""},
		"a dead value":      {`{"v":2,"identity":"the provider","value":{"N":7},"dead":` + deadNote + `}`, false, ""},
		"a void value":      {`{"v":2,"identity":"the provider","value":{"N":7},"dead":{"code":"x","since":"2000-01-01T00:00:00Z","void":true}}`, false, ""},
		"another login":     {`{"v":2,"identity":"the provider","login":"other","value":{"N":7}}`, false, ""},
		"another client":    {`{"v":2,"identity":"another","value":{"N":7}}`, false, "another"},
		"a later version":   {`{"v":99}`, false, "version 99"},
		"a damaged record":  {`{"v":`, false, "damaged"},
		"an unknown record": {`{"v":1,"N":7}`, false, ""}, // of version 1
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
				p := &provider{life: time.Hour, login: "mine"}
				store, shared := open(nil)
				if test.record != "" {
					shared.set([]byte(test.record))
				}
				before, _, _ := shared.Load(t.Context(), key)
				e := newEngine(p, store)
				added, err := e.Add(t.Context(), p.grant())
				assert.Equal(t, test.added, added)
				if test.err != "" {
					require.ErrorContains(t, err, test.err)
				} else {
					require.NoError(t, err)
				}
				if after, _, _ := shared.Load(t.Context(), key); !test.added {
					assert.Equal(t, string(before), string(after))
					assert.Empty(t, p.happened())
					return
				}
				assert.Equal(t, []string{renew.Saved}, p.happened())
				assert.Equal(t, 1, got(t, e))
				assert.Equal(t, 1, got(t, newEngine(p, store)), "the store has the value")
				added, err = e.Add(t.Context(), p.grant())
				require.NoError(t, err)
				assert.False(t, added, "a second time")
				assert.Equal(t, 1, got(t, e))
			})
		})
	}
}

func TestAddSparesARecordOfAGrantThatNeedsNobody(t *testing.T) {
	p := &provider{life: time.Hour, free: true}
	store := newStore(nil)
	store.set([]byte("damaged"))
	added, err := newEngine(p, store).Add(t.Context(), p.grant())
	require.NoError(t, err)
	assert.False(t, added, "the next renewal replaces the record")
}

func TestAddWithoutAStore(t *testing.T) {
	p := &provider{life: time.Hour}
	e := newEngine(p, nil)
	for _, want := range []bool{true, false} {
		added, err := e.Add(t.Context(), p.grant())
		require.NoError(t, err)
		assert.Equal(t, want, added)
		assert.Equal(t, 1, got(t, e))
	}
}

// Two processes add at one time: each has looked before the other has stored.
func TestOfTwoProcessesOneAdds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		first, second := newEngine(p, store), newEngine(p, store)
		other := p.grant()
		store.before = func(op string) error {
			if op == "swap" {
				store.before = nil
				added, err := second.Add(t.Context(), other)
				require.NoError(t, err)
				require.True(t, added)
			}
			return nil
		}
		added, err := first.Add(t.Context(), p.grant())
		require.NoError(t, err)
		assert.False(t, added)
		assert.Equal(t, other.N, store.n(t))
		assert.Equal(t, other.N, got(t, first))
	})
}

func TestAddAfterAnErrorCanBeRepeated(t *testing.T) {
	for _, lost := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := &provider{life: time.Hour}
			store := newStore(nil)
			fail := func(op string) error {
				if op == "swap" {
					return errors.New("store down")
				}
				return nil
			}
			if lost {
				store.after = fail // the value is there
			} else {
				store.before = fail
			}
			e, v := newEngine(p, store), p.grant()
			added, err := e.Add(t.Context(), v)
			require.ErrorContains(t, err, "store down")
			assert.False(t, added)
			store.before, store.after = nil, nil
			added, err = e.Add(t.Context(), v)
			require.NoError(t, err)
			assert.Equal(t, !lost, added)
			assert.Equal(t, 1, got(t, e))
			assert.Equal(t, 1, store.n(t))
		})
	}
}

// The store has not taken the token of a consent so far: the account has a token.
func TestAddSparesAValueThatIsBeingSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		down := new(atomicBool)
		down.set(true)
		store.before = failing(down, "save", "swap")
		e := newEngine(p, store)
		require.Error(t, e.Set(t.Context(), p.grant()))
		added, err := e.Add(t.Context(), p.grant())
		require.NoError(t, err)
		assert.False(t, added)
		down.set(false)
		time.Sleep(time.Minute)
		assert.Equal(t, 1, store.n(t))
	})
}

// Another process has forgotten the account, of which the engine has a value in memory.
func TestAddReplacesAValueThatTheStoreHasNoMore(t *testing.T) {
	p := &provider{life: time.Hour}
	store := newStore(nil)
	e := start(t, p, store)
	require.NoError(t, store.Delete(t.Context(), key))
	added, err := e.Add(t.Context(), p.grant())
	require.NoError(t, err)
	assert.True(t, added)
	assert.Equal(t, 2, got(t, e))
	assert.Equal(t, 2, store.n(t))
}

func TestErrorsOfAddQuoteNoSecret(t *testing.T) {
	p := quotable{&provider{life: time.Hour}}
	for _, failing := range []string{"load", "swap"} {
		store := newStore(nil)
		store.before = func(op string) error {
			if op == failing {
				return errors.New("cannot handle s3cr3t-token")
			}
			return nil
		}
		_, err := newEngine(p, store).Engine.Add(t.Context(), p, p.grant())
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "s3cr3t")
	}
	_, err := newEngine(p, panicking{newStore(nil)}).Engine.Add(t.Context(), p, p.grant())
	require.ErrorContains(t, err, "panic")
}

// panicking is a store whose Load panics.
type panicking struct{ *sharedStore }

func (panicking) Load(context.Context, string) ([]byte, bool, error) { panic("s3cr3t-token") }

func TestAddOfAValueThatCannotBeEncoded(t *testing.T) {
	p := &provider{life: time.Hour}
	v := p.grant()
	v.Damage = "cannot encode"
	added, err := newEngine(p, newStore(nil)).Add(t.Context(), v)
	require.ErrorContains(t, err, "cannot encode")
	assert.False(t, added)
}
