package consent_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

func TestTemporaryCredentialsRequestNamesTheCallback(t *testing.T) {
	a := newApp(t, authtest.Config{})
	a.start(a.newBrowser(), "connector=oauth1")
	header := a.provider.Requests(a.provider.RequestTokenURL)[0].Header.Get("Authorization")
	require.Contains(t, header, `oauth_callback="`+url.QueryEscape(a.config.URL+"/callback/oauth1")+`"`)
}

func TestUnconfirmedCallbackStopsTheConsent(t *testing.T) {
	for value, ok := range map[string]bool{"true": true, "True": true, "false": false, "": false} {
		a := newApp(t, authtest.Config{})
		a.provider.Inject(a.provider.RequestTokenURL, authtest.Always, authtest.EditAnswer(func(answer map[string]any) {
			answer["oauth_callback_confirmed"] = value
		}))
		got := a.newBrowser().get(a.config.URL + "/start?connector=oauth1")
		if ok {
			require.Equal(t, http.StatusSeeOther, got.StatusCode)
			continue
		}
		require.Equal(t, http.StatusInternalServerError, got.StatusCode)
		require.ErrorContains(t, a.last().Err, "RFC 5849 section 2.1")
	}
}

func TestOAuth1VerifierIsRequired(t *testing.T) {
	for name, change := range map[string]func(url.Values){
		"missing": func(q url.Values) { q.Del("oauth_verifier") },
		"empty":   func(q url.Values) { q.Set("oauth_verifier", "") },
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, authtest.Config{})
			b := a.newBrowser()
			require.Equal(t, http.StatusBadRequest, b.get(with(a.allow(b, "connector=oauth1"), change)).StatusCode)
			a.requireFailed(consent.ReasonInvalid)
			require.Zero(t, a.exchanges())
		})
	}
}

func TestConsentOfOAuth1BeforeRevisionA(t *testing.T) {
	a := newApp(t, authtest.Config{OAuth10: true, OAuth1Get: true}, func(a *app) {
		a.config.Flow = func(*http.Request, string) (consent.Flow, error) {
			p := a.provider
			return connectorauth.NewOAuth1(connectorauth.OAuth1Config{
				ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), HTTPClient: p.Client(), Shared: a.shared,
				RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL,
				NoVerifier: true, TokenMethod: http.MethodGet,
			})
		}
	})
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth1").String()
	require.NotContains(t, callback, "oauth_verifier")
	require.Equal(t, http.StatusForbidden, a.newBrowser().get(callback).StatusCode, "another browser")
	require.Equal(t, http.StatusOK, b.get(callback).StatusCode)
	require.NoError(t, a.last().Err)
}

func TestOAuth1DeniedParameterIsADenial(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	u, err := url.Parse(a.start(b, "connector=oauth1"))
	require.NoError(t, err)
	got := b.get(a.config.URL + "/callback/oauth1?denied=" + u.Query().Get("oauth_token"))
	require.Equal(t, http.StatusForbidden, got.StatusCode)
	a.requireFailed(consent.ReasonDenied)
}
