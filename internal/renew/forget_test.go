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

// quotable is a provider whose values have a secret.
type quotable struct{ *provider }

func (quotable) Secrets(v *value) []string {
	if v == nil {
		return nil
	}
	return []string{"s3cr3t-token"}
}

func TestErrorsOfForgetAndKnownQuoteNoSecret(t *testing.T) {
	for _, failing := range []string{"load", "lock", "delete"} {
		t.Run(failing, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := quotable{&provider{life: time.Hour}}
				store := newStore(nil)
				e := newEngine(p, store)
				require.NoError(t, e.Set(t.Context(), p.grant()))
				store.before = func(op string) error {
					if op == failing {
						return errors.New("cannot handle s3cr3t-token")
					}
					return nil
				}
				err := e.Forget(t.Context(), p, nil)
				require.Error(t, err)
				assert.NotContains(t, err.Error(), "s3cr3t")
				if _, err := e.Known(t.Context(), p); failing == "load" {
					require.Error(t, err)
					assert.NotContains(t, err.Error(), "s3cr3t")
				}
			})
		})
	}
}

// The first use of the engine is Forget, so only the store knows the secret.
func TestForgetOfANewProcessQuotesNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := quotable{&provider{life: time.Hour}}
		store := newStore(p.grant())
		store.before = func(op string) error {
			if op == "delete" {
				return errors.New("cannot handle s3cr3t-token")
			}
			return nil
		}
		err := newEngine(p, store).Forget(t.Context(), p, nil)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "s3cr3t")
	})
}

func TestForgetThatDoesNotReturnHoldsNobodyBeyondItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		release := make(chan struct{})
		store.before = func(op string) error {
			if op == "delete" {
				<-release // whatever the context
			}
			return nil
		}
		go e.Forget(t.Context(), p, nil)
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, renew.ErrStuck)
		close(release)
	})
}

// A token could not be saved, and its saver has the lock of the account.
func TestForgetDoesNotWaitForItsOwnSaver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		down := new(atomicBool)
		down.set(true)
		store.before = failing(down, "save", "swap")
		require.Equal(t, 2, got(t, e))
		time.Sleep(3 * time.Minute)
		down.set(false)
		began := time.Now()
		require.NoError(t, e.Forget(t.Context(), p, nil))
		assert.Less(t, time.Since(began), time.Second)
		assert.Zero(t, store.n(t))
		assert.False(t, store.isLocked())
	})
}

// A panic after the request was sent leaves the credential in doubt, whatever the
// store can mark.
func TestPanicLeavesADoubtWithoutMarks(t *testing.T) {
	for name, store := range map[string]renew.Store{"none": nil, "plain": plainStore{newStore(nil)}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &provider{life: time.Hour}
				if store != nil {
					store = plainStore{newStore(nil)} // of this bubble
				}
				e := start(t, p, store)
				time.Sleep(time.Hour)
				require.Equal(t, 2, got(t, e)) // so it rotates
				time.Sleep(time.Hour)
				p.after = func(int) error { panic("the response") }
				_, err := e.Get(t.Context())
				require.ErrorContains(t, err, "panic of type string")
				p.after = nil
				time.Sleep(time.Minute)
				_, err = e.Get(t.Context())
				require.ErrorIs(t, err, errDead)
				assert.Zero(t, p.reused)
			})
		})
	}
}
