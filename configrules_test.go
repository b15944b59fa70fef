package connectorauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wordless is a Proof without a token type.
type wordless struct{ ownProof }

func (wordless) TokenTypes() []string { return []string{"two words"} }

func TestOAuth2ConfigRules(t *testing.T) {
	code := connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"}
	params := func(names ...string) url.Values {
		values := url.Values{}
		for _, name := range names {
			values.Set(name, "x")
		}
		return values
	}
	for name, test := range map[string]struct {
		config connectorauth.OAuth2Config
		want   string // of the error; empty means none
	}{
		"a client ID in the token URL":       {config2{TokenURL: "https://p.example/token?client_id=x", Grant: code}, "client credentials, which RFC 6749"},
		"a client secret in the token URL":   {config2{TokenURL: "https://p.example/token?client_secret=x", Grant: code}, "client credentials, which RFC 6749"},
		"a proof and a placement":            {config2{Grant: code, Proof: ownProof(nil), Dialect: dialect.OAuth2{Placement: dialect.Placement{In: dialect.InHeader, Name: "X"}}}, "remove Dialect.Placement"},
		"a proof without a word":             {config2{Grant: code, Proof: wordless{}}, `TokenTypes are ["two words"]`},
		"a secret as the user, colon in ID":  {config2{Grant: code, ClientID: "a:b", ClientSecret: "s", ClientAuth: connectorauth.ClientSecretUser}, ""},
		"unencoded, colon in ID":             {config2{Grant: code, ClientID: "a:b", ClientSecret: "s", ClientAuth: connectorauth.ClientSecretBasicRaw}, "no colon in the user name"},
		"a code challenge of the program":    {config2{Grant: connectorauth.AuthorizationCode{AuthURL: code.AuthURL, Params: params("code_challenge"), DisablePKCE: true}}, ""},
		"two code challenges":                {config2{Grant: connectorauth.AuthorizationCode{AuthURL: code.AuthURL, Params: params("code_challenge")}}, "code_challenge is set by the library"},
		"a grant that refreshes":             {config2{Grant: ownGrant{}, Dialect: dialect.OAuth2{RefreshURL: "https://p.example/refresh"}}, ""},
		"a public client's ID":               {config2{Grant: code, Dialect: dialect.OAuth2{TokenParams: params("client_id")}}, "client_id is set by the library"},
		"the parameters of a program's type": {config2{Grant: code, ClientAuth: ownAuth(nil), Dialect: dialect.OAuth2{TokenParams: params("client_secret")}}, "client_secret is set by the library"},
	} {
		if test.config.ClientID == "" {
			test.config.ClientID = "client"
		}
		if test.config.TokenURL == "" {
			test.config.TokenURL = "https://p.example/token"
		}
		_, err := connectorauth.NewOAuth2(test.config)
		if test.want == "" {
			assert.NoError(t, err, name)
			continue
		}
		assert.ErrorContains(t, err, test.want, name)
	}
}

// The header has the name that Exact spells, which here is the name of RFC 6750.
func TestExactSpellingOfTheDefaultHeader(t *testing.T) {
	c, last := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Dialect: dialect.OAuth2{Placement: dialect.Placement{Exact: true}}}, nil)
	req := must(http.NewRequest("GET", home, nil))
	req.Header["authorization"] = []string{"Bearer of the caller"}
	must(connectorauth.NewClient(c, &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		assert.Len(t, req.Header, 1)
		assert.NotContains(t, req.Header.Get("Authorization"), "caller")
		return fakehttp.Respond(200, ""), nil
	})}).Do(req))
	assert.NotEmpty(t, last().Body)
}

// The region of the token URL needs no mention in the list.
func TestRegionOfTheTokenURLNeedsNoMention(t *testing.T) {
	d := dialect.OAuth2{Regions: dialect.Regions{Callback: "location", Response: "region", Origins: map[string]string{"eu": regionEU}}}
	for named, want := range map[string]string{regionUS: "", "eu": "", strings.Repeat("long", 1000) + "\n": "is not one of the Regions"} {
		var seen events
		w := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
			return fakehttp.Respond(200, `{"access_token":"a","refresh_token":"r"}`), nil
		})
		c := must(connectorauth.NewOAuth2(config2{
			ClientID: "client", TokenURL: regionUS + "/token", Grant: connectorauth.AuthorizationCode{AuthURL: regionUS + "/auth"}, Dialect: d,
			Shared: new(connectorauth.Shared), Store: new(tokenstore.Memory), Account: "alice", Observe: seen.observe, HTTPClient: &http.Client{Transport: w},
		}))
		authURL, pending, err := c.Begin(t.Context(), "https://app.example/cb")
		require.NoError(t, err)
		state := must(url.Parse(authURL)).Query().Get("state")
		err = c.Finish(t.Context(), pending, url.Values{"code": {"c"}, "state": {state}, "location": {named}})
		if want != "" {
			require.ErrorContains(t, err, want)
			assert.Less(t, len(err.Error()), 400)
			assert.NotContains(t, err.Error(), `\n`)
			continue
		}
		require.NoError(t, err)
		for _, e := range seen.all() {
			assert.NoError(t, e.Err, "a response without a region names no unknown region")
		}
	}
}
