package connectorauth_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// RFC 9207: all regions are one provider.
func TestIssuerMayBeARegion(t *testing.T) {
	inRegions(t, func(t *testing.T, w *worldwide, store connectorauth.TokenStore) {
		c := w.connect(t, store, nil)
		pending, callback := consented(t, w.Provider, c)
		callback.Set("iss", "https://evil.test")
		require.ErrorContains(t, c.Finish(t.Context(), pending, callback), "issuer")
		assert.Empty(t, w.took())
		callback.Set("iss", regionEU+"/oauth")
		require.NoError(t, c.Finish(t.Context(), pending, callback))
	})
}

// A grant of its own begins at the token URL, and what follows is at its region.
func TestGrantBeginsAtTheTokenURL(t *testing.T) {
	inRegions(t, func(t *testing.T, w *worldwide, store connectorauth.TokenStore) {
		c := w.connect(t, store, func(c *connectorauth.OAuth2Config) {
			c.Grant = connectorauth.PasswordCredentials{Username: w.Username, Password: connectorauth.Secret(w.Password)}
			c.Dialect.Regions.Callback = ""
		})
		w.Inject(w.TokenURL, 1, authtest.EditAnswer(func(answer map[string]any) { answer["data_center"] = "in" }))
		for _, want := range []string{regionUS, regionIN, regionIN} {
			require.NoError(t, c.Renew(t.Context()))
			assert.True(t, strings.HasPrefix(w.took()[0], want+" "), want)
		}
	})
}

func TestRegionsAreChecked(t *testing.T) {
	eu := map[string]string{"eu": regionEU}
	for _, test := range []struct {
		regions dialect.Regions
		want    string // of the error; empty means none
	}{
		{dialect.Regions{}, ""},
		{dialect.Regions{Callback: "location", Origins: eu}, ""},
		{dialect.Regions{Response: "region", Origins: eu}, ""},
		{dialect.Regions{Callback: "location", Origins: map[string]string{"local": "http://127.0.0.1:8080", "eu.example.test": regionEU}}, ""},
		{dialect.Regions{Callback: "location"}, "Origins: is empty"},
		{dialect.Regions{Origins: eu}, "Callback, Response: are empty"},
		{dialect.Regions{Origins: map[string]string{}}, "Callback, Response: are empty"},
		{dialect.Regions{Callback: "state", Origins: eu}, "Callback: state"},
		{dialect.Regions{Callback: "code", Origins: eu}, "Callback: code"},
		{dialect.Regions{Callback: "error", Origins: eu}, "Callback: error"},
		{dialect.Regions{Callback: "iss", Origins: eu}, "Callback: iss"},
		{dialect.Regions{Callback: "location", Origins: map[string]string{"": regionEU}}, "Origins: a key"},
		{dialect.Regions{Callback: "location", Origins: map[string]string{"https://u:" + secretKey + "@x.test": regionEU}}, "Origins: a key"},
		{dialect.Regions{Callback: "location", Origins: map[string]string{"eu\n": regionEU}}, "Origins: a key"},
		{dialect.Regions{Callback: "location", Origins: map[string]string{"eu": "accounts.example-eu.test"}}, "Origins: eu: want an origin"},
		{dialect.Regions{Callback: "location", Origins: map[string]string{"eu": "https://*.example-eu.test"}}, "Origins: eu: want an origin"},
		{dialect.Regions{Callback: "location", Origins: map[string]string{"eu": "http://accounts.example-eu.test"}}, "Origins: eu: "},
		{dialect.Regions{Callback: "location", Origins: map[string]string{"eu": regionEU + "/token"}}, "Origins: eu: want an origin"},
		{dialect.Regions{Callback: "location", Origins: map[string]string{"eu": regionEU + "?x=1"}}, "Origins: eu: want an origin"},
		{dialect.Regions{Callback: "location", Origins: map[string]string{"eu": "https://u:p@accounts.example-eu.test"}}, "Origins: eu: "},
	} {
		_, err := connectorauth.NewOAuth2(config2{
			ClientID: "client", TokenURL: regionUS + "/token", Grant: connectorauth.AuthorizationCode{AuthURL: regionUS + "/auth"}, Dialect: dialect.OAuth2{Regions: test.regions},
		})
		if test.want == "" {
			assert.NoError(t, err, "%v", test.regions)
			continue
		}
		assert.ErrorContains(t, err, "Dialect: Regions: "+test.want)
		assert.NotContains(t, err.Error(), secretKey)
	}
	_, err := connectorauth.NewOAuth2(config2{
		ClientID: "client", ClientSecret: clientSecret, TokenURL: regionUS + "/token", Grant: connectorauth.ClientCredentials{},
		Dialect: dialect.OAuth2{Regions: dialect.Regions{Callback: "location", Origins: eu}},
	})
	assert.ErrorContains(t, err, "Regions.Callback")
}

// FuzzRegion: whatever a callback, a token response or a record names, no request
// leaves the list of origins.
func FuzzRegion(f *testing.F) {
	for _, named := range append([]string{"eu", "in", regionEU, regionIN + "/x?y#z", "https://accounts.example-eu.test:443"}, elsewhere...) {
		f.Add(named, named, named)
		f.Add("eu", named, "")
		f.Add("", "in", named)
	}
	f.Fuzz(func(t *testing.T, callback, response, record string) {
		answer := must(json.Marshal(map[string]any{"access_token": "a", "refresh_token": "r", "data_center": response}))
		store := new(tokenstore.Memory)
		c := must(connectorauth.NewOAuth2(config2{
			ClientID: "client", ClientSecret: clientSecret, TokenURL: regionUS + "/token", RevokeURL: regionUS + "/revoke",
			Grant:   connectorauth.AuthorizationCode{AuthURL: regionUS + "/auth"},
			Dialect: regional, Store: store, Account: "alice", Shared: new(connectorauth.Shared),
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				if at := req.URL.Scheme + "://" + req.URL.Host; at != regionUS && at != regionEU && at != regionIN && at != regionDE || req.Host != "" && req.Host != req.URL.Host {
					t.Errorf("a request to %s, %q", req.URL, req.Host)
				}
				if path := req.URL.RequestURI(); path != "/token" && path != "/revoke" || req.URL.User != nil || req.URL.Fragment != "" {
					t.Errorf("a request to %s", req.URL)
				}
				io.Copy(io.Discard, req.Body)
				req.Body.Close()
				return fakehttp.Respond(200, string(answer)), nil
			})},
		}))
		authURL, pending, err := c.Begin(t.Context(), callbackURL)
		require.NoError(t, err)
		query := url.Values{"state": must(url.Parse(authURL)).Query()["state"], "code": {"c"}, "accounts-server": {callback}}
		if c.Finish(t.Context(), pending, query) != nil {
			query.Del("accounts-server")
			require.NoError(t, c.Finish(t.Context(), pending, query))
		}
		require.NoError(t, c.Renew(t.Context()))
		editRecord(t, store, func(value map[string]any) { value["region"] = record })
		_ = c.Renew(t.Context())
		_ = c.SetToken(t.Context(), (&oauth2.Token{RefreshToken: "s"}).WithExtra(map[string]any{"accounts-server": callback, "data_center": response}))
		_ = c.Renew(t.Context())
		_ = c.Revoke(t.Context())
	})
}
