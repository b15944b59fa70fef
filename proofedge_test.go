package connectorauth_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// typedProof is a Proof with token types of its own.
type typedProof struct {
	ownProof
	types []string
}

func (p typedProof) TokenTypes() []string { return p.types }

// keylessProof is a Proof that has a key for all accounts.
type keylessProof struct{ typedProof }

func (keylessProof) NewKey() (connectorauth.Secret, error) { return "", nil }

// The refresh token of a public client is bound to the key: nothing is sent without the key.
// Whoever authenticates, and whoever has no bound token, asks the provider.
func TestProofThatIsGoneFromTheConfig(t *testing.T) {
	pop := typedProof{ownProof(func(*http.Request) error { return nil }), []string{"PoP"}}
	for name, test := range map[string]struct {
		kind   string // of the token
		change func(*config2)
		sends  int
	}{
		"a public client":             {"PoP", func(*config2) {}, 0},
		"no secret":                   {"PoP", func(c *config2) { c.ClientAuth = connectorauth.ClientAuthNone }, 0},
		"a secret":                    {"PoP", func(c *config2) { c.ClientSecret = clientSecret }, 1},
		"a certificate":               {"PoP", func(c *config2) { c.ClientAuth = connectorauth.ClientAuthTLS }, 1},
		"a Bearer token":              {"Bearer", func(*config2) {}, 1},
		"a Proof that lacks the key":  {"PoP", func(c *config2) { c.Proof = pop }, 0},
		"a Proof of another kind":     {"PoP", func(c *config2) { c.Proof = ownProof(pop.ownProof) }, 1},
		"a Proof, and a Bearer token": {"Bearer", func(c *config2) { c.Proof = ownProof(pop.ownProof) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			kind, sends := test.kind, 0
			base := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
				sends++
				return fakehttp.Respond(200, `{"access_token":"access","refresh_token":"refresh","expires_in":3600,"token_type":"`+kind+`"}`), nil
			})
			config := config2{
				ClientID: "client", TokenURL: "https://login.example.test/token", Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/a"},
				Store: new(tokenstore.Memory), Account: "alice", Shared: new(connectorauth.Shared), HTTPClient: &http.Client{Transport: base},
			}
			before := config
			if kind != "Bearer" {
				before.Proof = keylessProof{pop}
			}
			c := must(connectorauth.NewOAuth2(before))
			authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
			require.NoError(t, err)
			callback := url.Values{"code": {"code"}, "state": {must(url.Parse(authURL)).Query().Get("state")}}
			require.NoError(t, c.Finish(t.Context(), pending, callback))
			config.Shared = new(connectorauth.Shared)
			test.change(&config)
			sends, kind = 0, "Bearer"
			err = must(connectorauth.NewOAuth2(config)).Renew(t.Context())
			assert.Equal(t, test.sends, sends)
			if test.sends == 0 {
				require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
				assert.ErrorContains(t, err, "get back its Proof")
			}
		})
	}
}

// A token_type has any letter case, and what is no type is not quoted.
func TestTokenTypesOfProofs(t *testing.T) {
	pop := typedProof{ownProof(func(*http.Request) error { return nil }), []string{"PoP"}}
	set := func(config config2, kind string) (*connectorauth.OAuth2, error) {
		config.ClientID, config.TokenURL, config.Shared = "client", "https://login.example.test/token", new(connectorauth.Shared)
		config.Grant = connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/a"}
		c := must(connectorauth.NewOAuth2(config))
		return c, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "secret-token", TokenType: kind, Expiry: time.Now().Add(time.Hour)})
	}
	_, err := set(config2{}, "bEARER")
	require.NoError(t, err)
	_, err = set(config2{}, "N_A")
	require.ErrorContains(t, err, "N_A")
	_, err = set(config2{}, "a-type-of-17-byte")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "a-type-of-17-byte")
	_, err = set(config2{Proof: pop, Dialect: dialect.OAuth2{Response: dialect.Response{AnyTokenType: true}}}, "Other")
	require.ErrorContains(t, err, `"Other", not PoP`, "a Proof takes its own types alone")
}

// Asking leaves the hooks of a connector where they are.
func TestAskingKeepsHooks(t *testing.T) {
	c := must(connectorauth.NewOAuth2(config2{
		ClientID: "c", TokenURL: "https://p.example/t", Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/a?a=%7e"},
	}))
	hooked := connectorauth.WithHooks(c, connectorauth.Hooks{BeforeAuthorize: func(_ context.Context, u *url.URL) error {
		u.RawQuery += "&hook=1"
		return nil
	}}).(*connectorauth.OAuth2)
	authURL, _, err := hooked.Asking(connectorauth.Authorization{ACRValues: []string{}}).Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	query := must(url.Parse(authURL)).Query()
	assert.Equal(t, "1", query.Get("hook"))
	assert.Contains(t, authURL, "a=%7e&", "the query of AuthURL stays as the config has it")
	assert.False(t, query.Has("scope"), "nothing is asked for")
	assert.False(t, query.Has("acr_values"), "nothing is asked for")

	_, _, err = c.Asking(connectorauth.Authorization{ACRValues: []string{"a\x00"}}).Begin(t.Context(), "http://127.0.0.1/callback")
	require.ErrorContains(t, err, "ACRValues")
}

// The scopes of Asking have the separator of the dialect.
func TestScopesOfAskingSpeakTheDialect(t *testing.T) {
	for scope, config := range map[string][]string{"read,write,pay": {"read", "write"}, "pay": nil} {
		c := must(connectorauth.NewOAuth2(config2{
			ClientID: "c", TokenURL: "https://p.example/t", Scopes: config, Dialect: dialect.OAuth2{ScopeSeparator: ","},
			Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/a"},
		}))
		authURL, _, err := c.Asking(connectorauth.Authorization{Scopes: []string{"pay"}}).Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		assert.Equal(t, scope, must(url.Parse(authURL)).Query().Get("scope"))
	}
}
