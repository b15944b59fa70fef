package connectorauth_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// notes are what connectors say to a provider and to an API.
type notes struct{ strings.Builder }

// client returns a client whose requests are noted, with a name.
func (n *notes) client(name string) *http.Client {
	return &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		var body []byte
		if req.Body != nil {
			body = must(io.ReadAll(req.Body))
		}
		fmt.Fprintln(n, name, req.Method, req.URL, req.Header, string(body))
		answer := io.NopCloser(strings.NewReader(`{"access_token":"new","token_type":"Bearer","expires_in":3600,"scope":"all"}`))
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: answer, Request: req}, nil
	})}
}

// of returns what a connector of config says.
func (n *notes) of(t *testing.T, config connectorauth.OAuth2Config) string {
	n.Reset()
	c := must(connectorauth.NewOAuth2(config))
	authURL, _, err := c.Begin(t.Context(), "https://app.example/callback")
	require.NoError(t, err)
	u := must(url.Parse(authURL))
	query := u.Query()
	query.Del("state")
	fmt.Fprintln(n, u.Host, u.Path, query.Encode())
	require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "old", RefreshToken: "refresh", Expiry: time.Now().Add(-time.Hour)}))
	api := connectorauth.NewClient(c, n.client("API"))
	for _, host := range []string{"api.example.com", "other.example.com"} {
		if _, err := api.Get("https://" + host); err != nil {
			fmt.Fprintln(n, err)
		}
	}
	status := must(c.Status(t.Context()))
	fmt.Fprintln(n, status.ReauthBy.IsZero(), status.Missing, c.Revoke(t.Context()))
	return n.String()
}

// Accounts of one client have memory in common. A client with another config has none of it.
func TestAccountsOfOtherConfigsHaveNothingInCommon(t *testing.T) {
	n := new(notes)
	provider, other := n.client("provider"), n.client("another client")
	grant := func() connectorauth.AuthorizationCode {
		return connectorauth.AuthorizationCode{AuthURL: "https://provider.example/authorize", DisablePKCE: true, Params: url.Values{"prompt": {"login"}}}
	}
	config := func(shared *connectorauth.Shared) connectorauth.OAuth2Config {
		return connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token", Scopes: []string{"read"},
			RevokeURL: "https://provider.example/revoke", Resources: []string{"https://api.example.com"}, Grant: grant(),
			Dialect: dialect.OAuth2{RefreshParams: url.Values{"format": {"json"}}}, Hosts: []string{"api.example.com"}, HTTPClient: provider, Shared: shared,
		}
	}
	shared := new(connectorauth.Shared)
	plain := config(shared)
	before := n.of(t, plain)
	held := must(connectorauth.NewOAuth2(plain)) // what is not in use may be forgotten
	defer runtime.KeepAlive(held)
	for name, edit := range map[string]func(*connectorauth.OAuth2Config){
		"ClientID":        func(c *connectorauth.OAuth2Config) { c.ClientID = "another" },
		"ClientSecret":    func(c *connectorauth.OAuth2Config) { c.ClientSecret = "another" },
		"ClientAuth":      func(c *connectorauth.OAuth2Config) { c.ClientAuth = connectorauth.ClientSecretPost },
		"TokenURL":        func(c *connectorauth.OAuth2Config) { c.TokenURL = "https://provider.example/another" },
		"RevokeURL":       func(c *connectorauth.OAuth2Config) { c.RevokeURL = "https://provider.example/another" },
		"Scopes":          func(c *connectorauth.OAuth2Config) { c.Scopes = []string{"write"} },
		"Resources":       func(c *connectorauth.OAuth2Config) { c.Resources = nil },
		"Hosts":           func(c *connectorauth.OAuth2Config) { c.Hosts = []string{"other.example.com"} },
		"HTTPClient":      func(c *connectorauth.OAuth2Config) { c.HTTPClient = other },
		"RefreshLifetime": func(c *connectorauth.OAuth2Config) { c.RefreshIdle = time.Hour },
		"Dialect":         func(c *connectorauth.OAuth2Config) { c.Dialect.RefreshParams.Set("format", "xml") },
		"no Dialect":      func(c *connectorauth.OAuth2Config) { c.Dialect = dialect.OAuth2{} },
		"Placement":       func(c *connectorauth.OAuth2Config) { c.Dialect.Placement.Name = "X-Token" },
		"Proof": func(c *connectorauth.OAuth2Config) {
			c.Proof = ownProof(func(req *http.Request) error { req.Header.Set("Proof", "of the key"); return nil })
		},
		"Params": func(c *connectorauth.OAuth2Config) {
			c.Grant.(connectorauth.AuthorizationCode).Params.Set("prompt", "consent")
		},
		"AuthURL": func(c *connectorauth.OAuth2Config) {
			grant := grant()
			grant.AuthURL = "https://another.example/authorize"
			c.Grant = grant
		},
	} {
		t.Run(name, func(t *testing.T) {
			edited, alone := config(shared), config(new(connectorauth.Shared))
			edit(&edited)
			edit(&alone)
			got := n.of(t, edited)
			assert.Equal(t, n.of(t, alone), got)
			assert.NotEqual(t, before, got)
			assert.Equal(t, before, n.of(t, config(shared)))
		})
	}
	plain.Grant.(connectorauth.AuthorizationCode).Params.Set("prompt", "consent")
	plain.Dialect.RefreshParams.Set("format", "xml")
	plain.Scopes[0], plain.Hosts[0] = "write", "other.example.com"
	assert.Equal(t, before, n.of(t, config(shared)), "a config may change after the constructor has returned")
}

// The memory that accounts have in common is not a part of a config, which may change after
// the constructor has returned.
func TestAChangedConfigIsAnotherConfig(t *testing.T) {
	code := func() connectorauth.Grant {
		return connectorauth.AuthorizationCode{AuthURL: "https://provider.example/authorize", Params: url.Values{"prompt": {"login"}}}
	}
	for name, test := range map[string]struct {
		grant connectorauth.Grant
		edit  func(*connectorauth.OAuth2Config)
	}{
		"Hosts": {code(), func(c *connectorauth.OAuth2Config) { c.Hosts[0] = "other.example.com" }},
		"Params": {code(), func(c *connectorauth.OAuth2Config) {
			c.Grant.(connectorauth.AuthorizationCode).Params.Set("prompt", "consent")
		}},
		"Params of a device": {connectorauth.DeviceCode{DeviceURL: "https://provider.example/device", Params: url.Values{"prompt": {"login"}}}, func(c *connectorauth.OAuth2Config) {
			c.Grant.(connectorauth.DeviceCode).Params.Set("prompt", "consent")
		}},
		"Dialect": {code(), func(c *connectorauth.OAuth2Config) { c.Dialect.RefreshParams.Set("format", "xml") }},
	} {
		t.Run(name, func(t *testing.T) {
			n := new(notes)
			says := func(c *connectorauth.OAuth2) string {
				n.Reset()
				if u, _, err := c.Begin(t.Context(), "https://app.example/callback"); err == nil {
					query := must(url.Parse(u)).Query()
					fmt.Fprintln(n, query["prompt"])
				}
				_, _, _ = c.BeginDevice(t.Context())
				_ = c.SetToken(t.Context(), &oauth2.Token{AccessToken: "old", RefreshToken: "refresh"})
				_ = c.Renew(t.Context())
				for _, host := range []string{"api.example.com", "other.example.com"} {
					resp, err := connectorauth.NewClient(c, n.client("API")).Get("https://" + host)
					if err != nil {
						fmt.Fprintln(n, err)
						continue
					}
					require.NoError(t, resp.Body.Close())
				}
				return n.String()
			}
			config := connectorauth.OAuth2Config{
				ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token", Grant: test.grant, Hosts: []string{"api.example.com"},
				Dialect: dialect.OAuth2{RefreshParams: url.Values{"format": {"json"}}}, HTTPClient: n.client("provider"), Shared: new(connectorauth.Shared),
			}
			first := must(connectorauth.NewOAuth2(config))
			before := says(first)
			test.edit(&config)
			second := must(connectorauth.NewOAuth2(config))
			assert.Equal(t, before, says(first))
			config.Shared = new(connectorauth.Shared)
			alone := says(must(connectorauth.NewOAuth2(config)))
			assert.Equal(t, alone, says(second))
			assert.NotEqual(t, before, alone)
		})
	}
}

func TestAccountsOfOneClientAreRenewedWhenTheirConfigSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, shared := new(notes), new(connectorauth.Shared)
		provider := n.client("provider")
		connect := func(before time.Duration) *connectorauth.OAuth2 {
			return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token", Grant: connectorauth.ClientCredentials{},
				Hosts: []string{"api.example.com"}, HTTPClient: provider, Shared: shared, RenewBefore: before,
			}))
		}
		early := connect(0) // five minutes
		late := connect(time.Minute)
		for _, c := range []*connectorauth.OAuth2{early, late} {
			n.Reset()
			require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "old", RefreshToken: "refresh", Expiry: time.Now().Add(time.Hour)}))
			time.Sleep(57 * time.Minute)
			api := &http.Client{Transport: c.Wrap(&fakehttp.Base{})} // n is for one goroutine
			require.NoError(t, must(api.Get("https://api.example.com/")).Body.Close())
			synctest.Wait()
			assert.Equal(t, c == early, strings.Contains(n.String(), "grant_type="), n.String())
		}
	})
}

// An account in memory is what the config says of the account. A connector that says
// something else gets what the connector would get in another program, with the same Store.
func TestAccountsOfOtherIdentitiesHaveNoTokenInCommon(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*connectorauth.OAuth2Config)
		want string // a part of the error
	}{
		"another subject": {func(c *connectorauth.OAuth2Config) { c.Grant.(*ownGrant).traits.Subject = "bob" }, "bob"},
		"another grant":   {func(c *connectorauth.OAuth2Config) { c.Grant = otherGrant{*c.Grant.(*ownGrant)} }, "urn:example:other"},
		"a proof of a key": {func(c *connectorauth.OAuth2Config) {
			c.Proof = dpop{ownProof(func(*http.Request) error { return nil })}
		}, "DPoP"},
		"another client ID": {func(c *connectorauth.OAuth2Config) { c.ClientID = "another" }, "another"},
	} {
		t.Run(name, func(t *testing.T) {
			shared, store := new(connectorauth.Shared), new(tokenstore.Memory)
			config := connectorauth.OAuth2Config{
				ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token", Shared: shared, Store: store, Account: "a",
				Grant: &ownGrant{traits: connectorauth.GrantTraits{Subject: "alice"}}, HTTPClient: new(notes).client("provider"),
			}
			first := must(connectorauth.NewOAuth2(config))
			must(first.Token(t.Context()))
			test.edit(&config)
			_, err := must(connectorauth.NewOAuth2(config)).Token(t.Context())
			require.ErrorContains(t, err, test.want)
			config.Shared = new(connectorauth.Shared)
			_, alone := must(connectorauth.NewOAuth2(config)).Token(t.Context())
			require.EqualError(t, err, alone.Error())
			runtime.KeepAlive(first)
		})
	}
}

// otherGrant is a Grant of another type.
type otherGrant struct{ ownGrant }

func (otherGrant) GrantType() string { return "urn:example:other" }

// dpop is a Proof with tokens of another type.
type dpop struct{ ownProof }

func (dpop) TokenTypes() []string { return []string{"DPoP"} }

// The name of a provider in another spelling is the same provider.
func TestTokenURLInAnotherSpellingIsTheSame(t *testing.T) {
	n := new(notes)
	config := connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://b\u00fccher.example/token", Grant: connectorauth.ClientCredentials{},
		Store: new(tokenstore.Memory), Account: "a", HTTPClient: n.client("provider"),
	}
	must(must(connectorauth.NewOAuth2(config)).Token(t.Context()))
	assert.Contains(t, n.String(), "POST https://xn--bcher-kva.example/token")
	n.Reset()
	config.TokenURL, config.Shared = "https://xn--bcher-kva.example/token", new(connectorauth.Shared)
	assert.Equal(t, "new", must(must(connectorauth.NewOAuth2(config)).Token(t.Context())).AccessToken)
	assert.Empty(t, n.String(), "the token is in the Store")
}
