package consent_test

import (
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

func TestCallbackOfAnotherBrowserIsRefused(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a := newApp(t, authtest.Config{}, func(a *app) { a.store = new(tokenstore.Memory) })
		attacker, victim := a.newBrowser(), a.newBrowser()
		callback := a.allow(attacker, "connector="+connector).String()
		a.start(victim, "connector="+connector) // the victim has another consent under way
		got := victim.get(callback)
		require.Equal(t, http.StatusForbidden, got.StatusCode)
		a.requireFailed(consent.ReasonUnknown)
		require.Zero(t, a.exchanges())
		require.Equal(t, http.StatusOK, attacker.get(callback).StatusCode, "the attacker's own browser can still finish")
	})
}

// replay returns n equal requests for the callback. Each request carries the
// present cookies of b, even if the handler deletes the cookies meanwhile.
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

func TestCallbackFinishesAConsentOnce(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a := newApp(t, authtest.Config{})
		b := a.newBrowser()
		callback := a.allow(b, "connector="+connector)
		kept := b.replay(callback, 1)[0]
		require.Equal(t, http.StatusOK, b.get(callback.String()).StatusCode)

		require.Equal(t, http.StatusForbidden, b.get(callback.String()).StatusCode)
		a.requireFailed(consent.ReasonUnknown) // the first callback deleted the cookie
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, kept) // a copy of the cookie is no help
		require.Equal(t, http.StatusConflict, w.Code)
		a.requireFailed(consent.ReasonUsed)
		require.Equal(t, 1, a.exchanges())
	})
}

func TestHundredConcurrentCallbacksFinishOneConsent(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		for _, replicas := range []int{1, 2} {
			t.Run(fmt.Sprintf("replicas=%d", replicas), func(t *testing.T) {
				a := newApp(t, authtest.Config{})
				directory := filepath.Join(t.TempDir(), "store")
				handlers := make([]*consent.Handler, replicas)
				for i := range handlers {
					process := &app{provider: a.provider, grant: a.grant}
					if replicas > 1 { // each has its own store value in one directory, as two processes would have
						store, err := tokenstore.NewFile(directory)
						require.NoError(t, err)
						process.store, process.shared = store, new(connectorauth.Shared)
					}
					a.config.Flow = process.flow
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

func TestStateMissingEmptyOrRepeatedIsRefused(t *testing.T) {
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

func TestUnknownParametersAreIgnored(t *testing.T) {
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

func TestRepeatedParametersAreRefused(t *testing.T) {
	for connector, parameter := range map[string]string{"oauth2": "code", "oauth1": "oauth_verifier"} {
		a := newApp(t, authtest.Config{})
		b := a.newBrowser()
		got := b.get(with(a.allow(b, "connector="+connector), func(q url.Values) { q.Add(parameter, "other") }))
		require.Equal(t, http.StatusBadRequest, got.StatusCode)
		a.requireFailed(consent.ReasonInvalid)
		require.Zero(t, a.exchanges())
	}
}

func TestMalformedCallbacksAreRefused(t *testing.T) {
	a := newApp(t, authtest.Config{})
	for _, query := range []string{"state=%zz", "state=" + strings.Repeat("a", 20<<10), "%00=%00&state=%ff"} {
		r := httptest.NewRequest("GET", a.config.URL+"/callback/oauth2", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		require.Contains(t, []int{http.StatusBadRequest, http.StatusForbidden}, w.Code)
	}
}

func TestCodeIsSentOnceWhateverTheResponse(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		for name, fault := range map[string]authtest.Fault{
			"unavailable": authtest.Answer(503, nil, ""), "lost": authtest.DropAfter(), "never received": authtest.DropBefore(),
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

func TestTokensInTheCallbackAreIgnored(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	authURL, err := url.Parse(a.start(b, "connector=oauth2"))
	require.NoError(t, err)
	require.Equal(t, "code", authURL.Query().Get("response_type"))
	got := b.get(a.config.URL + "/callback/oauth2?access_token=planted&token_type=Bearer&state=" + authURL.Query().Get("state"))
	require.Equal(t, http.StatusBadRequest, got.StatusCode)
	a.requireFailed(consent.ReasonInvalid)
	require.Zero(t, a.exchanges())
}

func TestCallbackForAnotherConnectorIsRefused(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		other := newApp(t, authtest.Config{})
		a := newApp(t, authtest.Config{})
		b := a.newBrowser()
		callback := a.allow(b, "connector="+connector)
		a.config.Flow = other.flow // another person has signed in, or the connector has another configuration
		a.handler = a.newHandler()
		require.Equal(t, http.StatusBadRequest, b.get(callback.String()).StatusCode)
		a.requireFailed(consent.ReasonMixUp)
		require.Zero(t, a.exchanges()+other.exchanges())
	})
}

func TestCallbackCannotChooseTheConnector(t *testing.T) {
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

func TestTokenRequestGoesToTheConfiguredEndpoint(t *testing.T) {
	a := newApp(t, authtest.Config{})
	other := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback := with(a.allow(b, "connector=oauth2"), func(q url.Values) {
		q.Set("token_endpoint", other.provider.TokenURL)
	})
	require.Equal(t, http.StatusOK, b.get(callback).StatusCode)
	require.Equal(t, 1, a.exchanges())
	require.Empty(t, other.provider.Requests(""))
}
