package discovery_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	home   = fakehttp.Home
	rfc    = "/.well-known/oauth-authorization-server"
	openID = "/.well-known/openid-configuration"
)

// All places that clients must try, in order: RFC 8414 sections 3.1 and 5, OpenID Connect
// Discovery section 4, and the Model Context Protocol for the order.
func TestPlacesOfServers(t *testing.T) {
	for issuer, places := range map[string][]string{
		home:             {home + rfc, home + openID},
		home + "/":       {home + rfc, home + openID},
		home + "/tenant": {home + rfc + "/tenant", home + openID + "/tenant", home + "/tenant" + openID},
		home + "/a/b%20c": {
			home + rfc + "/a/b%20c", home + openID + "/a/b%20c", home + "/a/b%20c" + openID,
		},
		home + "/tenant/": {home + rfc + "/tenant", home + openID + "/tenant", home + "/tenant" + openID},
	} {
		for i := range places {
			w := newWeb(t, places[i], serve(map[string]any{"issuer": issuer}))
			server, err := w.finder.Server(t.Context(), issuer)
			require.NoError(t, err, "%s at %s", issuer, places[i])
			assert.Equal(t, issuer, server.Issuer)
			assert.Equal(t, places[:i+1], w.asked, "no place after the metadata is asked")
		}
		w := newWeb(t, "nowhere", nil)
		_, err := w.finder.Server(t.Context(), issuer)
		assert.Equal(t, places, w.asked, issuer)
		var failed *discovery.Error
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, 404, failed.StatusCode)
		assert.False(t, failed.Temporary())
		for _, place := range places {
			assert.ErrorContains(t, err, place+": status 404")
		}
	}
}

// RFC 8414 section 3.3, with the one tolerance.
func TestIssuerIsCompared(t *testing.T) {
	for _, test := range []struct {
		issuer, named string
		fine          bool
	}{
		{home, home, true},
		{home, home + "/", true},
		{home + "/", home, true},
		{home + "/tenant", home + "/tenant", true},
		{home + "/tenant", home + "/tenant/", false},
		{home + "/tenant/", home + "/tenant", false},
		{home + "/tenant", home, false},
		{home, home + "/tenant", false},
		{home, home + "//", false},
		{home, strings.ToUpper(home), false},
		{home, home + ":443", false},
		{home, fakehttp.Foreign, false},
		{home, "http://api.example.test", false},
		{home, home + "?", false},
		{home, home + "#", false},
		{home, "", false},
		{home + "/tenant", home + "/%74enant", false},
	} {
		place := home + rfc + strings.TrimSuffix(strings.TrimPrefix(test.issuer, home), "/")
		w := newWeb(t, place, serve(map[string]any{"issuer": test.named}))
		server, err := w.finder.Server(t.Context(), test.issuer)
		if test.fine {
			require.NoError(t, err, "%v", test)
			assert.Equal(t, test.named, server.Issuer, "the issuer of callbacks is that of the metadata")
			continue
		}
		require.ErrorContains(t, err, "section 3.3", "%v", test)
	}
}

func TestIssuersThatAreRefused(t *testing.T) {
	for issuer, want := range map[string]string{
		"":                                 "absolute URL",
		"accounts.example.com":             "absolute URL",
		"http://accounts.example.com":      "https",
		"ftp://accounts.example.com":       "https",
		home + "?tenant=a":                 "no query",
		home + "?":                         "no query",
		home + "#a":                        "fragment",
		"https://user@api.example.test":    "user name",
		home + "/a/../b":                   "segment",
		home + "/a/%2e%2e/b":               "segment",
		home + "/a b":                      "space",
		"https://api.example.test\n/token": "line break",
	} {
		w := newWeb(t, "nowhere", nil)
		_, err := w.finder.Server(t.Context(), issuer)
		assert.ErrorContains(t, err, want, issuer)
		assert.Empty(t, w.asked)
	}
}

func TestResponsesThatAreNoMetadata(t *testing.T) {
	right := `{"issuer": "` + home + `", "token_endpoint": "` + home + `/token"}`
	with := func(members string) http.HandlerFunc {
		return text(200, "application/json", strings.TrimSuffix(right, "}")+`, `+members+`}`)
	}
	for name, test := range map[string]struct {
		respond http.HandlerFunc
		want    string
	}{
		"redirect to itself": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, rfc, http.StatusFound) }, "redirect"},
		"redirect elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, fakehttp.Foreign+rfc, http.StatusPermanentRedirect)
		}, "redirect"},
		"page":                {text(200, "text/html; charset=utf-8", right), `Content-Type is "text/html"`},
		"text":                {text(200, "text/plain", right), `Content-Type is "text/plain"`},
		"no content type":     {text(200, "", right), "Content-Type"},
		"other JSON":          {text(200, "application/jose+jwt", right), "Content-Type"},
		"nothing":             {text(200, "application/json", ""), "not a JSON object"},
		"list":                {text(200, "application/json", "["+right+"]"), "not a JSON object"},
		"null":                {text(200, "application/json", "null"), "not a JSON object"},
		"two objects":         {text(200, "application/json", right+right), "not a JSON object"},
		"torn":                {text(200, "application/json", right[:40]), "not a JSON object"},
		"no content":          {text(204, "application/json", ""), "not a JSON object"},
		"created":             {text(500, "application/json", right), "status 500"},
		"huge":                {text(200, "application/json", `{"a": "`+strings.Repeat("a", 1<<20)+`", `+right[1:]), "longer than"},
		"issuer twice":        {with(`"issuer": "` + home + `"`), `"issuer" is there twice`},
		"twice further down":  {with(`"x": [{"a": {"b": 1, "c": [], "b": 2}}]`), `"b" is there twice`},
		"escaped twice":       {with(`"iss\u0075er": "` + home + `"`), `"issuer" is there twice`},
		"upper case":          {text(200, "application/json", strings.Replace(right, "issuer", "Issuer", 1)), "section 3.3"},
		"number for text":     {with(`"jwks_uri": 1`), "jwks_uri is no string"},
		"text for list":       {with(`"scopes_supported": "a b"`), "scopes_supported is no list of strings"},
		"text for boolean":    {with(`"authorization_response_iss_parameter_supported": "true"`), "is no boolean"},
		"plain http":          {with(`"authorization_endpoint": "http://api.example.test/a"`), "authorization_endpoint: plain http"},
		"script":              {with(`"authorization_endpoint": "javascript:alert(1)"`), "authorization_endpoint: want an absolute URL"},
		"file":                {with(`"registration_endpoint": "file:///etc/passwd"`), "registration_endpoint: want an absolute URL"},
		"fragment":            {with(`"revocation_endpoint": "https://api.example.test/#a"`), "revocation_endpoint"},
		"loopback":            {with(`"registration_endpoint": "http://127.0.0.1:8080/"`), "registration_endpoint: leads to loopback"},
		"loopback with TLS":   {with(`"registration_endpoint": "https://localhost/"`), "registration_endpoint: leads to loopback"},
		"loopback of aliases": {with(`"mtls_endpoint_aliases": {"token_endpoint": "https://[::1]/"}`), "mtls_endpoint_aliases.token_endpoint: leads to loopback"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWeb(t, home+rfc, test.respond)
			_, err := w.finder.Server(t.Context(), home)
			require.ErrorContains(t, err, test.want)
			assert.Equal(t, []string{home + rfc, home + openID}, w.asked, "redirects are not followed, and the next place is tried")
			var failed *discovery.Error
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, name == "created", failed.Temporary())
			assert.Equal(t, name == "created", strings.Contains(err.Error(), home+rfc+": status"), "the status is a reason where there is no other")
		})
	}
	for name, respond := range map[string]http.HandlerFunc{
		"with a charset":   text(200, "Application/JSON; charset=UTF-8", right),
		"another type":     text(200, "application/oauth-server+json", right),
		"byte order mark":  text(200, "application/json", "\ufeff"+right),
		"unknown members":  with(`"ISSUER": "other", "x": {"issuer": "y"}, "signed_metadata": "e30.e30."`),
		"null":             with(`"jwks_uri": null, "scopes_supported": null`),
		"another endpoint": with(`"authorization_endpoint": "https://other.example.test/authorize?a=b"`),
	} {
		server, err := newWeb(t, home+rfc, respond).finder.Server(t.Context(), home)
		if assert.NoError(t, err, name) {
			assert.Equal(t, home+"/token", server.TokenEndpoint)
		}
	}
}

// A server without end, and a server without words.
func TestSlowResponsesEnd(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		p.Inject(p.MetadataURL, 1, authtest.Delay(time.Hour))
		began := time.Now()
		_, err := finderOf(t, p).Server(t.Context(), p.URL)
		require.Error(t, err)
		assert.Equal(t, 30*time.Second, time.Since(began), "and no other place is tried")
		var failed *discovery.Error
		require.ErrorAs(t, err, &failed)
		assert.True(t, failed.Temporary())
		assert.Zero(t, failed.StatusCode)

		p.Inject(p.MetadataURL, 1, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				for r.Context().Err() == nil {
					w.Write([]byte(" "))
					http.NewResponseController(w).Flush()
					time.Sleep(time.Second)
				}
			})
		})
		began = time.Now()
		_, err = finderOf(t, p).Server(t.Context(), p.URL)
		require.NoError(t, err, "the next place has the metadata")
		assert.Equal(t, 30*time.Second, time.Since(began))
	})
}

// An outage is no word about the place.
func TestOutageIsTemporary(t *testing.T) {
	p := authtest.NewProvider(t)
	p.Inject(p.MetadataURL, 1, authtest.Answer(503, http.Header{"Retry-After": {"7"}}, ""))
	p.Inject(p.OpenIDMetadataURL, 1, authtest.Answer(404, nil, ""))
	_, err := finderOf(t, p).Server(t.Context(), p.URL)
	var failed *discovery.Error
	require.ErrorAs(t, err, &failed)
	assert.True(t, failed.Temporary())
	assert.ErrorContains(t, err, "status 503")
	assert.ErrorContains(t, err, "status 404")
}

// Without an HTTPClient, a Finder reaches public addresses only.
func TestFinderReachesPublicAddressesOnly(t *testing.T) {
	p := authtest.NewProvider(t)
	finder := must(discovery.New(discovery.Config{}))
	_, err := finder.Server(t.Context(), p.URL)
	var refused *egress.Error
	require.ErrorAs(t, err, &refused)
	_, err = finder.Resource(t.Context(), p.BearerURL, nil)
	require.ErrorAs(t, err, &refused)
	_, err = finder.Register(t.Context(), &discovery.Server{Issuer: p.URL, RegistrationEndpoint: p.RegisterURL},
		discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{RedirectURIs: []string{"https://app.example/"}}})
	require.ErrorAs(t, err, &refused)
	assert.Empty(t, p.Requests(""))
}

// A transport that panics fails the call, and the next call works.
func TestPanicOfATransport(t *testing.T) {
	broken := true
	p := authtest.NewProvider(t)
	finder := must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if broken {
			panic("a secret")
		}
		return p.Client().Transport.RoundTrip(req)
	})}}))
	_, err := finder.Server(t.Context(), p.URL)
	require.ErrorContains(t, err, "panic of type string")
	broken = false
	_, err = finder.Server(t.Context(), p.URL)
	require.NoError(t, err)
}

// The query of a URL may have a secret.
func TestErrorsShowNoQuery(t *testing.T) {
	w := newWeb(t, "nowhere", nil)
	_, err := w.finder.Resource(t.Context(), home+"/a?key=hidden-word", nil)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hidden-word")
	u, _ := url.Parse(w.asked[0])
	assert.Equal(t, "key=hidden-word", u.RawQuery)
}
