package accounts_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestImport(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		access, refresh := w.p.IssueTokens("read")
		_, other := w.p.IssueTokens("read write")
		row := func(id, method string, token *oauth2.Token) accounts.Row {
			return accounts.Row{Request: accounts.Request{ID: id, Owner: "o1", Definition: "acme", Method: method, Duplicate: true}, Token: token}
		}
		withKey := row("key", "key", nil)
		withKey.Values = values{"apiKey": "CANARY-key"}
		wrong := row("wrong", "key", &oauth2.Token{AccessToken: "CANARY"})
		wrong.Values = withKey.Values
		rows := []accounts.Row{
			row("both", "oauth", &oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(time.Hour)}),
			row("refresh", "oauth", &oauth2.Token{RefreshToken: other}),
			row("none", "oauth", nil), withKey, row("app", "app", nil),
			row("", "app", nil), row("empty", "oauth", &oauth2.Token{}), wrong, row("nokey", "key", nil),
		}
		got := map[string]accounts.Status{}
		problems := map[string]string{}
		for a, err := range r.Import(t.Context(), slices.Values(rows)) {
			if err != nil {
				problems[a.ID] = err.Error()
				continue
			}
			got[a.ID] = a.Status
		}
		assert.Equal(t, map[string]accounts.Status{
			"both": accounts.StatusOK, "refresh": accounts.StatusOK, "none": accounts.StatusConnecting, "key": accounts.StatusOK, "app": accounts.StatusOK,
		}, got)
		assert.Equal(t, map[string]string{
			"":      "accounts: Import: ID: is missing; without an ID, a second Import would connect the account twice",
			"empty": "connectorauth: SetToken: the token has neither an access token nor a refresh token",
			"wrong": "accounts: Import: Token: the method key has no token of OAuth2; leave the field empty, and give Values",
			"nokey": "definition: acme\nAPI key: is missing",
		}, problems)
		assert.Zero(t, w.p.Stats().APIAccepted+w.p.Stats().TokenRequests, "Import made a request")
		for _, id := range []string{"both", "refresh", "key", "app"} {
			assert.Equal(t, 200, w.status(r, id), id)
		}
		a, err := r.Test(t.Context(), "both")
		require.NoError(t, err)
		assert.Equal(t, "ada", a.Identity)
		require.NoError(t, w.consent(r, "none"))

		for _, err := range r.Import(t.Context(), slices.Values(rows[:5])) {
			assert.ErrorIs(t, err, accounts.ErrExists)
		}
	})
}

func TestImportIsStartedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, refresh := w.p.IssueTokens("read")
		rows := []accounts.Row{{Request: accounts.Request{ID: "a", Owner: "o1", Definition: "acme", Method: "oauth"}, Token: &oauth2.Token{RefreshToken: refresh}}}
		// A process that has died right after its first write.
		_, err := w.process().Connect(t.Context(), rows[0].Request)
		require.NoError(t, err)
		require.NoError(t, w.store.Delete(t.Context(), "a/1/values"))

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		told := 0
		for a, err := range w.process().Import(ctx, slices.Values([]accounts.Row{rows[0], rows[0]})) {
			require.ErrorIs(t, err, context.Canceled, "an import that was cut short looks like a whole one")
			assert.Equal(t, accounts.Account{ID: "a"}, a)
			told++
		}
		assert.Equal(t, 1, told, "a row after the end of the context")
		r := w.process()
		for a, err := range r.Import(t.Context(), slices.Values(rows)) {
			require.NoError(t, err)
			assert.Equal(t, accounts.StatusOK, a.Status)
		}
		assert.Equal(t, 200, w.status(r, "a"))

		rows[0].Owner = "o2"
		for _, err := range r.Import(t.Context(), slices.Values(rows)) {
			assert.ErrorIs(t, err, accounts.ErrExists)
		}
	})
}
