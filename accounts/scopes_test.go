package accounts_test

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked returns the scopes for which a consent asks.
func (w *world) asked(r *accounts.Registry, id string) string {
	w.Helper()
	flow, err := r.Flow(w.Context(), id)
	require.NoError(w, err)
	authURL, _, err := flow.Begin(w.Context(), "http://127.0.0.1/callback")
	require.NoError(w, err)
	u, err := url.Parse(authURL)
	require.NoError(w, err)
	return u.Query().Get("scope")
}

// The account tells which scopes are missing, and a Reconnect asks for them.
func TestMissingScopesAreAskedForAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		w.p.Inject(w.p.TokenURL, 1, authtest.EditAnswer(func(response map[string]any) { response["scope"] = "read" }))
		a := w.withConsent(r)
		assert.Equal(t, []string{"read"}, a.Granted)
		assert.Equal(t, []string{"write"}, a.Missing)
		_, err := r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		assert.Equal(t, "read write", w.asked(r, a.ID))
		require.NoError(t, w.consent(r, a.ID))
		a, err = r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, []string{"read", "write"}, a.Granted)
		assert.Empty(t, a.Missing)
	})
}

// A part of the program that needs a further scope asks for it, once the account owner wants it.
func TestMoreScopesAreAskedForBesideThoseOfTheAccount(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `["read", "write"]`, `[{"name": "read", "default": true}, "write", "admin"]`, 1))
		r := w.process()
		a := w.withConsent(r)
		more := func(scopes ...string) string {
			_, err := r.Reconnect(t.Context(), a.ID, accounts.Request{MoreScopes: scopes})
			require.NoError(t, err)
			return w.asked(r, a.ID)
		}
		assert.Equal(t, "read write", more("write"))
		require.NoError(t, w.consent(r, a.ID))
		assert.Equal(t, "read write admin", more("admin", "read"))
		require.NoError(t, w.consent(r, a.ID))
		_, err := r.Reconnect(t.Context(), a.ID, accounts.Request{MoreScopes: []string{"amdin"}})
		assert.ErrorContains(t, err, `"amdin" is no scope of method oauth`)
		_, err = r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", MoreScopes: []string{"admin"}})
		assert.ErrorContains(t, err, "MoreScopes: are for Reconnect")

		w.define(document) // which asks for all its scopes by default
		a = w.withConsent(r)
		assert.Equal(t, "read write", more("write"))
	})
}

// A renewal that grants less is seen by Sweep.
func TestSweepSeesScopes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"revokeUrl"`, `"keepAlive": "24h", "revokeUrl"`, 1))
		r := w.process()
		a := w.withConsent(r)
		time.Sleep(24 * time.Hour)
		w.p.Inject(w.p.TokenURL, 1, authtest.EditAnswer(func(response map[string]any) { response["scope"] = "read" }))
		_, err := r.Sweep(t.Context(), 10)
		require.NoError(t, err)
		a, err = r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, []string{"write"}, a.Missing)
	})
}

// A program finds the accounts whose owners must connect again soon, once renewals do not
// help. Accounts whose refresh tokens are replaced are not among them.
func TestAccountsThatMustBeConnectedAgainSoon(t *testing.T) {
	const week = 7 * 24 * time.Hour
	for lifetime, soon := range map[string]bool{"15h": false, "480h": true} {
		inWorld(t, func(t *testing.T, w *world) {
			w.define(strings.Replace(document, `"revokeUrl"`, `"refreshIdle": "15h", "revokeUrl"`, 1))
			end := time.Now().Add(479 * time.Hour) // of the grant, whatever is renewed
			if soon {
				w.define(document)
				w.p.Inject(w.p.TokenURL, authtest.Always, authtest.EditAnswer(func(response map[string]any) {
					response["refresh_token_expires_in"] = int(time.Until(end).Seconds()) + rand.IntN(5)
				}))
			}
			r := w.process()
			a := w.withConsent(r)
			require.NotZero(t, a.ReauthBy)
			var days []int
			for day := range 20 {
				for b, err := range r.All(t.Context(), accounts.Filter{Owner: "o1"}) {
					require.NoError(t, err)
					if b.ReauthWithin(week) {
						days = append(days, day)
						assert.True(t, b.Final)
					}
				}
				for range 24 {
					time.Sleep(time.Hour)
					_, err := r.Sweep(t.Context(), 10)
					require.NoError(t, err)
				}
			}
			if !soon {
				assert.Empty(t, days, lifetime)
				return
			}
			assert.Equal(t, []int{13, 14, 15, 16, 17, 18, 19}, days)
			end = time.Now().Add(479 * time.Hour)
			_, err := r.Reconnect(t.Context(), a.ID, accounts.Request{})
			require.NoError(t, err)
			require.NoError(t, w.consent(r, a.ID))
			a, err = r.Get(t.Context(), a.ID)
			require.NoError(t, err)
			assert.False(t, a.Final, "the new token may be another matter")
		})
	}
}

// All has every account, over pages.
func TestAllHasEveryAccount(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for i := range 1203 {
			_, err := w.index.Put(t.Context(), accounts.Account{ID: strings.Repeat("a", i%7+1) + url.QueryEscape(time.Unix(int64(i), 0).String()), Owner: "o1"})
			require.NoError(t, err)
		}
		r, got := w.process(), map[string]bool{}
		for a, err := range r.All(t.Context(), accounts.Filter{Owner: "o1"}) {
			require.NoError(t, err)
			got[a.ID] = true
		}
		assert.Len(t, got, 1203)
		for range r.All(t.Context(), accounts.Filter{}) {
			break
		}
		for range r.All(t.Context(), accounts.Filter{Owner: "o2"}) {
			assert.Fail(t, "an account of nobody")
		}
	})
}

// An account that is on its way out, or is late already, is none to write to its owner about.
func TestReauthWithinIsForAccountsThatWork(t *testing.T) {
	for status, want := range map[accounts.Status]bool{
		accounts.StatusOK: true, accounts.StatusFailing: true, accounts.StatusReauthRequired: false, accounts.StatusDisconnected: false,
	} {
		a := accounts.Account{Status: status, Final: true, ReauthBy: time.Now()}
		assert.Equal(t, want, a.ReauthWithin(time.Hour), status)
	}
}
