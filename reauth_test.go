package connectorauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// Every way in which a provider says that a person must act, without a word about
// it in the dialect.
func TestRefreshThatNeedsThePersonIsReauthRequired(t *testing.T) {
	for _, code := range []string{
		"invalid_grant", "interaction_required", "login_required", "consent_required", "account_selection_required",
	} {
		refuse := func(int, url.Values) (*http.Response, error) {
			return fakehttp.Respond(400, fmt.Sprintf(`{"error":%q}`, code)), nil
		}
		t.Run(code, func(t *testing.T) {
			inTime(t, &account{answer: refuse}, func(t *testing.T, a *account) {
				a.set(t)
				require.ErrorIs(t, a.connector().Renew(t.Context()), connectorauth.ErrReauthRequired)
				require.ErrorIs(t, a.connector().Renew(t.Context()), connectorauth.ErrReauthRequired)
				assert.Len(t, a.forms, 1, "remembered")
				assert.Equal(t, connectorauth.StateReauthRequired, a.status(t).State)
			})
		})
		t.Run(code+" where nobody can act", func(t *testing.T) {
			for _, grant := range []connectorauth.Grant{connectorauth.ClientCredentials{}, assertionGrant{}} {
				inTime(t, &account{answer: refuse}, func(t *testing.T, a *account) {
					a.edit = func(c *connectorauth.OAuth2Config) { c.Grant = grant }
					_, err := a.token(t)
					require.ErrorContains(t, err, code)
					require.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
					a.answer = granted
					time.Sleep(time.Hour)
					_, err = a.token(t)
					require.NoError(t, err)
				})
			}
		})
	}
	t.Run("an outage says nothing about the grant", func(t *testing.T) {
		a := &account{answer: func(int, url.Values) (*http.Response, error) {
			return fakehttp.Respond(503, `{"error":"login_required"}`), nil
		}}
		inTime(t, a, func(t *testing.T, a *account) {
			a.set(t)
			require.NotErrorIs(t, a.connector().Renew(t.Context()), connectorauth.ErrReauthRequired)
		})
	})
}

// userGrant is an assertion that stands for a user, who may have to consent at the
// provider first.
type userGrant struct{ assertionGrant }

func (userGrant) Traits() connectorauth.GrantTraits {
	return connectorauth.GrantTraits{Subject: "alice"}
}

func TestAssertionWhoseUserMustConsentIsReauthRequired(t *testing.T) {
	missing := func(int, url.Values) (*http.Response, error) {
		return fakehttp.Respond(400, `{"error":"consent_required"}`), nil
	}
	forUser := func(c *connectorauth.OAuth2Config) { c.Grant = userGrant{} }
	refused := func(t *testing.T, a *account) {
		t.Helper()
		_, err := a.token(t)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		require.ErrorContains(t, err, "consent_required")
	}
	inTime(t, &account{answer: missing, edit: forUser}, func(t *testing.T, a *account) {
		refused(t, a)
		refused(t, a)
		assert.Len(t, a.forms, 1, "remembered over connectors")
		assert.Equal(t, connectorauth.StateReauthRequired, a.status(t).State)
		assert.Contains(t, a.events.kinds(), connectorauth.EventReauthRequired)
		a.answer = granted
		require.NoError(t, a.connector().Renew(t.Context()), "the user has consented")
		assert.Equal(t, connectorauth.StateOK, a.status(t).State)
	})
	inTime(t, &account{answer: missing, edit: forUser}, func(t *testing.T, a *account) {
		refused(t, a)
		a.answer = granted // nobody has told the program
		time.Sleep(time.Hour)
		_, err := a.token(t)
		require.NoError(t, err)
	})
}

func TestAccountOwnerWhoMustActShowsWithoutAStore(t *testing.T) {
	for code, grant := range map[string]connectorauth.Grant{
		"consent_required": userGrant{}, "invalid_grant": connectorauth.PasswordCredentials{Username: "alice", Password: "old"},
	} {
		inTime(t, &account{answer: func(int, url.Values) (*http.Response, error) {
			return fakehttp.Respond(400, fmt.Sprintf(`{"error":%q}`, code)), nil
		}}, func(t *testing.T, a *account) {
			a.edit = func(c *connectorauth.OAuth2Config) { c.Grant, c.Store = grant, nil }
			c := a.connector()
			_, err := c.Token(t.Context())
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			status, err := c.Status(t.Context())
			require.NoError(t, err)
			assert.Equal(t, connectorauth.StateReauthRequired, status.State)
			assert.False(t, status.NotBefore.IsZero())
		})
	}
}

// Where no response tells when a refresh token expires, the config does.
func TestRefreshTokensOfAConfiguredLifetime(t *testing.T) {
	response := func(refresh, more string) func(int, url.Values) (*http.Response, error) {
		return func(int, url.Values) (*http.Response, error) {
			return fakehttp.Respond(200, fmt.Sprintf(`{"access_token":"a","refresh_token":%q%s}`, refresh, more)), nil
		}
	}
	const day = 24 * time.Hour
	a := &account{edit: func(c *connectorauth.OAuth2Config) { c.RefreshLifetime, c.RefreshIdle = 10*day, 4*day }}
	inTime(t, a, func(t *testing.T, a *account) {
		began := time.Now()
		renewed := func(refresh, more string) time.Duration {
			a.answer = response(refresh, more)
			require.NoError(t, a.connector().Renew(t.Context()))
			return a.status(t).ReauthBy.Sub(began)
		}
		require.NoError(t, a.connector().SetToken(t.Context(), &oauth2.Token{RefreshToken: "first"}))
		assert.Equal(t, 4*day, renewed("r1", ""))
		time.Sleep(3 * day)
		assert.Equal(t, 4*day, a.status(t).ReauthBy.Sub(began), "nobody has used the refresh token")
		assert.Equal(t, 7*day, renewed("r1", ""))
		time.Sleep(4 * day)
		assert.Equal(t, 10*day, renewed("r1", ""), "the same refresh token lasts as long as before")
		assert.Equal(t, 11*day, renewed("r2", ""), "another refresh token lasts longer")
		time.Sleep(4 * day)
		assert.Equal(t, 12*day, renewed("r3", `,"refresh_token_expires_in":86400`), "a response counts more")
	})
	_, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "c", ClientSecret: "s", TokenURL: "https://p.example/token", Grant: connectorauth.ClientCredentials{}, RefreshIdle: -1,
	})
	assert.ErrorContains(t, err, "RefreshLifetime, RefreshIdle: are not negative")
}
