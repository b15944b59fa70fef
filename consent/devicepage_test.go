package consent_test

import (
	"errors"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// onDevice runs test with an application in a bubble, whose connectors are on another device.
func onDevice(t *testing.T, test func(t *testing.T, a *app)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := &app{t: t, provider: authtest.New(authtest.Config{InMemory: true}), store: new(tokenstore.Memory), shared: new(connectorauth.Shared)}
		defer a.provider.Close()
		a.grant.AuthURL = a.provider.AuthURL
		a.config = consent.Config{
			URL: "https://app.example/connect", Keys: []connectorauth.Secret{testKey},
			Flow: func(r *http.Request, connector string) (consent.Flow, error) {
				if connector == "oauth2" {
					return a.flow(r, connector)
				}
				return a.device("alice"), nil
			},
			Done: func(_ *http.Request, result consent.Result) error {
				a.results = append(a.results, result)
				return nil
			},
		}
		a.handler = a.newHandler()
		test(t, a)
	})
}

// newOwnBrowser returns a browser that reaches the application through memory.
func (a *app) newOwnBrowser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(a.t, err)
	return &browser{&http.Client{
		Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			a.handler.ServeHTTP(w, req)
			resp := w.Result()
			resp.Request = req
			return resp, nil
		}),
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, a.t}
}

// look looks at the page again, when the page itself would.
func (b *browser) look(page response) response {
	b.t.Helper()
	seconds, err := strconv.Atoi(page.Header.Get("Refresh"))
	require.NoError(b.t, err)
	time.Sleep(time.Duration(seconds) * time.Second)
	return b.get(page.Request.URL.String())
}

// device returns the connector of a person.
func (a *app) device(person string) *connectorauth.OAuth2 {
	p := a.provider
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.DeviceCode{DeviceURL: p.DeviceURL}, HTTPClient: p.Client(), Store: a.store, Account: person + "/device", Shared: a.shared,
	})
	require.NoError(a.t, err)
	return c
}

var userCode = regexp.MustCompile(`[A-Z2-7]{4}-[A-Z2-7]{4}`)

func TestDevicePage(t *testing.T) {
	for name, test := range map[string]struct {
		decide func(p *authtest.Provider, code string) error
		status int
		reason consent.Reason
	}{
		"allowed": {decide: (*authtest.Provider).AuthorizeDevice, status: http.StatusOK},
		"denied":  {decide: (*authtest.Provider).DenyDevice, status: http.StatusForbidden, reason: consent.ReasonDenied},
		"late":    {status: http.StatusGone, reason: consent.ReasonExpired},
	} {
		t.Run(name, func(t *testing.T) {
			onDevice(t, func(t *testing.T, a *app) {
				b := a.newOwnBrowser()
				page := a.start(b, "connector=a%20device&popup=0a&language=de")
				require.True(t, strings.HasPrefix(page, a.config.URL+"/device?consent="), page)
				got := b.get(page)
				require.Equal(t, http.StatusOK, got.StatusCode, got.body)
				assert.Contains(t, got.body, "Ihr Code ist ")
				assert.Contains(t, html.UnescapeString(got.body), "Öffnen Sie "+a.provider.URL+"/device auf")
				assert.Regexp(t, `<a id="open" href="`+a.provider.URL+`/device[^"]*" target="_blank" rel="noopener noreferrer">Seite öffnen</a>`, got.body)
				policy := got.Header.Get("Content-Security-Policy")
				assert.Contains(t, policy, "default-src 'none'")
				assert.NotContains(t, policy, "unsafe")
				assert.Contains(t, got.body, `data-outcome=""`, "nobody is told yet")
				code := userCode.FindString(got.body)
				require.NotEmpty(t, code)
				got = b.look(got)
				assert.Equal(t, code, userCode.FindString(got.body), "the code stays")
				assert.Len(t, a.provider.Requests(a.provider.TokenURL), 1)
				assert.Empty(t, a.results)

				if test.decide != nil {
					require.NoError(t, test.decide(a.provider, code))
				} else {
					time.Sleep(10 * time.Minute)
				}
				got = b.look(got)
				require.Equal(t, test.status, got.StatusCode, got.body)
				assert.Empty(t, got.Header.Get("Refresh"))
				assert.Contains(t, got.body, `data-popup="0a"`)
				assert.Equal(t, "a device", a.last().Connector)
				_, err := a.device("alice").Token(t.Context())
				if test.reason != "" {
					a.requireFailed(test.reason)
					require.ErrorIs(t, err, connectorauth.ErrNotConnected)
				} else {
					require.NoError(t, a.last().Err)
					require.NoError(t, err)
				}
				require.Equal(t, http.StatusForbidden, b.get(page).StatusCode, "the consent is over")
				a.requireFailed(consent.ReasonUnknown)
			})
		})
	}
}

// The page asks no earlier than the provider allows, and says when to look again.
func TestDevicePageIsPatient(t *testing.T) {
	onDevice(t, func(t *testing.T, a *app) {
		b := a.newOwnBrowser()
		page := a.start(b, "connector=device")
		for range 3 {
			got := b.get(page)
			require.Equal(t, http.StatusOK, got.StatusCode)
			assert.Equal(t, "5", got.Header.Get("Refresh"))
		}
		assert.Empty(t, a.provider.Requests(a.provider.TokenURL))
		assert.Contains(t, b.get(page).body, "Your code is ")
	})
}

// After the consent, the browser goes where the start said.
func TestDevicePageLeadsBack(t *testing.T) {
	onDevice(t, func(t *testing.T, a *app) {
		b := a.newOwnBrowser()
		got := b.get(a.start(b, "connector=device&return_to=/settings"))
		assert.Contains(t, got.body, `<a id="back" href="https://app.example/settings">`)
		require.NoError(t, a.provider.AuthorizeDevice(userCode.FindString(got.body)))
		got = b.look(got)
		require.Equal(t, http.StatusSeeOther, got.StatusCode)
		assert.Equal(t, "https://app.example/settings", got.Header.Get("Location"))
	})
}

// Only the browser of the start sees the code, and only the person who has begun goes on.
func TestDevicePageIsOfOneBrowserAndPerson(t *testing.T) {
	onDevice(t, func(t *testing.T, a *app) {
		b := a.newOwnBrowser()
		page := a.start(b, "connector=device")
		code := userCode.FindString(b.get(page).body)
		require.NoError(t, a.provider.AuthorizeDevice(code))
		time.Sleep(5 * time.Second)
		for _, address := range []string{page, page + "x", a.config.URL + "/device", a.config.URL + "/device?consent="} {
			got := a.newOwnBrowser().get(address)
			assert.Equal(t, http.StatusForbidden, got.StatusCode)
			assert.NotContains(t, got.body, code)
			a.requireFailed(consent.ReasonUnknown)
		}
		resp, err := b.Head(page)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode, "a HEAD ends no consent")

		flow := a.config.Flow
		var person consent.Flow
		a.config.Flow = func(*http.Request, string) (consent.Flow, error) {
			if person == nil {
				return nil, consent.ErrNotAllowed
			}
			return person, nil
		}
		a.handler = a.newHandler()
		assert.Equal(t, http.StatusForbidden, b.get(page).StatusCode)
		a.requireFailed(consent.ReasonNotAllowed)
		person = a.device("bob")
		assert.Equal(t, http.StatusBadRequest, b.get(page).StatusCode)
		a.requireFailed(consent.ReasonMixUp)
		a.config.Flow = flow
		a.handler = a.newHandler()
		assert.Equal(t, http.StatusOK, b.get(page).StatusCode, "the person who has begun goes on")
		require.NoError(t, a.last().Err)
		_, err = a.device("bob").Token(t.Context())
		require.ErrorIs(t, err, connectorauth.ErrNotConnected)
	})
}

// A consent on another device and one in the browser do not stand for each other.
func TestDevicePageIsForDevicesAlone(t *testing.T) {
	onDevice(t, func(t *testing.T, a *app) {
		b := a.newOwnBrowser()
		authURL, err := url.Parse(a.start(b, "connector=oauth2"))
		require.NoError(t, err)
		assert.Equal(t, http.StatusForbidden, b.get(a.config.URL+"/device?consent="+authURL.Query().Get("state")).StatusCode)
		a.requireFailed(consent.ReasonUnknown)
		id := strings.TrimPrefix(a.start(b, "connector=device"), a.config.URL+"/device?consent=")
		for _, callback := range []string{"/callback/device?code=c&state=", "/callback?code=c&state="} {
			assert.Equal(t, http.StatusForbidden, b.get(a.config.URL+callback+id).StatusCode)
			a.requireFailed(consent.ReasonUnknown)
		}
		assert.Empty(t, a.provider.Requests(a.provider.TokenURL))
	})
}

// A provider that is down ends nothing: the page waits longer.
func TestDevicePageOutlivesAnOutage(t *testing.T) {
	onDevice(t, func(t *testing.T, a *app) {
		b := a.newOwnBrowser()
		got := b.get(a.start(b, "connector=device"))
		code := userCode.FindString(got.body)
		a.provider.Inject(a.provider.TokenURL, 1, authtest.Answer(http.StatusServiceUnavailable, nil, "down"))
		got = b.look(got)
		require.Equal(t, http.StatusOK, got.StatusCode)
		assert.Equal(t, "10", got.Header.Get("Refresh"))
		require.NoError(t, a.provider.AuthorizeDevice(code))
		require.Equal(t, http.StatusOK, b.look(got).StatusCode)
		require.NoError(t, a.last().Err)

		a.provider.Inject(a.provider.DeviceURL, 1, authtest.Answer(http.StatusServiceUnavailable, nil, "down"))
		require.Equal(t, http.StatusBadGateway, b.get(a.config.URL+"/start?connector=device").StatusCode)
		a.requireFailed(consent.ReasonProvider)
	})
}

// Texts of the program's own keep the code and the address.
func TestTextsForADeviceHaveTheCode(t *testing.T) {
	for want, text := range map[string]consent.Text{
		"": {Title: "{code}!", Message: "{address}!"}, `lacks {code}`: {Title: "Type the code"}, `lacks {address}`: {Message: "Open the page"},
		`"code" is unknown`: {Message: "{address} {code}"},
	} {
		_, err := consent.New(consent.Config{URL: "https://app.example", Keys: []connectorauth.Secret{testKey},
			Flow:  func(*http.Request, string) (consent.Flow, error) { return nil, nil },
			Pages: consent.Pages{Languages: map[string]consent.Messages{"en": {Device: text}}}})
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, "Device: ")
		require.ErrorContains(t, err, want)
	}
}

// A look that cannot ask the provider ends nothing: a database that is down, or a process that
// ends. The person may be typing the code.
func TestDevicePageOutlivesItsProgram(t *testing.T) {
	onDevice(t, func(t *testing.T, a *app) {
		b := a.newOwnBrowser()
		got := b.get(a.start(b, "connector=device"))
		code := userCode.FindString(got.body)
		require.NoError(t, a.provider.AuthorizeDevice(code))
		require.NoError(t, a.shared.Shutdown(t.Context()))
		got = b.look(got)
		require.Equal(t, http.StatusOK, got.StatusCode, got.body)
		assert.Equal(t, "10", got.Header.Get("Refresh"))
		assert.Equal(t, code, userCode.FindString(got.body))
		a.shared = new(connectorauth.Shared)
		flow := a.config.Flow
		a.config.Flow = func(*http.Request, string) (consent.Flow, error) { return nil, errors.New("the database is down") }
		a.handler = a.newHandler()
		got = b.look(got)
		require.Equal(t, http.StatusOK, got.StatusCode, got.body)
		assert.Equal(t, code, userCode.FindString(got.body))
		assert.Empty(t, a.results)
		a.config.Flow = flow
		a.handler = a.newHandler()
		require.Equal(t, http.StatusOK, b.look(got).StatusCode)
		require.NoError(t, a.last().Err)
	})
}

// What the program cannot say until the code has expired is an error in the end.
func TestDevicePageDoesNotWaitForEver(t *testing.T) {
	onDevice(t, func(t *testing.T, a *app) {
		b := a.newOwnBrowser()
		got := b.get(a.start(b, "connector=device"))
		a.config.Flow = func(*http.Request, string) (consent.Flow, error) { return nil, errors.New("the database is down") }
		a.handler = a.newHandler()
		for looks := 0; got.Header.Get("Refresh") != ""; looks++ {
			require.Less(t, looks, 1000)
			got = b.look(got)
		}
		a.requireFailed(consent.ReasonInternal)
	})
}
