package accounts_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An ID that is used again is another account: what any process has in memory of the former
// account is of no use.
func TestClientOfAnIDThatIsUsedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r, other := w.process(), w.process()
		request := func(owner, team string) accounts.Request {
			return accounts.Request{ID: "x", Owner: owner, Definition: "acme", Values: values{"apiKey": "CANARY-key", "team": connectorauth.Secret(team)}}
		}
		_, err := r.Connect(t.Context(), request("o1", "sales"))
		require.NoError(t, err)
		former, err := other.Connected(t.Context(), "x")
		require.NoError(t, err)
		_, err = r.Disconnect(t.Context(), "x")
		require.NoError(t, err)
		_, err = r.Connect(t.Context(), request("o2", "support"))
		require.NoError(t, err)
		now, err := other.Connected(t.Context(), "x")
		require.NoError(t, err)
		assert.NotSame(t, former, now, "the account has the credentials of the former account")
		given, err := other.Given(t.Context(), "x")
		require.NoError(t, err)
		assert.Equal(t, "support", given.Values["team"])
	})
}

// A new registration can be that of a Reconnect alone: Connection is told the generation.
func TestConnectionIsToldTheGeneration(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var asked []int
		given := w.config.Connection
		w.config.Connection = func(ctx context.Context, a accounts.Account) (definition.Connection, error) {
			asked = append(asked, a.Current)
			return given(ctx, a)
		}
		r := w.process()
		a := w.withConsent(r)
		assert.Equal(t, a.Current, asked[0], "Connect")
		asked = nil
		b, err := r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		assert.Equal(t, []int{b.Pending}, asked)
		asked = nil
		_, err = w.process().Client(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, []int{a.Current, a.Current}, asked, "the account goes on")
		asked = nil
		_, err = w.process().Flow(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, []int{b.Pending}, asked)
	})
}

// A new registration can be that of one method alone: Connection is told the method of the
// generation, also before the generation is in use.
func TestConnectionIsToldTheMethodOfTheGeneration(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var asked []string
		given := w.config.Connection
		w.config.Connection = func(ctx context.Context, a accounts.Account) (definition.Connection, error) {
			asked = append(asked, a.Method)
			return given(ctx, a)
		}
		r := w.process()
		a := w.withKey(r)
		assert.Equal(t, []string{"key"}, asked)
		asked = nil
		_, err := r.Reconnect(t.Context(), a.ID, accounts.Request{Method: "oauth"})
		require.NoError(t, err)
		assert.Equal(t, []string{"oauth"}, asked)
		asked = nil
		_, err = w.process().Client(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, []string{"key", "key"}, asked, "the account goes on")
		asked = nil
		require.NoError(t, w.consent(r, a.ID))
		assert.Equal(t, []string{"oauth", "oauth"}, asked[:2], "the flows")
		asked = nil
		_, err = w.process().Client(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, []string{"oauth", "oauth"}, asked)
	})
}

// A Connect that is slow does not put its credential into an account that has the ID meanwhile.
func TestSlowConnectOfAnIDThatIsUsedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r, other := w.process(), w.process()
		w.p.Inject(w.p.KeyHeaderURL, 1, authtest.Delay(5*time.Second))
		done := make(chan error)
		go func() {
			_, err := other.Connect(t.Context(), accounts.Request{ID: "x", Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key", "team": "sales"}})
			done <- err
		}()
		synctest.Wait()
		_, err := r.Disconnect(t.Context(), "x")
		require.NoError(t, err)
		_, err = r.Connect(t.Context(), accounts.Request{ID: "x", Owner: "o2", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		assert.ErrorIs(t, <-done, accounts.ErrSuperseded)
		a, err := r.Get(t.Context(), "x")
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusConnecting, a.Status)
		assert.Equal(t, "oauth", a.Method)
		require.NoError(t, w.consent(r, "x"))
		assert.Equal(t, 200, w.status(r, "x"))
	})
}

// A deletingIndex does something before it deletes an account.
type deletingIndex struct {
	accounts.Index
	before func()
}

func (i *deletingIndex) Delete(ctx context.Context, id string, version int64) (bool, error) {
	if before := i.before; before != nil {
		i.before = nil
		before()
	}
	return i.Index.Delete(ctx, id, version)
}

// Two processes disconnect an account, and the ID is used again before the slower one is done:
// the new account stays.
func TestSlowDisconnectOfAnIDThatIsUsedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		index := &deletingIndex{Index: w.index}
		w.config.Index = index
		other := w.process()
		request := accounts.Request{ID: "x", Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key"}}
		_, err := r.Connect(t.Context(), request)
		require.NoError(t, err)
		index.before = func() {
			_, err := r.Disconnect(t.Context(), "x")
			require.NoError(t, err)
			_, err = r.Connect(t.Context(), request)
			require.NoError(t, err)
		}
		_, err = other.Disconnect(t.Context(), "x")
		require.NoError(t, err)
		assert.Equal(t, 200, w.status(r, "x"))
	})
}
