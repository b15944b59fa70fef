package consent_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

// newTwoProviders starts an application with the connectors "honest" and "evil",
// of two providers. The issuer of evil is evil's own.
func newTwoProviders(t *testing.T, change ...func(*app)) (a *app, honest, evil *authtest.Provider) {
	t.Helper()
	evil = authtest.NewProvider(t)
	return newApp(t, authtest.Config{SendIssuer: true}, append([]func(*app){func(a *app) {
		honest = a.provider
		a.config.Flow = func(_ *http.Request, connector string) (consent.Flow, error) {
			p := map[string]*authtest.Provider{"honest": honest, "evil": evil}[connector]
			grant := connectorauth.AuthorizationCode{AuthURL: p.AuthURL}
			if a.grant.Issuer != "" {
				grant.Issuer = p.URL
			}
			return connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: grant,
			})
		}
	}}, change...)...), honest, evil
}

// mixUp is the attack of RFC 9700 section 4.4.1. The person wants to connect an
// account of evil. Evil sends the person on to honest, with the state of evil's
// consent. The person presses Allow there, and the code of honest arrives in evil's
// consent. The callback is at the URL of redirect.
func mixUp(t *testing.T, a *app, b *browser, honest *authtest.Provider, redirect string) (callback *url.URL) {
	t.Helper()
	atEvil, err := url.Parse(a.start(b, "connector=evil"))
	require.NoError(t, err)
	query := atEvil.Query()
	query.Set("client_id", honest.ClientID)
	query.Set("redirect_uri", redirect)
	callback, err = honest.Authorize(honest.AuthURL + "?" + query.Encode())
	require.NoError(t, err)
	require.NotEmpty(t, callback.Query().Get("code"))
	return callback
}

func TestCodeOfAnotherProviderIsNotSent(t *testing.T) {
	for name, test := range map[string]struct {
		shared bool // one callback URL, and issuers
		silent bool // honest sends no iss
		reason consent.Reason
	}{
		"callback URLs":                 {reason: consent.ReasonMixUp},
		"callback URLs, without issuer": {silent: true, reason: consent.ReasonMixUp},
		"issuers":                       {shared: true, reason: consent.ReasonMixUp},
		"missing issuer":                {shared: true, silent: true, reason: consent.ReasonInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			a, honest, evil := newTwoProviders(t, func(a *app) {
				if test.shared {
					a.grant.Issuer = "of the provider"
					a.config.Callback = func(string) string { return "" }
				}
			})
			redirect, err := a.handler.(*consent.Handler).CallbackURL("honest")
			require.NoError(t, err)
			b := a.newBrowser()
			callback := mixUp(t, a, b, honest, redirect)
			if test.silent {
				query := callback.Query()
				query.Del("iss")
				callback.RawQuery = query.Encode()
			}
			require.Equal(t, http.StatusBadRequest, b.get(callback.String()).StatusCode)
			a.requireFailed(test.reason)
			require.Equal(t, "evil", a.last().Connector)
			require.Zero(t, a.exchanges()+len(evil.Requests(evil.TokenURL)))
			require.Equal(t, http.StatusOK, b.get(a.allow(b, "connector=honest").String()).StatusCode)
		})
	}
}

// A callback at the wrong URL does not end the consent.
func TestCallbackAtTheURLOfAnotherProviderIsRefused(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a := newApp(t, authtest.Config{})
		b := a.newBrowser()
		callback := a.allow(b, "connector="+connector).String()
		for _, wrong := range []string{"/callback/other", "/callback/" + strings.ToUpper(connector), "/callback", "/callback/callback", "/callback/start"} {
			require.Equal(t, http.StatusBadRequest, b.get(strings.Replace(callback, "/callback/"+connector, wrong, 1)).StatusCode, wrong)
			a.requireFailed(consent.ReasonMixUp)
		}
		require.Zero(t, a.exchanges())
		require.Equal(t, http.StatusOK, b.get(callback).StatusCode)
	})
}

func TestConnectorsOfOneProviderShareItsCallbackURL(t *testing.T) {
	a := newApp(t, authtest.Config{}, func(a *app) {
		a.config.Callback = func(connector string) string { service, _, _ := strings.Cut(connector, "/"); return service }
		a.config.Flow = func(r *http.Request, connector string) (consent.Flow, error) {
			return a.flow(r, strings.TrimSuffix(connector, "/second account"))
		}
	})
	for _, connector := range []string{"oauth2", "oauth2/second account"} {
		b := a.newBrowser()
		callback := a.allow(b, url.Values{"connector": {connector}}.Encode())
		require.Equal(t, "/connect/callback/oauth2", callback.Path)
		require.Equal(t, http.StatusOK, b.get(callback.String()).StatusCode)
		require.Equal(t, consent.Result{Connector: connector}, a.last())
	}
}

func TestSharedCallbackURLNeedsAnIssuer(t *testing.T) {
	shared := func(a *app) { a.config.Callback = func(string) string { return "" } }
	a := newApp(t, authtest.Config{SendIssuer: true}, shared, func(a *app) { a.grant.Issuer = a.provider.URL })
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2")
	require.Equal(t, "/connect/callback", callback.Path)
	require.Equal(t, http.StatusOK, b.get(callback.String()).StatusCode)

	refuses := func(a *app, query string) {
		t.Helper()
		require.Equal(t, http.StatusInternalServerError, a.newBrowser().get(a.config.URL+"/start?"+query).StatusCode)
		a.requireFailed(consent.ReasonInternal)
		require.ErrorContains(t, a.last().Err, "Config.Callback")
		require.ErrorContains(t, a.last().Err, "AuthorizationCode.Issuer")
		require.Empty(t, a.provider.Requests(""))
	}
	refuses(newApp(t, authtest.Config{}, shared), "connector=oauth2")
	refuses(newApp(t, authtest.Config{}, shared), "connector=oauth1")
	refuses(newApp(t, authtest.Config{}, func(a *app) {
		a.config.Flow = func(r *http.Request, _ string) (consent.Flow, error) { return a.flow(r, "oauth2") }
	}), "") // a connector without a name has no callback URL of its own

	callback = a.allow(b, "connector=oauth2") // begun by a process that knew the issuer
	a.grant.Issuer = ""
	require.Equal(t, http.StatusInternalServerError, b.get(callback.String()).StatusCode)
	require.Equal(t, 1, a.exchanges())
}

func TestNamesInCallbackURLs(t *testing.T) {
	a := newApp(t, authtest.Config{})
	h := a.handler.(*consent.Handler)
	for name, ok := range map[string]bool{
		"google": true, "Google-2_a~.b": true, strings.Repeat("a", 64): true, "callback": true, "start": true, "connect.js": true, "...": true,
		strings.Repeat("a", 65): false, "google/alice": false, "a b": false, "a%2Fb": false, "ä": false, ".": false, "..": false,
		"a?b": false, "a#b": false, `a\b`: false, "a\r\nb": false, "a;b": false,
	} {
		got, err := h.CallbackURL(name)
		if ok {
			require.NoError(t, err, name)
			require.Equal(t, a.config.URL+"/callback/"+name, got)
			continue
		}
		require.ErrorContains(t, err, "Config.Callback", name)
		require.NotContains(t, err.Error(), "\n")
	}
	a.config.Flow = func(r *http.Request, _ string) (consent.Flow, error) { return a.flow(r, "oauth2") }
	a.handler = a.newHandler()
	for _, connector := range []string{"callback", "start", "connect.js"} {
		b := a.newBrowser()
		require.Equal(t, http.StatusOK, b.get(a.allow(b, "connector="+connector).String()).StatusCode, connector)
	}
	got := a.newBrowser().get(a.config.URL + "/start?connector=a/b")
	require.Equal(t, http.StatusInternalServerError, got.StatusCode)
	require.ErrorContains(t, a.last().Err, `"a/b"`)
	require.ErrorContains(t, a.last().Err, "set Config.Callback")
}
