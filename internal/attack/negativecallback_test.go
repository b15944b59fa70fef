package attack_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

const negativeRedirect = "http://127.0.0.1/callback"

// negativeCode returns a provider that sends iss, and the config of a client that needs a
// consent, which uses no other client's flights.
func negativeCode(t *testing.T, config authtest.Config) (*authtest.Provider, connectorauth.OAuth2Config) {
	t.Helper()
	config.InMemory, config.SendIssuer = true, true
	p := authtest.New(config)
	t.Cleanup(p.Close)
	c := oauth2Config(p, p.Client(), connectorauth.AuthorizationCode{
		AuthURL: p.AuthURL, Issuer: p.URL, PushedAuthorizationRequestURL: p.PushedAuthorizationRequestURL,
	})
	c.Shared, c.Scopes = new(connectorauth.Shared), []string{"read"}
	return p, c
}

// negativeConnect leads the account owner through a consent.
func negativeConnect(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth2) error {
	t.Helper()
	authURL, pending, err := c.Begin(t.Context(), negativeRedirect)
	require.NoError(t, err)
	callback, err := p.Authorize(authURL)
	require.NoError(t, err)
	return c.Finish(t.Context(), pending, callback.Query())
}

// The names of these and the next tests are those of docs/negative.md. A callback that is
// refused costs no token request.
func TestNegativeCallbacks(t *testing.T) {
	set := func(name, value string) func(url.Values) {
		return func(v url.Values) { v.Set(name, value) }
	}
	del := func(name string) func(url.Values) {
		return func(v url.Values) { v.Del(name) }
	}
	only := func(pairs ...string) func(url.Values) {
		return func(v url.Values) {
			state, iss := v.Get("state"), v.Get("iss")
			clear(v)
			v.Set("state", state)
			v.Set("iss", iss)
			for i := 0; i < len(pairs); i += 2 {
				v.Set(pairs[i], pairs[i+1])
			}
		}
	}
	for _, test := range []struct {
		name string
		edit func(url.Values)
		want string // part of the error; empty: the consent is finished
		code string // of the TokenError
	}{
		{"invalid-authorization-response-iss", set("iss", "https://another.example"), "RFC 9207", ""},
		{"remove-authorization-response-iss", del("iss"), "iss", ""},
		{"ensure-authorization-response-with-invalid-state-fails", set("state", "another"), "state", ""},
		{"ensure-authorization-response-with-invalid-missing-state-fails", del("state"), "state", ""},
		{"callback: state twice", func(v url.Values) { v["state"] = append(v["state"], v.Get("state")) }, "state", ""},
		{"callback: a JARM response", func(v url.Values) { clear(v); v.Set("response", "e30.e30.") }, "state", ""},
		{"callback: id_token alone", only("id_token", "e30.e30."), "code", ""},
		{"callback: access_token alone", only("access_token", "evil", "token_type", "Bearer"), "code", ""},
		{"callback: id_token and access_token beside the code", func(v url.Values) { v.Set("id_token", "e30.e30."); v.Set("access_token", "evil") }, "", ""},
		{"callback: access_denied", only("error", "access_denied"), "access_denied", "access_denied"},
		{"form-post-error", only("error", "login_required"), "login_required", "login_required"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, config := negativeCode(t, authtest.Config{})
			p.Inject(p.AuthURL, authtest.Always, authtest.EditCallback(test.edit))
			c := must(connectorauth.NewOAuth2(config))
			err := negativeConnect(t, p, c)
			if test.want == "" {
				require.NoError(t, err)
				token, err := c.Token(t.Context())
				require.NoError(t, err)
				assert.NotEqual(t, "evil", token.AccessToken)
				return
			}
			require.ErrorContains(t, err, test.want)
			requireHarmless(t, err)
			failed := new(connectorauth.TokenError)
			if test.code != "" {
				require.ErrorAs(t, err, &failed)
				assert.Equal(t, test.code, failed.Code)
			}
			assert.Empty(t, p.Requests(p.TokenURL))
			_, err = c.Token(t.Context())
			require.ErrorIs(t, err, connectorauth.ErrNotConnected)
		})
	}
}

// A server that has not promised an iss, and sends that of another.
func TestNegativeIssuerThatNobodyPromised(t *testing.T) {
	for name, optional := range map[string]bool{"callback: an iss that was not promised": true, "callback: an iss without an Issuer": false} {
		t.Run(name, func(t *testing.T) {
			p, config := negativeCode(t, authtest.Config{})
			grant := connectorauth.AuthorizationCode{AuthURL: p.AuthURL}
			if optional {
				grant.Issuer, grant.IssuerOptional = p.URL, true
			}
			config.Grant = grant
			c := must(connectorauth.NewOAuth2(config))
			p.Inject(p.AuthURL, 2, authtest.EditCallback(func(v url.Values) { v.Set("iss", "https://another.example") }))
			require.ErrorContains(t, negativeConnect(t, p, c), "RFC 9207")
			assert.Empty(t, p.Requests(p.TokenURL))
			p.Inject(p.AuthURL, 2, authtest.EditCallback(func(v url.Values) { v.Del("iss") }))
			require.NoError(t, negativeConnect(t, p, c), "no iss is fine then")
		})
	}
}
