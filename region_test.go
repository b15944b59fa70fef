package connectorauth_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// The regions of a provider.
const (
	regionUS = "https://accounts.example.test"
	regionEU = "https://accounts.example-eu.test"
	regionIN = "https://accounts.example-in.test:8443"
	regionDE = "https://accounts.xn--bcher-kva.test"
)

var regional = dialect.OAuth2{Regions: dialect.Regions{
	Callback: "accounts-server", Response: "data_center",
	Origins: map[string]string{"us": regionUS, "eu": regionEU + "/", "in": regionIN, "de": "https://accounts.bücher.test"},
}}

// worldwide is a provider whose regions are one authtest.Provider, and what was
// sent to each of them.
type worldwide struct {
	*authtest.Provider
	mu   sync.Mutex
	sent []string // "HOST PATH?QUERY"
}

// RoundTrip notes where a request goes.
func (w *worldwide) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.sent = append(w.sent, req.URL.Scheme+"://"+req.URL.Host+" "+req.URL.RequestURI())
	w.mu.Unlock()
	inside := req.Clone(req.Context())
	inside.URL.Scheme = "http"
	return w.Client().Transport.RoundTrip(inside)
}

// took returns where requests went since the last call.
func (w *worldwide) took() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.sent = nil }()
	return w.sent
}

// connect returns a connector of a process of its own.
func (w *worldwide) connect(t *testing.T, store connectorauth.TokenStore, edit func(*connectorauth.OAuth2Config)) *connectorauth.OAuth2 {
	t.Helper()
	at := func(raw string) string { return regionUS + must(url.Parse(raw)).Path }
	return connect(t, w.Provider, func(c *connectorauth.OAuth2Config) {
		c.TokenURL, c.RevokeURL, c.Dialect = at(w.TokenURL)+"?tenant=a%2Fb", at(w.RevokeURL), regional
		c.HTTPClient, c.Store, c.Account = &http.Client{Transport: w}, store, "alice"
		if edit != nil {
			edit(c)
		}
	})
}

// inRegions runs a test with a provider that has regions.
func inRegions(t *testing.T, test func(t *testing.T, w *worldwide, store connectorauth.TokenStore)) {
	t.Helper()
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) { test(t, &worldwide{Provider: p}, new(tokenstore.Memory)) })
}

// The region that the callback names gets the code, and whatever follows, from this
// process and others. The region's path and query are those of the config.
func TestCallbackNamesTheRegion(t *testing.T) {
	for _, test := range []struct {
		named string
		want  string
	}{
		{"eu", regionEU}, {"in", regionIN}, {"us", regionUS}, {regionEU, regionEU}, {"HTTPS://Accounts.example-EU.test:443/", regionEU},
		{"de", regionDE}, {regionDE, regionDE}, {"https://Accounts.BÜCHER.test", regionDE},
		{regionIN + "/oauth?x=1", regionIN}, {regionUS, regionUS}, {"", regionUS},
	} {
		t.Run(test.named, func(t *testing.T) {
			inRegions(t, func(t *testing.T, w *worldwide, store connectorauth.TokenStore) {
				token := test.want + " " + must(url.Parse(w.TokenURL)).Path + "?tenant=a%2Fb"
				c := w.connect(t, store, nil)
				pending, callback := consented(t, w.Provider, c)
				callback.Set("accounts-server", test.named)
				require.NoError(t, c.Finish(t.Context(), pending, callback))
				assert.Equal(t, []string{token}, w.took())
				if test.want != regionUS {
					editRecord(t, store, func(value map[string]any) { assert.Equal(t, test.want, value["region"], "in the ASCII form") })
				} else {
					editRecord(t, store, func(value map[string]any) { assert.NotContains(t, value, "region", "the token URL may move") })
				}

				require.NoError(t, c.Renew(t.Context()))
				assert.Equal(t, []string{token}, w.took(), "a refresh")
				require.NoError(t, w.connect(t, store, nil).Renew(t.Context()))
				assert.Equal(t, []string{token}, w.took(), "a refresh of another process")

				revoke := test.want + " " + must(url.Parse(w.RevokeURL)).Path
				require.NoError(t, w.connect(t, store, nil).Revoke(t.Context()))
				assert.Equal(t, []string{revoke, revoke}, w.took())
			})
		})
	}
}

// What is not at the origin of the token URL has no region.
func TestURLsOfOtherOriginsHaveNoRegion(t *testing.T) {
	inRegions(t, func(t *testing.T, w *worldwide, store connectorauth.TokenStore) {
		tokenPath, revokePath := must(url.Parse(w.TokenURL)).Path, must(url.Parse(w.RevokeURL)).Path
		c := w.connect(t, store, func(c *connectorauth.OAuth2Config) {
			c.RevokeURL = "https://revoke.example.test" + revokePath
			c.Dialect.RefreshURL = regionUS + ":443" + tokenPath + "?refresh=1"
		})
		pending, callback := consented(t, w.Provider, c)
		callback.Set("accounts-server", "eu")
		require.NoError(t, c.Finish(t.Context(), pending, callback))
		require.NoError(t, c.Renew(t.Context()))
		require.NoError(t, c.Revoke(t.Context()))
		revoke := "https://revoke.example.test " + revokePath
		assert.Equal(t, []string{regionEU + " " + tokenPath + "?tenant=a%2Fb", regionEU + " " + tokenPath + "?refresh=1", revoke, revoke}, w.took())
	})
}

// elsewhere are names of regions that are not listed.
var elsewhere = []string{
	"EU", "jp", "https://evil.test", "https://accounts.example-eu.test.evil.test", "https://accounts.example-eu.test:8443", "http://accounts.example-eu.test",
	"https://accounts.example-eu.test@evil.test", "https://evil.test@accounts.example-eu.test", "//accounts.example-eu.test", "accounts.example-eu.test",
	"https://accounts.example-eu.test#f", "https://accounts.example-eu.test\\@evil.test", " eu", "eu\r\n", "https:accounts.example-eu.test", "javascript:alert(1)", "https://%zz",
}

func TestCallbackOfAnotherRegionIsRefused(t *testing.T) {
	inRegions(t, func(t *testing.T, w *worldwide, store connectorauth.TokenStore) {
		c := w.connect(t, store, nil)
		pending, callback := consented(t, w.Provider, c)
		for _, named := range elsewhere {
			callback.Set("accounts-server", named)
			err := c.Finish(t.Context(), pending, callback)
			var bad interface{ BadCallback() string }
			require.ErrorAs(t, err, &bad, named)
			assert.Equal(t, "mixup", bad.BadCallback())
			assert.ErrorContains(t, err, "Regions")
			assert.NotRegexp(t, `[\x00-\x1f\x7f]`, err.Error())
		}
		callback["accounts-server"] = []string{"eu", "eu"}
		require.ErrorContains(t, c.Finish(t.Context(), pending, callback), "more than one accounts-server")
		assert.Empty(t, w.took())
		callback.Set("accounts-server", "eu")
		require.NoError(t, c.Finish(t.Context(), pending, callback), "the consent is open")
	})
}

// With a token response, the account moves.
func TestTokenResponseNamesTheRegion(t *testing.T) {
	inRegions(t, func(t *testing.T, w *worldwide, store connectorauth.TokenStore) {
		c := w.connect(t, store, nil)
		pending, callback := consented(t, w.Provider, c)
		named := func(region any) {
			w.Inject(w.TokenURL, 1, authtest.EditAnswer(func(answer map[string]any) { answer["data_center"] = region }))
		}
		named("eu")
		require.NoError(t, c.Finish(t.Context(), pending, callback))
		for _, step := range []struct {
			want string
			next any
		}{{regionEU, nil}, {regionEU, ""}, {regionEU, regionIN}, {regionIN, "us"}, {regionUS, "eu"}, {regionEU, nil}} {
			w.took()
			named(step.next)
			require.NoError(t, c.Renew(t.Context()))
			assert.True(t, strings.HasPrefix(w.took()[0], step.want+" "), "%v", step)
		}
		token, err := c.Token(t.Context())
		require.NoError(t, err)
		assert.Nil(t, token.Extra("region"), "the record's own members are not those of the response")
	})
}

// A token must not be lost: the provider may have rotated the refresh token.
func TestTokenOfAnotherRegionIsKeptAndToldOf(t *testing.T) {
	for _, named := range append([]any{map[string]any{"name": "eu"}, true, 7, []string{"eu", "in"}}, anys(elsewhere)...) {
		inRegions(t, func(t *testing.T, w *worldwide, store connectorauth.TokenStore) {
			var seen events
			c := w.connect(t, store, func(c *connectorauth.OAuth2Config) { c.Observe = seen.observe })
			pending, callback := consented(t, w.Provider, c)
			callback.Set("accounts-server", "eu")
			w.Inject(w.TokenURL, 2, authtest.EditAnswer(func(answer map[string]any) { answer["data_center"] = named }))
			require.NoError(t, c.Finish(t.Context(), pending, callback))
			require.NoError(t, c.Renew(t.Context()))
			told := 0
			for _, e := range seen.all() {
				if e.Kind == connectorauth.EventSaved || e.Kind == connectorauth.EventRenewed {
					assert.ErrorContains(t, e.Err, "Regions", "%v", named)
					told++
				}
			}
			assert.Equal(t, 3, told)
			w.took()
			require.NoError(t, w.connect(t, store, nil).Renew(t.Context()))
			assert.True(t, strings.HasPrefix(w.took()[0], regionEU+" "))
		})
	}
}

func anys(list []string) (all []any) {
	for _, s := range list {
		all = append(all, s)
	}
	return all
}

// Errors name the endpoint that was asked, in this process and others.
func TestErrorsNameTheEndpointOfTheRegion(t *testing.T) {
	inRegions(t, func(t *testing.T, w *worldwide, store connectorauth.TokenStore) {
		endpoint := regionEU + must(url.Parse(w.TokenURL)).Path
		var seen string
		look := func(c *connectorauth.OAuth2Config) { c.ClientAuth = seenEndpoint{&seen} }
		c := w.connect(t, store, look)
		pending, callback := consented(t, w.Provider, c)
		callback.Set("accounts-server", "eu")
		require.NoError(t, c.Finish(t.Context(), pending, callback))
		assert.Equal(t, endpoint+"?tenant=a%2Fb", seen, "the audience of an assertion")

		named := func(err error) {
			t.Helper()
			var failed *connectorauth.TokenError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, endpoint, failed.Endpoint)
		}
		w.Inject(w.TokenURL, 1, authtest.Answer(429, http.Header{"Retry-After": {"3000"}}, ""))
		time.Sleep(time.Hour)
		_, err := c.Token(t.Context())
		named(err)
		for _, other := range []*connectorauth.OAuth2{c, w.connect(t, store, nil)} {
			_, err = other.Token(t.Context())
			named(err)
			state, err := other.Status(t.Context())
			require.NoError(t, err)
			named(state.LastError)
		}
		time.Sleep(time.Hour)
		w.Inject(w.TokenURL, 1, authtest.Answer(400, nil, `{"error":"invalid_grant"}`))
		for _, other := range []*connectorauth.OAuth2{c, w.connect(t, store, nil)} {
			_, err = other.Token(t.Context())
			named(err)
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			state, err := other.Status(t.Context())
			require.NoError(t, err)
			named(state.LastError)
		}
		w.Inject(w.RevokeURL, 2, authtest.Answer(503, nil, ""))
		var failed *connectorauth.TokenError
		require.ErrorAs(t, c.Revoke(t.Context()), &failed)
		assert.Equal(t, regionEU+must(url.Parse(w.RevokeURL)).Path, failed.Endpoint)

		require.NoError(t, c.SetToken(t.Context(), (&oauth2.Token{AccessToken: "a", Expiry: time.Unix(1, 0)}).WithExtra(map[string]any{"accounts-server": "eu"})))
		for _, other := range []*connectorauth.OAuth2{c, w.connect(t, store, nil)} {
			_, err = other.Token(t.Context())
			require.ErrorContains(t, err, endpoint, "no refresh token")
		}
	})
}

// seenEndpoint notes the endpoint that a ClientAuth is told.
type seenEndpoint struct{ to *string }

func (a seenEndpoint) Authenticate(ctx context.Context, r *connectorauth.TokenRequest) error {
	*a.to = r.Endpoint
	return connectorauth.ClientSecretBasic.Authenticate(ctx, r)
}

// A program moves accounts in from elsewhere.
func TestSetTokenNamesTheRegion(t *testing.T) {
	inRegions(t, func(t *testing.T, w *worldwide, store connectorauth.TokenStore) {
		c := w.connect(t, store, nil)
		pending, callback := consented(t, w.Provider, c)
		require.NoError(t, c.Finish(t.Context(), pending, callback))
		refresh := ""
		editRecord(t, store, func(value map[string]any) { refresh = value["refresh_token"].(string) })
		for _, extra := range []map[string]any{{"accounts-server": regionEU}, {"data_center": "eu"}, {"accounts-server": "", "data_center": "eu"}, {"data_center": "eu", "other": 1}} {
			w.took()
			require.NoError(t, c.SetToken(t.Context(), (&oauth2.Token{RefreshToken: refresh}).WithExtra(extra)))
			require.NoError(t, c.Renew(t.Context()))
			assert.True(t, strings.HasPrefix(w.took()[0], regionEU+" "), "%v", extra)
			editRecord(t, store, func(value map[string]any) { refresh = value["refresh_token"].(string) })
		}
		for _, named := range append(anys(elsewhere), 7, map[string]any{}) {
			err := c.SetToken(t.Context(), (&oauth2.Token{RefreshToken: "lost"}).WithExtra(map[string]any{"accounts-server": named}))
			require.ErrorContains(t, err, "Regions", "%v", named)
		}
		require.NoError(t, c.Renew(t.Context()), "the token is as before")
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "a"}))
		editRecord(t, store, func(value map[string]any) { assert.Nil(t, value["region"], "the region of the token URL") })
	})
}
