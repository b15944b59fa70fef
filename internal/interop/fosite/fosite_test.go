// Package fosite_test checks OAuth2 connectors against ory/fosite, the library
// under Ory Hydra: an authorization server that nobody here wrote, strict about
// PKCE, client authentication and refresh tokens.
package fosite_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/tokenstore"
)

func TestMain(m *testing.M) {
	child.Main(replicas) // does not return in a child process
	leaktest.Main(m)
}

func TestAuthorizationCodeWithPKCE(t *testing.T) {
	s := newServer(t, settings{})
	c := newOAuth2(t, s.config(s.code()))
	s.connect(t, c)

	assert.Equal(t, answer{Client: s.clientID, User: owner, Scopes: []string{"offline", "orders"}}, s.call(t, c))
	verifiers := s.sent("authorization_code", "code_verifier")
	require.Len(t, verifiers, 1)
	assert.Len(t, verifiers[0], 43)
	assert.Equal(t, []string{redirectURL}, s.sent("authorization_code", "redirect_uri"))
}

func TestServerThatEnforcesPKCERefusesAConsentWithoutIt(t *testing.T) {
	s := newServer(t, settings{})
	grant := s.code()
	grant.DisablePKCE = true
	c := newOAuth2(t, s.config(grant))
	authURL, pending, err := c.Begin(t.Context(), redirectURL)
	require.NoError(t, err)

	err = c.Finish(t.Context(), pending, s.consent(t, authURL))
	var refused *connectorauth.TokenError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "invalid_request", refused.Code)
	assert.Empty(t, s.sent("authorization_code", "code"), "an error in the callback makes no token request")
}

func TestVerifierOfAnotherConsentIsRefused(t *testing.T) {
	s := newServer(t, settings{})
	c := newOAuth2(t, s.config(s.code()))
	authURL, _, err := c.Begin(t.Context(), redirectURL)
	require.NoError(t, err)
	callback := s.consent(t, authURL)
	otherURL, otherPending, err := c.Begin(t.Context(), redirectURL)
	require.NoError(t, err)

	// The attacker's code goes into the victim's consent, under the victim's state.
	callback.Set("state", s.consent(t, otherURL).Get("state"))
	err = c.Finish(t.Context(), otherPending, callback)
	var refused *connectorauth.TokenError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "invalid_grant", refused.Code)
	assert.Len(t, s.sent("authorization_code", "code"), 1, "a code is sent once")
}

// awkward are client credentials with the characters that clients forget to encode.
var awkward = []struct{ name, id, secret string }{
	{"reserved characters", "client", "p@ss:w/+r d&=%?~"},
	{"colon and slash in the ID", "https://app.example:8443/id", "secret"},
	{"percent escapes", "a%20b", "%41%zz%"},
	{"plus and space", "a b+c", "+ + "},
	{"quotes and backslash", `"id"`, `\"'<>;,{}|^` + "`"},
	{"longest that bcrypt takes", "client", "0123456789abcdefghijklmnopqrstuvwxyz+/ABCDEFGHIJKLMNOPQRSTUVWXYZ&=%:~!@#"},
}

func TestClientCredentials(t *testing.T) {
	for _, tc := range awkward {
		s := newServer(t, settings{clientID: tc.id, clientSecret: tc.secret})
		for name, auth := range map[string]connectorauth.ClientAuth{
			"Basic": connectorauth.ClientSecretBasic,
			"body":  connectorauth.ClientSecretPost,
		} {
			t.Run(tc.name+" in "+name, func(t *testing.T) {
				config := s.config(connectorauth.ClientCredentials{})
				config.ClientAuth = auth
				assert.Equal(t, tc.id, s.call(t, newOAuth2(t, config)).Client)
			})
		}
	}
}

func TestUnencodedBasicIsRefusedByAServerThatDecodes(t *testing.T) {
	s := newServer(t, settings{})
	config := s.config(connectorauth.ClientCredentials{})
	config.ClientAuth = connectorauth.ClientSecretBasicRaw
	err := s.fails(t, newOAuth2(t, config))
	assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired, "no account owner can help")
	assert.NotContains(t, err.Error(), s.clientSecret)
	assert.Len(t, s.sent("client_credentials", "scope"), 1, "the way of client authentication is not found out by trial")
}

func TestWrongClientSecretIsNoReasonToAskTheOwner(t *testing.T) {
	s := newServer(t, settings{})
	config := s.config(connectorauth.ClientCredentials{})
	config.ClientSecret = "wrong"
	err := s.fails(t, newOAuth2(t, config))
	var refused *connectorauth.TokenError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusUnauthorized, refused.StatusCode)
	assert.Equal(t, "invalid_client", refused.Code)
	assert.False(t, refused.Temporary())
	assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
}

func TestPassword(t *testing.T) {
	s := newServer(t, settings{})
	grant := connectorauth.PasswordCredentials{Username: owner, Password: ownerPass}
	c := newOAuth2(t, s.config(grant))
	assert.Equal(t, s.clientID, s.call(t, c).Client)

	s.dropAccessTokens(t)
	s.call(t, c)
	assert.Len(t, s.sent("password", "username"), 1)
	assert.Len(t, s.sent("refresh_token", "refresh_token"), 1, "the refresh token is used before the password")
}

func TestWrongPasswordIsForTheOwnerToMend(t *testing.T) {
	s := newServer(t, settings{})
	c := newOAuth2(t, s.config(connectorauth.PasswordCredentials{Username: owner, Password: "not this"}))
	for range 3 {
		assert.ErrorIs(t, s.fails(t, c), connectorauth.ErrReauthRequired)
	}
	assert.Len(t, s.sent("password", "username"), 1, "a dead account costs one token request")
}

func TestRefreshTokensAreRotated(t *testing.T) {
	s := newServer(t, settings{})
	c := newOAuth2(t, s.config(s.code()))
	s.connect(t, c)
	const rounds = 10
	for range rounds {
		s.dropAccessTokens(t)
		assert.Equal(t, owner, s.call(t, c).User)
	}
	requireUsedOnce(t, s, rounds)
}

func TestManyRequestsShareOneRotation(t *testing.T) {
	s := newServer(t, settings{})
	store := new(tokenstore.Memory)
	var connectors []*connectorauth.OAuth2
	for range 2 { // as two parts of a program that know nothing of each other
		config := s.config(s.code())
		config.Store, config.Account = store, "account"
		connectors = append(connectors, newOAuth2(t, config))
	}
	s.connect(t, connectors[0])
	const rounds = 5
	for range rounds {
		s.dropAccessTokens(t)
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				resp, err := connectorauth.NewClient(connectors[i%2], nil).Get(s.URL + "/api/")
				if assert.NoError(t, err) {
					assert.Equal(t, http.StatusOK, resp.StatusCode)
					resp.Body.Close()
				}
			})
		}
		all.Wait()
	}
	requireUsedOnce(t, s, rounds)
}

// requireUsedOnce checks that there was a number of refreshes, each with a
// refresh token of its own.
func requireUsedOnce(t *testing.T, s *server, refreshes int) {
	t.Helper()
	used := map[string]int{}
	for _, token := range s.sent("refresh_token", "refresh_token") {
		used[token]++
	}
	require.Len(t, s.sent("refresh_token", "refresh_token"), refreshes)
	require.Len(t, used, refreshes, "a refresh token was used twice")
}

func TestRevokedTokensAreDeadAtTheServer(t *testing.T) {
	s := newServer(t, settings{})
	store := new(tokenstore.Memory)
	config := s.config(s.code())
	config.Store, config.Account, config.RevokeURL = store, "account", s.URL+"/revoke"
	c := newOAuth2(t, config)
	s.connect(t, c)
	kept, _, err := store.Load(t.Context(), "account")
	require.NoError(t, err)
	s.call(t, c)
	wrong := config
	wrong.ClientSecret = "another"
	require.ErrorContains(t, newOAuth2(t, wrong).Revoke(t.Context()), "invalid_client")
	s.call(t, c)

	require.NoError(t, c.Revoke(t.Context()))
	status, err := c.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, connectorauth.StateNotConnected, status.State)
	require.NoError(t, store.Save(t.Context(), "account", kept)) // as a backup would
	require.ErrorIs(t, s.fails(t, newOAuth2(t, config)), connectorauth.ErrReauthRequired, "the access token is refused, and so is the refresh token")
	require.NoError(t, c.Revoke(t.Context()), "RFC 7009 section 2.2: a token that is not valid is no error")
}

func TestReuseDetectionEndsBothCopiesOfAnAccount(t *testing.T) {
	s := newServer(t, settings{})
	original, stolen := new(tokenstore.Memory), new(tokenstore.Memory)
	connector := func(store connectorauth.TokenStore) *connectorauth.OAuth2 {
		config := s.config(s.code())
		config.Store, config.Account = store, "account"
		return newOAuth2(t, config)
	}
	first := connector(original)
	s.connect(t, first)
	backup, ok, err := original.Load(t.Context(), "account")
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, stolen.Save(t.Context(), "account", backup))
	second := connector(stolen)

	s.dropAccessTokens(t)
	assert.Equal(t, owner, s.call(t, first).User)
	s.dropAccessTokens(t)
	assert.ErrorIs(t, s.fails(t, second), connectorauth.ErrReauthRequired, "its refresh token was used by the first")
	assert.ErrorIs(t, s.fails(t, first), connectorauth.ErrReauthRequired, "fosite has revoked the whole family")

	before := len(s.sent("refresh_token", "refresh_token"))
	assert.Equal(t, 3, before)
	for range 5 {
		s.fails(t, first)
		s.fails(t, second)
	}
	assert.Len(t, s.sent("refresh_token", "refresh_token"), before, "a dead account makes no more token requests")

	s.connect(t, first)
	assert.Equal(t, owner, s.call(t, first).User, "another consent brings the account back")
}
