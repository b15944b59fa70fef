package consent_test

// The rows of the security checklist for PKCE (P), mix-up (I) and OAuth1 (X).

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

func TestP1P2P4P6EveryRequestHasAFreshS256ChallengeAndAState(t *testing.T) {
	a := newApp(t, authtest.Config{PublicClient: true})
	seen := map[string]bool{}
	for range 10 {
		b := a.newBrowser()
		authURL, err := url.Parse(a.start(b, "connector=oauth2"))
		require.NoError(t, err)
		q := authURL.Query()
		require.Equal(t, "S256", q.Get("code_challenge_method"))
		require.Len(t, q.Get("code_challenge"), 43)
		require.NotEmpty(t, q.Get("state"))
		callback, err := a.provider.Authorize(authURL.String())
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, b.get(callback.String()).StatusCode)
	}
	for _, r := range a.provider.Requests(a.provider.TokenURL) {
		form, err := url.ParseQuery(string(r.Body))
		require.NoError(t, err)
		verifier := form.Get("code_verifier")
		require.Regexp(t, regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`), verifier)
		require.False(t, seen[verifier])
		seen[verifier] = true
	}
	require.Len(t, seen, 10)
}

func TestP3NoDowngradeAfterAnError(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	authURL, err := url.Parse(a.start(b, "connector=oauth2"))
	require.NoError(t, err)
	got := b.get(a.config.URL + "/callback?error=invalid_request&error_description=S256+is+not+supported&state=" + authURL.Query().Get("state"))
	require.Equal(t, http.StatusBadGateway, got.StatusCode)
	a.requireFailed(consent.ReasonRefused)
	require.Zero(t, a.exchanges())
	again, err := url.Parse(a.start(b, "connector=oauth2"))
	require.NoError(t, err)
	require.Equal(t, "S256", again.Query().Get("code_challenge_method"))
}

func TestP5VerifierIsSeenByTheTokenEndpointAlone(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	started := b.get(a.config.URL + "/start?connector=oauth2")
	callback, err := a.provider.Authorize(started.Header.Get("Location"))
	require.NoError(t, err)
	finished := b.get(callback.String())
	form, err := url.ParseQuery(string(a.provider.Requests(a.provider.TokenURL)[0].Body))
	require.NoError(t, err)
	for _, answer := range []answer{started, finished} {
		require.NotContains(t, fmt.Sprint(answer.Header, answer.body), form.Get("code_verifier"))
	}
	require.Len(t, finished.Cookies(), 1)
	require.Negative(t, finished.Cookies()[0].MaxAge, "deleted with its consent")
}

func TestI1CallbackForAnotherConnectorIsRefused(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		other := newApp(t, authtest.Config{})
		a := newApp(t, authtest.Config{})
		b := a.newBrowser()
		callback := a.allow(b, "connector="+connector)
		a.config.Flow = other.flow // the person is another now, or the connector was set up anew
		a.handler = a.newHandler()
		require.Equal(t, http.StatusBadRequest, b.get(callback.String()).StatusCode)
		a.requireFailed(consent.ReasonMixUp)
		require.Zero(t, a.exchanges()+other.exchanges())
	})
}

func TestI1CallbackCannotChooseTheConnector(t *testing.T) {
	a := newApp(t, authtest.Config{})
	var asked []string
	a.config.Flow = func(r *http.Request, connector string) (consent.Flow, error) {
		asked = append(asked, connector)
		return a.flow(r, connector)
	}
	a.handler = a.newHandler()
	b := a.newBrowser()
	callback := with(a.allow(b, "connector=oauth2"), func(q url.Values) { q.Set("connector", "oauth1") })
	require.Equal(t, http.StatusOK, b.get(callback).StatusCode)
	require.Equal(t, []string{"oauth2", "oauth2"}, asked)
}

// issuerCase is a callback whose issuer is changed before it arrives.
func issuerCase(t *testing.T, configured string, change func(q url.Values)) (a *app, got answer) {
	t.Helper()
	a = newApp(t, authtest.Config{SendIssuer: true}, func(a *app) {
		if configured == "provider" {
			configured = a.provider.URL
		}
		a.grant.Issuer = configured
	})
	b := a.newBrowser()
	return a, b.get(with(a.allow(b, "connector=oauth2"), change))
}

func TestI2IssuerIsComparedByteForByte(t *testing.T) {
	a, got := issuerCase(t, "provider", func(url.Values) {})
	require.Equal(t, http.StatusOK, got.StatusCode)
	for name, change := range map[string]func(string) string{
		"slash":  func(s string) string { return s + "/" },
		"case":   strings.ToUpper,
		"port":   func(s string) string { return s[:strings.LastIndex(s, ":")] },
		"%2F":    func(s string) string { return strings.ReplaceAll(s, "/", "%2F") },
		"other":  func(string) string { return "https://evil.example" },
		"prefix": func(s string) string { return s[:len(s)-1] },
	} {
		t.Run(name, func(t *testing.T) {
			a, got = issuerCase(t, "provider", func(q url.Values) { q.Set("iss", change(q.Get("iss"))) })
			require.Equal(t, http.StatusBadRequest, got.StatusCode)
			a.requireFailed(consent.ReasonMixUp)
			require.Zero(t, a.exchanges())
		})
	}
}

func TestI3MissingIssuerIsRefusedWhereOneIsExpected(t *testing.T) {
	for name, change := range map[string]func(url.Values){
		"missing":  func(q url.Values) { q.Del("iss") },
		"empty":    func(q url.Values) { q.Set("iss", "") },
		"repeated": func(q url.Values) { q.Add("iss", q.Get("iss")) },
	} {
		t.Run(name, func(t *testing.T) {
			a, got := issuerCase(t, "provider", change)
			require.Equal(t, http.StatusBadRequest, got.StatusCode)
			a.requireFailed(consent.ReasonInvalid)
			require.Zero(t, a.exchanges())
		})
	}
}

func TestI4IssuerIsNotLookedAtWhereNoneIsExpected(t *testing.T) {
	_, got := issuerCase(t, "", func(q url.Values) { q.Set("iss", "https://whatever.example") })
	require.Equal(t, http.StatusOK, got.StatusCode)
}

func TestI5IssuerOfAnErrorIsCheckedToo(t *testing.T) {
	a, _ := issuerCase(t, "provider", func(q url.Values) {
		q.Del("code")
		q.Set("error", "access_denied")
		q.Set("iss", "https://evil.example")
	})
	a.requireFailed(consent.ReasonMixUp)
}

func TestI6TokenRequestGoesToTheConfiguredEndpoint(t *testing.T) {
	a := newApp(t, authtest.Config{})
	other := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback := with(a.allow(b, "connector=oauth2"), func(q url.Values) {
		q.Set("token_endpoint", other.provider.TokenURL)
		q.Set("iss", other.provider.URL)
	})
	require.Equal(t, http.StatusOK, b.get(callback).StatusCode)
	require.Equal(t, 1, a.exchanges())
	require.Empty(t, other.provider.Requests(""))
}

func TestX1TemporaryCredentialsNameTheCallback(t *testing.T) {
	a := newApp(t, authtest.Config{})
	a.start(a.newBrowser(), "connector=oauth1")
	header := a.provider.Requests(a.provider.RequestTokenURL)[0].Header.Get("Authorization")
	require.Contains(t, header, `oauth_callback="`+url.QueryEscape(a.config.URL+"/callback")+`"`)
}

func TestX2UnconfirmedCallbackStopsTheConsent(t *testing.T) {
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

func TestX3VerifierIsRequired(t *testing.T) {
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

func TestX3DenialByTheNameOfDenied(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	u, err := url.Parse(a.start(b, "connector=oauth1"))
	require.NoError(t, err)
	got := b.get(a.config.URL + "/callback?denied=" + u.Query().Get("oauth_token"))
	require.Equal(t, http.StatusForbidden, got.StatusCode)
	a.requireFailed(consent.ReasonDenied)
}
