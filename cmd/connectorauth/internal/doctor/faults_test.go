package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/doctor"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/stores"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var quiet = log.New(io.Discard, "", 0)

func TestAnAccountThatWorks(t *testing.T) {
	for _, method := range []string{"oauth", "app", "key"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			w.connect(method)
			before := w.p.Stats().TokenRequests
			r := w.diagnosed(doctor.OK, "", "the account works")
			for _, s := range r.Steps {
				assert.Contains(t, []doctor.Outcome{doctor.OK, doctor.Skipped}, s.Outcome, "%s: %s", s.Name, s.Detail)
			}
			for _, request := range w.p.Requests(w.p.TokenURL)[before:] {
				form, err := url.ParseQuery(string(request.Body))
				require.NoError(t, err)
				assert.Contains(t, []string{"", "connectorauth-doctor-no-token"}, form.Get("refresh_token"), "no refresh token is spent")
			}
			assert.NotEmpty(t, step(r, "connection"))
			assert.Equal(t, doctor.OK, step(r, "clock")[0].Outcome)
		})
	}
}

// Each fault is planted into an account that works.
func TestPlantedFaults(t *testing.T) {
	answer := func(status int, contentType, body string, header ...string) func(*world) {
		return func(w *world) {
			w.answer(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", contentType)
				for i := 0; i+1 < len(header); i += 2 {
					rw.Header().Set(header[i], header[i+1])
				}
				rw.WriteHeader(status)
				io.WriteString(rw, body)
			})
		}
	}
	always := func(endpoint func(*world) string, status int, header http.Header, body string) func(*world) {
		return func(w *world) {
			w.p.Inject(endpoint(w), authtest.Always, authtest.Answer(status, header, body))
		}
	}
	bearer := func(w *world) string { return w.p.BearerURL }
	token := func(w *world) string { return w.p.TokenURL }
	key := func(w *world) string { return w.p.KeyHeaderURL }
	const page = "<!DOCTYPE html><html><head><title>Hotel Wi-Fi</title></head><body>Welcome</body></html>"

	for name, c := range map[string]struct {
		method  string
		plant   func(w *world)
		outcome doctor.Outcome
		cause   doctor.Cause
		words   []string
	}{
		"the clock is ahead": {"key", func(w *world) { w.doctor.Now = func() time.Time { return time.Now().Add(2 * time.Hour) } },
			doctor.Warning, doctor.CauseClock, []string{"The account works now, but set the clock", " ahead"}},
		"the clock is behind, and the service refuses": {"key", func(w *world) {
			w.doctor.Now = func() time.Time { return time.Now().Add(-26 * time.Hour) }
			w.p.Inject(w.p.KeyHeaderURL, authtest.Always, authtest.Answer(401, nil, "{}"))
		}, doctor.Fault, doctor.CauseClock, []string{"Set the clock", "behind"}},
		"the grant is revoked": {"oauth", func(w *world) { w.p.RevokeGrants() },
			doctor.Fault, doctor.CauseRevoked, []string{"Connect the account again", "invalid_grant"}},
		"the client secret is wrong, while the token is good": {"oauth", func(w *world) { w.secret = "another secret" },
			doctor.Warning, doctor.CauseClient, []string{"The account works now, but", "client secret"}},
		"the client secret is wrong": {"oauth", func(w *world) {
			w.secret = "another secret"
			w.p.ExpireAccessTokens()
		}, doctor.Fault, doctor.CauseClient, []string{"client secret", "invalid_client"}},
		"the client secret of a client alone is wrong": {"app", func(w *world) {
			w.secret = "another secret"
			w.p.ExpireAccessTokens()
		}, doctor.Fault, doctor.CauseClient, []string{"client secret", "invalid_client"}},
		"the client may not renew": {"oauth", func(w *world) {
			w.p.Inject(w.p.TokenURL, authtest.Always, authtest.Answer(400, nil, `{"error": "unauthorized_client"}`))
			w.p.ExpireAccessTokens()
		}, doctor.Fault, doctor.CauseClient, []string{"Allow the grant type"}},
		"a scope is missing": {"oauth", always(bearer, 403, http.Header{"Www-Authenticate": {`Bearer error="insufficient_scope", scope="admin"`}}, "{}"),
			doctor.Fault, doctor.CauseScope, []string{"scopes", "admin"}},
		"the base URL has nothing": {"key", func(w *world) { w.define(w.front.URL+"/v9", w.front.URL, w.front.URL) },
			doctor.Fault, doctor.CauseBaseURL, []string{"Correct the base URL", "/v9"}},
		"the base URL is that of the website": {"key", func(w *world) {
			w.answer(func(rw http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, "/me") {
					http.NotFound(rw, r)
					return
				}
				rw.Header().Set("Content-Type", "text/html")
				io.WriteString(rw, page)
			})
		}, doctor.Fault, doctor.CauseBaseURL, []string{"no JSON"}},
		"the token URL has nothing": {"oauth", func(w *world) {
			w.p.Inject(w.p.TokenURL, authtest.Always, authtest.Answer(404, nil, "nothing here"))
			w.p.ExpireAccessTokens()
		}, doctor.Fault, doctor.CauseTokenURL, []string{"Correct the token URL"}},
		"the token URL is another one": {"oauth", func(w *world) { w.define(w.front.URL, w.p.URL, w.front.URL) },
			doctor.Fault, doctor.CauseRegistration, []string{"connect the account again"}},
		"nothing listens": {"key", func(w *world) { w.define(closed(w.T), w.front.URL, w.front.URL) },
			doctor.Fault, doctor.CauseUnreachable, []string{"cannot be reached"}},
		"nothing listens at the authorization endpoint": {"oauth", func(w *world) { w.define(w.front.URL, w.front.URL, closed(w.T)) },
			doctor.Warning, doctor.CauseUnreachable, []string{"The account works now"}},
		"a portal answers with its page": {"key", answer(200, "text/html; charset=utf-8", page),
			doctor.Fault, doctor.CauseProxy, []string{"Sign in to this network"}},
		"a portal answers the token endpoint too": {"oauth", answer(200, "text/html", page),
			doctor.Fault, doctor.CauseProxy, []string{"Sign in to this network"}},
		"a network wants a sign-in": {"key", answer(511, "text/html", page),
			doctor.Fault, doctor.CauseProxy, []string{"511"}},
		"a portal redirects": {"key", answer(302, "text/html", "", "Location", "http://portal.wifi.example/login?from=x"),
			doctor.Fault, doctor.CauseProxy, []string{"portal.wifi.example"}},
		"a proxy refuses": {"key", answer(503, "text/html", page, "X-Squid-Error", "ERR_CONNECT_FAIL 111"),
			doctor.Fault, doctor.CauseProxy, []string{"503"}},
		"a proxy wants a password": {"key", answer(407, "text/html", page, "Proxy-Authenticate", "Basic"),
			doctor.Fault, doctor.CauseProxy, []string{"407"}},
		"the service limits requests": {"key", always(key, 429, http.Header{"Retry-After": {"120"}}, "{}"),
			doctor.Fault, doctor.CauseRateLimit, []string{"Wait", "120"}},
		"the token endpoint asks for a pause": {"app", func(w *world) {
			w.p.Inject(w.p.TokenURL, authtest.Always, authtest.Answer(429, http.Header{"Retry-After": {"90"}}, "{}"))
			w.p.ExpireAccessTokens()
		}, doctor.Fault, doctor.CauseRateLimit, []string{"90"}},
		"the token endpoint asks for a pause, and no request disturbs the pause": {"oauth", func(w *world) {
			w.p.Inject(w.p.TokenURL, 1, authtest.Answer(429, http.Header{"Retry-After": {"90"}}, "{}"))
			w.p.ExpireAccessTokens()
		}, doctor.Fault, doctor.CauseRateLimit, []string{"90"}},
		"the scope is unknown": {"app", func(w *world) {
			w.p.Inject(w.p.TokenURL, authtest.Always, authtest.Answer(400, nil, `{"error": "invalid_scope"}`))
			w.p.ExpireAccessTokens()
		}, doctor.Fault, doctor.CauseScope, []string{"invalid_scope"}},
		"the API refuses good tokens": {"oauth", always(bearer, 401, nil, "{}"),
			doctor.Fault, doctor.CauseCredential, []string{"Connect the account again"}},
		"the API is elsewhere": {"key", func(w *world) {
			w.p.Inject(w.p.KeyHeaderURL, authtest.Always, authtest.Answer(302, http.Header{"Location": {w.p.OpenURL}}, ""))
		}, doctor.Fault, doctor.CauseBaseURL, []string{"leads elsewhere"}},
		"the API is at a host that is gone": {"key", func(w *world) {
			w.p.Inject(w.p.KeyHeaderURL, authtest.Always, authtest.Answer(302, http.Header{"Location": {closed(w.T)}}, ""))
		}, doctor.Fault, doctor.CauseBaseURL, []string{"leads to another host, which does not answer"}},
		"a proxy says its name": {"key", answer(403, "text/html", page, "Server", "squid/6.10"),
			doctor.Fault, doctor.CauseProxy, []string{"403"}},
		"the service limits requests and does not say how long": {"key", always(key, 429, nil, "{}"),
			doctor.Fault, doctor.CauseRateLimit, []string{"some minutes"}},
		"the service does not answer in the end": {"key", func(w *world) {
			w.answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		}, doctor.Fault, doctor.CauseUnreachable, []string{"does not answer"}},
		"the program has nothing for the account": {"key", func(w *world) {
			w.config.Connection = func(context.Context, accounts.Account) (definition.Connection, error) {
				return definition.Connection{}, errors.New("the vault is closed")
			}
		}, doctor.Fault, doctor.CauseStore, []string{"step account"}},
		"the service leads in a circle": {"key", always(key, 302, http.Header{"Location": {"me"}}, ""),
			doctor.Fault, doctor.CauseBaseURL, []string{"circle"}},
		"the response has another status": {"key", always(key, 418, nil, ""),
			doctor.Fault, doctor.CauseDefinition, []string{"418"}},
		"the service has a fault": {"key", always(key, 503, nil, "down"),
			doctor.Fault, doctor.CauseOutage, []string{"503", "later"}},
		"the token endpoint has a fault": {"app", func(w *world) {
			w.p.Inject(w.p.TokenURL, authtest.Always, authtest.Answer(500, nil, "down"))
			w.p.ExpireAccessTokens()
		}, doctor.Fault, doctor.CauseOutage, []string{"500"}},
		"the token endpoint limits requests": {"oauth", always(token, 429, http.Header{"Retry-After": {"7"}}, "{}"),
			doctor.Warning, doctor.CauseRateLimit, []string{"The account works now", "7"}},
		"the key is refused": {"key", always(key, 401, nil, "{}"),
			doctor.Fault, doctor.CauseCredential, []string{"apiKey"}},
		"the key is that of somebody else": {"key", func(w *world) {
			w.p.Inject(w.p.KeyHeaderURL, authtest.Always, authtest.EditAnswer(func(v map[string]any) { v["auth_type"] = "eve" }))
		}, doctor.Fault, doctor.CauseIdentity, []string{"as the user of before"}},
		"the response has no identity": {"key", always(key, 200, http.Header{"Content-Type": {"application/json"}}, `{"ok": true}`),
			doctor.Fault, doctor.CauseDefinition, []string{"id and label"}},
		"the key of the store is another": {"key", func(w *world) {
			w.config.Keys = []tokenstore.Key{{ID: "k", Secret: []byte(strings.Repeat("x", 32))}}
		}, doctor.Fault, doctor.CauseStoreKey, []string{"key with which the store was sealed"}},
		"there is no such account": {"key", func(w *world) { w.doctor.ID = "nobody" },
			doctor.Fault, doctor.CauseUnknown, []string{"nobody"}},
		"the store is down": {"key", func(w *world) { w.config.Store = broken{new(tokenstore.Memory)} },
			doctor.Fault, doctor.CauseStore, []string{"step account"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.connect(c.method)
			c.plant(w)
			w.diagnosed(c.outcome, c.cause, c.words...)
		})
	}
}

func TestATokenEndpointThatIsGone(t *testing.T) {
	w := newWorld(t)
	second := httptest.NewServer(w.front.Config.Handler)
	w.define(w.front.URL, second.URL, w.front.URL)
	w.connect("oauth")
	second.Close()
	w.diagnosed(doctor.Warning, doctor.CauseUnreachable, "The account works now", "cannot be reached")
	w.p.ExpireAccessTokens()
	w.diagnosed(doctor.Fault, doctor.CauseUnreachable, "cannot be reached")
}

// broken is a store that cannot be read.
type broken struct{ *tokenstore.Memory }

func (broken) Load(context.Context, string) ([]byte, bool, error) {
	return nil, false, errors.New("the disk is gone")
}

// closed returns a URL at which nothing listens.
func closed(t *testing.T) string {
	t.Helper()
	port, err := stores.FreePort() // which no other test listens at
	require.NoError(t, err)
	return "http://127.0.0.1:" + port
}

func TestAnAccountThatWasNeverConnected(t *testing.T) {
	w := newWorld(t)
	a, err := w.registry().Connect(t.Context(), accounts.Request{Owner: "o", Definition: "acme", Method: "oauth"})
	require.NoError(t, err)
	w.doctor = doctor.Config{ID: a.ID}
	w.diagnosed(doctor.Fault, doctor.CauseNotConnected, "Finish the consent")
}

func TestAnAccountWithoutItsToken(t *testing.T) {
	w := newWorld(t)
	id := w.connect("oauth")
	require.NoError(t, w.config.Store.Delete(t.Context(), id+"/1"))
	w.diagnosed(doctor.Fault, doctor.CauseNotConnected, "Connect the account again")
}

func TestADeadAccountIsNotAskedForAgain(t *testing.T) {
	w := newWorld(t)
	id := w.connect("oauth")
	w.p.RevokeGrants()
	_, err := w.registry().Test(t.Context(), id)
	require.Error(t, err)
	r := w.diagnosed(doctor.Fault, doctor.CauseRevoked, "Connect the account again")
	assert.Equal(t, doctor.Fault, step(r, "record")[0].Outcome)
	assert.Equal(t, doctor.Warning, step(r, "account")[0].Outcome, "the index knows")
}

func TestAScopeThatWasNotGranted(t *testing.T) {
	w := newWorld(t)
	w.p.Inject(w.p.TokenURL, 1, authtest.EditAnswer(func(v map[string]any) { v["scope"] = "read" }))
	w.connect("oauth")
	r := w.diagnosed(doctor.Warning, doctor.CauseScope, "The account works now", "write")
	assert.Contains(t, step(r, "scopes")[0].Detail, "granted: read")

	w.p.Inject(w.p.BearerURL, authtest.Always, authtest.Answer(403, nil, "{}"))
	w.diagnosed(doctor.Fault, doctor.CauseScope, "the grant lacks write")
}

func TestAnHTTPProxyThatWantsAPassword(t *testing.T) {
	for status, word := range map[int]string{407: "user name and password", 502: "does not lead to"} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			w := newWorld(t)
			w.connect("key")
			proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(status) }))
			t.Cleanup(proxy.Close)
			at, err := url.Parse(proxy.URL)
			require.NoError(t, err)
			w.transport = &http.Transport{Proxy: http.ProxyURL(at)}
			w.define("https://api.acme.example", w.front.URL, w.front.URL)
			r := w.diagnosed(doctor.Fault, doctor.CauseProxy, word, at.Host)
			assert.Contains(t, step(r, "connection")[0].Detail, fmt.Sprint(status))
		})
	}
}
