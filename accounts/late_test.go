package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A lateIndex stores an account, and the response is lost, once lost is true of the account.
type lateIndex struct {
	accounts.Index
	lost func(accounts.Account) bool
}

var errLost = errors.New("the connection to the index broke")

func (i *lateIndex) Put(ctx context.Context, a accounts.Account) (bool, error) {
	stored, err := i.Index.Put(ctx, a)
	if err == nil && stored && i.lost != nil && i.lost(a) {
		i.lost = nil
		return false, errLost
	}
	return stored, err
}

// The index has put a new credential to use, and the response is lost: the account works, and
// has the new credential.
func TestLostResponseOfTheIndexLosesNoAccount(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		index := &lateIndex{Index: w.index}
		w.config.Index = index
		r := w.process()
		commits := func(a accounts.Account) bool { return a.Current != 0 && a.Pending == 0 }
		for _, method := range []string{"key", "app"} {
			q := accounts.Request{Owner: "o1", Definition: "acme", Method: method, Duplicate: true}
			if method == "key" {
				q.Values = values{"apiKey": "CANARY-key"}
			}
			index.lost = commits
			a, err := r.Connect(t.Context(), q)
			require.NoError(t, err)
			assert.Equal(t, accounts.StatusOK, a.Status)
			assert.Equal(t, 200, w.status(w.process(), a.ID))
			index.lost = commits
			b, err := r.Reconnect(t.Context(), a.ID, accounts.Request{})
			require.NoError(t, err)
			assert.Greater(t, b.Current, a.Current)
			assert.Equal(t, 200, w.status(w.process(), a.ID))
		}
	})
}

// The index has announced a credential, and the response is lost: nothing is left.
func TestLostResponseOfTheIndexLeavesNoAccount(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		index := &lateIndex{Index: w.index}
		w.config.Index = index
		r := w.process()
		always := func(accounts.Account) bool { return true }
		for _, id := range []string{"", "own"} {
			index.lost = always
			_, err := r.Connect(t.Context(), accounts.Request{ID: id, Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key"}})
			require.ErrorIs(t, err, errLost)
			w.empty()
		}
		a := w.withKey(r)
		index.lost = always
		_, err := r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.ErrorIs(t, err, errLost)
		assert.Equal(t, 200, w.status(w.process(), a.ID))
	})
}

// A Connect whose caller leaves while the index stores the account keeps no account.
func TestConnectWhoseCallerLeavesKeepsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		index := &lateIndex{Index: w.index}
		w.config.Index = index
		r := w.process()
		ctx, cancel := context.WithCancel(t.Context())
		index.lost = func(accounts.Account) bool { cancel(); return true }
		_, err := r.Connect(ctx, accounts.Request{Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key"}})
		require.Error(t, err)
		w.empty()
	})
}

// Two processes complete one generation. The slower one fails, and ends nothing.
func TestFailureOfTheSlowerProcessEndsNoAccount(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r, other := w.process(), w.process()
		w.p.Inject(w.p.BearerURL, 1, authtest.Delay(5*time.Second), authtest.Answer(503, nil, ""))
		done := make(chan error)
		go func() {
			_, err := r.Connect(t.Context(), accounts.Request{ID: "x", Owner: "o1", Definition: "acme", Method: "app"})
			done <- err
		}()
		time.Sleep(time.Second)
		_, err := other.Test(t.Context(), "x")
		require.NoError(t, err)
		assert.NoError(t, <-done, "the account is in use")
		assert.Equal(t, 200, w.status(w.process(), "x"))
	})
}

// The index has put the token of a consent to use, and the response is lost: the consent has
// succeeded, and the account owner sees no error.
func TestLostResponseOfTheIndexFailsNoConsent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		index := &lateIndex{Index: w.index}
		w.config.Index = index
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		index.lost = func(accounts.Account) bool { return true }
		require.NoError(t, w.consent(r, a.ID))
		assert.Nil(t, index.lost)
		assert.Equal(t, 200, w.status(w.process(), a.ID))
	})
}

// A stubbornStore removes nothing.
type stubbornStore struct{ *tokenstore.Memory }

func (stubbornStore) Delete(context.Context, string) error { return errBroken }

// A credential that does not work, and cannot be removed from the store, is not forgotten: the
// account stays in the index until Sweep has removed both.
func TestCredentialThatCannotBeRemovedIsRemovedBySweep(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		healthy := w.process()
		w.config.Store = stubbornStore{w.store}
		_, err := w.process().Connect(t.Context(), accounts.Request{ID: "x", Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-other"}})
		require.ErrorAs(t, err, new(*definition.CheckError))
		a, err := healthy.Get(t.Context(), "x")
		require.NoError(t, err)
		key := fmt.Sprintf("x/%d", a.Last)
		left, _ := w.stored(key)
		require.True(t, left)
		time.Sleep(25 * time.Hour)
		swept, err := healthy.Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 1, Removed: 1}, swept)
		left, _ = w.stored(key)
		assert.False(t, left)
		w.empty()
	})
}
