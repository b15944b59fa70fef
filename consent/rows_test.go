package consent_test

// The rows of the project's security checklist for the authorization request
// and its callback (A), PKCE (P), mix-up (I) and OAuth1 (X), as far as they are
// decided here. A18 (the granted scope) is the connector's; A20 (no embedded
// user agent) is for people to keep.

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/require"
)

// both runs a test with the OAuth2 and the OAuth1 connector.
func both(t *testing.T, test func(t *testing.T, connector string)) {
	for _, connector := range []string{"oauth2", "oauth1"} {
		t.Run(connector, func(t *testing.T) { test(t, connector) })
	}
}

func TestA1CallbackOfAnotherBrowserIsRefused(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a := newApp(t, authtest.Config{}, func(a *app) { a.config.Store = new(connectorauth.MemoryStore) })
		attacker, victim := a.newBrowser(), a.newBrowser()
		callback := a.allow(attacker, "connector="+connector).String()
		a.start(victim, "connector="+connector) // has a consent of its own under way
		got := victim.get(callback)
		require.Equal(t, http.StatusForbidden, got.StatusCode)
		a.requireFailed(consent.ReasonUnknown)
		require.Zero(t, a.exchanges())
		require.Equal(t, http.StatusOK, attacker.get(callback).StatusCode, "its own browser may still answer")
	})
}

// replay returns the requests that a browser with the cookies of b would make
// n times over, whatever deletes them meanwhile.
func (b *browser) replay(callback *url.URL, n int) []*http.Request {
	requests := make([]*http.Request, n)
	for i := range requests {
		requests[i] = httptest.NewRequest("GET", callback.String(), nil)
		for _, c := range b.Jar.Cookies(callback) {
			requests[i].AddCookie(c)
		}
	}
	return requests
}

func TestA2CallbackIsTakenOnce(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a := newApp(t, authtest.Config{})
		b := a.newBrowser()
		callback := a.allow(b, "connector="+connector)
		kept := b.replay(callback, 1)[0]
		require.Equal(t, http.StatusOK, b.get(callback.String()).StatusCode)

		require.Equal(t, http.StatusForbidden, b.get(callback.String()).StatusCode)
		a.requireFailed(consent.ReasonUnknown) // the cookie is gone
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, kept) // and does not help who kept it
		require.Equal(t, http.StatusConflict, w.Code)
		a.requireFailed(consent.ReasonUsed)
		require.Equal(t, 1, a.exchanges())
	})
}

func TestA2HundredConcurrentCallbacks(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		for _, replicas := range []int{1, 2} {
			t.Run(fmt.Sprintf("replicas=%d", replicas), func(t *testing.T) {
				a := newApp(t, authtest.Config{})
				directory := filepath.Join(t.TempDir(), "store")
				handlers := make([]*consent.Handler, replicas)
				for i := range handlers {
					if replicas > 1 { // each with a store of its own in the same directory, as processes have
						store, err := tokenstore.NewFile(directory)
						require.NoError(t, err)
						a.config.Store = store
					}
					handlers[i] = a.newHandler()
				}
				b := a.newBrowser()
				a.handler = handlers[0]
				requests := b.replay(a.allow(b, "connector="+connector), 100)
				var statuses [100]int
				var wg sync.WaitGroup
				for i, r := range requests {
					wg.Go(func() {
						w := httptest.NewRecorder()
						handlers[i%replicas].ServeHTTP(w, r)
						statuses[i] = w.Code
					})
				}
				wg.Wait()
				count := map[int]int{}
				for _, status := range statuses {
					count[status]++
				}
				require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: 99}, count)
				require.Equal(t, 1, a.exchanges())
			})
		}
	})
}

func TestA3StateIsLongAndFresh(t *testing.T) {
	a := newApp(t, authtest.Config{})
	seen := map[string]bool{}
	for range 50 {
		u, err := url.Parse(a.start(a.newBrowser(), "connector=oauth2"))
		require.NoError(t, err)
		state, err := base64.RawURLEncoding.DecodeString(u.Query().Get("state"))
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(state), 20)
		require.False(t, seen[string(state)])
		seen[string(state)] = true
	}
}

func TestA4StateMissingEmptyOrRepeatedFailsClosed(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		parameter := map[string]string{"oauth2": "state", "oauth1": "oauth_token"}[connector]
		for name, test := range map[string]struct {
			change func(q url.Values)
			reason consent.Reason
		}{
			"missing":  {func(q url.Values) { q.Del(parameter) }, consent.ReasonInvalid},
			"empty":    {func(q url.Values) { q.Set(parameter, "") }, consent.ReasonInvalid},
			"repeated": {func(q url.Values) { q.Add(parameter, q.Get(parameter)) }, consent.ReasonInvalid},
			"two":      {func(q url.Values) { q.Add(parameter, "other") }, consent.ReasonInvalid},
			"wrong":    {func(q url.Values) { q.Set(parameter, "other") }, consent.ReasonUnknown},
			"longer":   {func(q url.Values) { q.Set(parameter, q.Get(parameter)+"A") }, consent.ReasonUnknown},
		} {
			t.Run(name, func(t *testing.T) {
				a := newApp(t, authtest.Config{})
				b := a.newBrowser()
				callback := a.allow(b, "connector="+connector)
				got := b.get(with(callback, test.change))
				require.Contains(t, []int{http.StatusBadRequest, http.StatusForbidden}, got.StatusCode)
				a.requireFailed(test.reason)
				require.Zero(t, a.exchanges())
			})
		}
	})
}

func TestA5StartIgnoresStateInItsQuery(t *testing.T) {
	a := newApp(t, authtest.Config{})
	u, err := url.Parse(a.start(a.newBrowser(), "connector=oauth2&state=attacker&redirect_uri=https://evil.example"))
	require.NoError(t, err)
	require.NotEqual(t, "attacker", u.Query().Get("state"))
	require.Equal(t, a.config.URL+"/callback", u.Query().Get("redirect_uri"))
}

func TestA6StateAndCookieTellNothingAndCannotBeForged(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2&return_to=/settings")
	cookie := b.Jar.Cookies(callback)[0]
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	require.NoError(t, err)
	state := callback.Query().Get("state")
	for _, word := range []string{"settings", "oauth2", state, "verifier"} {
		require.NotContains(t, string(sealed), word)
		require.NotContains(t, cookie.Name, word)
	}
	require.NotContains(t, state, "settings")
	for i := range sealed {
		forged := bytes.Clone(sealed)
		forged[i] ^= 1
		r := httptest.NewRequest("GET", callback.String(), nil)
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: base64.RawURLEncoding.EncodeToString(forged)})
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		require.Equal(t, http.StatusForbidden, w.Code)
	}
	other := a.allow(b, "connector=oauth2") // nor can a cookie be used for another state
	for _, c := range b.Jar.Cookies(other) {
		if c.Name != cookie.Name {
			r := httptest.NewRequest("GET", other.String(), nil)
			r.AddCookie(&http.Cookie{Name: c.Name, Value: cookie.Value})
			w := httptest.NewRecorder()
			a.handler.ServeHTTP(w, r)
			require.Equal(t, http.StatusForbidden, w.Code)
		}
	}
	require.Zero(t, a.exchanges())
}

func TestA7RedirectURIIsTheSameByteForByte(t *testing.T) {
	a := newApp(t, authtest.Config{}, func(a *app) { a.config.URL += "/A%2EB//c/" })
	b := a.newBrowser()
	authURL, err := url.Parse(a.start(b, "connector=oauth2"))
	require.NoError(t, err)
	callback, err := a.provider.Authorize(authURL.String())
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, b.get(callback.String()).StatusCode)
	form, err := url.ParseQuery(string(a.provider.Requests(a.provider.TokenURL)[0].Body))
	require.NoError(t, err)
	require.Equal(t, authURL.Query().Get("redirect_uri"), form.Get("redirect_uri"))
	require.True(t, strings.HasSuffix(form.Get("redirect_uri"), "/connect/A%2EB//c/callback"), form.Get("redirect_uri"))
}

func TestA8RedirectURIIsHTTPSExceptOnLoopback(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://app.example": true, "http://127.0.0.1:8080": true, "http://[::1]:8080": true, "http://localhost": true,
		"http://app.example": false, "ftp://127.0.0.1": false, "//app.example": false, "http://127.0.0.1.evil.example": false,
		"https://user@app.example": false, "https://app.example/#x": false,
	} {
		_, err := consent.New(consent.Config{URL: address, Keys: [][]byte{testKey},
			Flow: func(*http.Request, string) (consent.Flow, error) { return nil, nil }})
		require.Equal(t, ok, err == nil, "%s: %v", address, err)
	}
}

func TestA10UnknownParametersAreIgnored(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a := newApp(t, authtest.Config{})
		b := a.newBrowser()
		callback := with(a.allow(b, "connector="+connector), func(q url.Values) {
			q["session_state"] = []string{"1", "2"}
			q.Set("connector", "nobody's")
			q.Set("return_to", "https://evil.example")
		})
		got := b.get(callback)
		require.Equal(t, http.StatusOK, got.StatusCode)
		require.NotContains(t, got.body, "evil.example")
	})
}

func TestA11RepeatedParametersAreRefused(t *testing.T) {
	for connector, parameter := range map[string]string{"oauth2": "code", "oauth1": "oauth_verifier"} {
		a := newApp(t, authtest.Config{})
		b := a.newBrowser()
		got := b.get(with(a.allow(b, "connector="+connector), func(q url.Values) { q.Add(parameter, "other") }))
		require.Equal(t, http.StatusBadRequest, got.StatusCode)
		a.requireFailed(consent.ReasonInvalid)
		require.Zero(t, a.exchanges())
	}
}

func TestA12CodeIsSentOnceWhateverTheAnswer(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		for name, fault := range map[string]authtest.Fault{
			"unavailable": authtest.Answer(503, nil, ""), "lost": authtest.DropAfter(), "never heard": authtest.DropBefore(),
			"refused": authtest.Answer(401, http.Header{"Content-Type": {"application/json"}}, `{"error":"invalid_client"}`),
		} {
			t.Run(name, func(t *testing.T) {
				a := newApp(t, authtest.Config{})
				a.provider.Inject(a.provider.TokenURL, 1, fault)
				a.provider.Inject(a.provider.AccessTokenURL, 1, fault)
				b := a.newBrowser()
				callback := a.allow(b, "connector="+connector)
				for _, r := range b.replay(callback, 3) {
					w := httptest.NewRecorder()
					a.handler.ServeHTTP(w, r)
					require.NotEqual(t, http.StatusOK, w.Code)
				}
				require.Equal(t, 1, a.exchanges())
			})
		}
	})
}

func TestA13TokensInTheFrontChannelAreIgnored(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	authURL, err := url.Parse(a.start(b, "connector=oauth2"))
	require.NoError(t, err)
	require.Equal(t, "code", authURL.Query().Get("response_type"))
	got := b.get(a.config.URL + "/callback?access_token=planted&token_type=Bearer&state=" + authURL.Query().Get("state"))
	require.Equal(t, http.StatusBadRequest, got.StatusCode)
	a.requireFailed(consent.ReasonInvalid)
	require.Zero(t, a.exchanges())
}
