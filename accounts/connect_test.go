package accounts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConnectKeepsAnAccountThatWorks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		assert.Equal(t, accounts.Account{
			ID: a.ID, Owner: "o1", Definition: "acme", Revision: 1, Method: "key", Identity: "ada", Label: "ada by ApiKey",
			Status: accounts.StatusOK, Since: a.Created, Created: time.Now().UTC(), Tested: time.Now().UTC(), Version: 2, Current: 1, Last: 1,
		}, a)
		assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, a.ID)
		for _, process := range []*accounts.Registry{r, w.process()} {
			got, err := process.Get(t.Context(), a.ID)
			require.NoError(t, err)
			assert.Equal(t, a, got)
			assert.Equal(t, 200, w.status(process, a.ID))
		}
	})
}

func TestConnectKeepsNothingOfAnAccountThatDoesNotWork(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		request := accounts.Request{ID: "mine", Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-wrong"}}
		_, err := r.Connect(t.Context(), request)
		var failed *definition.CheckError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, []string{"apiKey"}, failed.Inputs)

		request.Values = nil
		_, err = r.Connect(t.Context(), request)
		var missing *definition.InputError
		require.ErrorAs(t, err, &missing)

		request.Values = values{"apiKey": "CANARY-key"}
		w.p.Inject(w.p.KeyHeaderURL, 1, authtest.Answer(503, nil, ""))
		_, err = r.Connect(t.Context(), request)
		require.ErrorAs(t, err, &failed)
		assert.True(t, failed.Temporary())

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w.p.Inject(w.p.KeyHeaderURL, 1, authtest.Delay(time.Minute))
		_, err = r.Connect(ctx, request)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		w.empty()
		values, token := w.stored("mine/1")
		assert.False(t, values || token)
	})
}

func TestRequestsAreChecked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		_, err := r.Connect(t.Context(), accounts.Request{ID: "a/b", OtherIdentity: true})
		assert.EqualError(t, err, "accounts: Connect: Owner: is missing\nDefinition: is missing\nOtherIdentity: is for Reconnect\nID: want at most 100 letters, digits and characters of -_.:")
		_, err = r.Connect(t.Context(), accounts.Request{Owner: "o", Definition: "acne"})
		assert.ErrorContains(t, err, "did you mean acme?")
		a := w.withKey(r)
		_, err = r.Connect(t.Context(), accounts.Request{ID: a.ID, Owner: "o", Definition: "acme", Values: values{"apiKey": "CANARY-key"}})
		assert.ErrorIs(t, err, accounts.ErrExists)
		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{Owner: "o2"})
		assert.ErrorContains(t, err, "Owner")
		assert.Equal(t, 200, w.status(r, a.ID), "the account was harmed")
		_, err = accounts.New(accounts.Config{Connectors: -1})
		assert.ErrorContains(t, err, "Definitions: is missing\nIndex: is missing\nStore: is missing\nConnectors: is negative\nKeys: ", "one error names all that is missing")
	})
}

func TestConsentConnectsAnAccountInAnyProcess(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first, second, third := w.process(), w.process(), w.process()
		a, err := first.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusConnecting, a.Status)
		_, err = second.Client(t.Context(), a.ID)
		assert.ErrorIs(t, err, accounts.ErrConnecting)
		assert.ErrorIs(t, err, connectorauth.ErrNotConnected)
		_, err = second.Test(t.Context(), a.ID)
		assert.ErrorIs(t, err, accounts.ErrConnecting)

		finish, err := w.consented(second, a.ID)
		require.NoError(t, err)
		require.NoError(t, finish(third))
		a, err = first.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, a.Status)
		assert.Equal(t, "ada by OAuth2", a.Label)
		assert.Equal(t, []string{"read", "write"}, a.Granted)
		assert.Equal(t, 200, w.status(first, a.ID))
		_, err = first.Flow(t.Context(), a.ID)
		assert.ErrorIs(t, err, accounts.ErrNoConsent)
		assert.Equal(t, 1, w.p.Stats().TokenRequests)
	})
}

// The process dies, or the API does not respond, between the token and the test.
func TestConsentIsFinishedLaterByTest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		w.p.Inject(w.p.BearerURL, 1, authtest.Answer(503, nil, ""))
		var failed *definition.CheckError
		require.ErrorAs(t, w.consent(r, a.ID), &failed)
		assert.True(t, failed.Temporary())
		a, err = w.process().Test(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, a.Status)
		assert.Equal(t, 200, w.status(r, a.ID))
	})
}

func TestConsentThatDoesNotPassTheTestCanBeGivenAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		w.p.Inject(w.p.BearerURL, 1, authtest.Answer(403, nil, ""))
		var failed *definition.CheckError
		require.ErrorAs(t, w.consent(r, a.ID), &failed)
		assert.Equal(t, definition.ReasonForbidden, failed.Reason)
		_, token := w.stored(a.ID + "/1")
		assert.False(t, token)
		require.NoError(t, w.consent(r, a.ID))
		assert.Equal(t, 200, w.status(r, a.ID))
	})
}

func TestReconnectKeepsTheIDAndWhatAFormLeavesEmpty(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r, other := w.process(), w.process()
		a := w.withKey(r)
		assert.Equal(t, 200, w.status(other, a.ID))
		_, err := r.Reconnect(t.Context(), a.ID, accounts.Request{Values: values{"apiKey": "CANARY-wrong"}})
		var failed *definition.CheckError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, 200, w.status(other, a.ID), "the account was harmed")

		b, err := r.Reconnect(t.Context(), a.ID, accounts.Request{Values: values{"apiKey": "", "team": "support"}})
		require.NoError(t, err)
		assert.Equal(t, a.ID, b.ID)
		c, err := other.Connected(t.Context(), a.ID)
		require.NoError(t, err)
		text, err := c.Merge("{{team}}")
		require.NoError(t, err)
		assert.Equal(t, "support", text)
		assert.Equal(t, 200, w.status(other, a.ID))
		values, _ := w.stored(fmt.Sprintf("%s/%d", a.ID, a.Current))
		assert.False(t, values, "the former values are still in the store")
	})
}

func TestReconnectChangesTheMethod(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		b, err := r.Reconnect(t.Context(), a.ID, accounts.Request{Method: "oauth"})
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, b.Status, "the account goes on meanwhile")
		assert.Equal(t, 200, w.status(r, a.ID))
		require.NoError(t, w.consent(r, a.ID))
		b, err = r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, "oauth", b.Method)
		assert.Equal(t, 200, w.status(r, a.ID))
	})
}

func TestReconnectRefusesAnotherIdentity(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		for _, a := range []accounts.Account{w.withKey(r), w.withConsent(r)} {
			reconnect := func(other bool) error {
				b, err := r.Reconnect(t.Context(), a.ID, accounts.Request{OtherIdentity: other, Duplicate: other})
				if err == nil && b.Pending != 0 {
					err = w.consent(r, a.ID)
				}
				return err
			}
			w.user = "eve"
			require.ErrorIs(t, reconnect(false), accounts.ErrOtherIdentity)
			b, err := r.Get(t.Context(), a.ID)
			require.NoError(t, err)
			assert.Equal(t, "ada", b.Identity)
			assert.Equal(t, a.Current, b.Current)
			assert.Equal(t, 200, w.status(r, a.ID))

			require.NoError(t, reconnect(true))
			b, err = r.Get(t.Context(), a.ID)
			require.NoError(t, err)
			assert.Equal(t, "eve", b.Identity)
			assert.Equal(t, a.ID, b.ID)
			assert.Equal(t, 200, w.status(r, a.ID))
			w.user = "ada"
		}
	})
}

func TestConsentOfAnEarlierReconnectIsNoLongerGood(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withConsent(r)
		_, err := r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		finish, err := w.consented(r, a.ID)
		require.NoError(t, err)
		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		assert.Error(t, finish(r))
		assert.Equal(t, 200, w.status(r, a.ID))
		require.NoError(t, w.consent(r, a.ID))
		assert.Equal(t, 200, w.status(r, a.ID))
	})
}

func TestSecretsAreSealedAndNowhereElse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		text, found, err := w.store.Load(t.Context(), a.ID+"/1/values")
		require.NoError(t, err)
		require.True(t, found)
		assert.NotContains(t, string(text), "CANARY")
		b, err := json.Marshal(a)
		require.NoError(t, err)
		connected, err := r.Connected(t.Context(), a.ID)
		require.NoError(t, err)
		client, err := r.Client(t.Context(), a.ID)
		require.NoError(t, err)
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			assert.NotContains(t, fmt.Sprintf(format, []any{r, *client, client, connected, a, w.index, w.config}), "CANARY", format)
		}
		assert.NotContains(t, string(b), "CANARY")
	})
}
