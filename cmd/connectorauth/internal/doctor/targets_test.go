package doctor_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/doctor"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// notFound is a network in which every host answers with 404.
type notFound struct{}

func (notFound) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	return &http.Response{StatusCode: 404, Proto: "HTTP/1.1", Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func TestEachHostHasATurn(t *testing.T) {
	token := &oauth2.Token{AccessToken: "access-token", RefreshToken: "refresh-token"}
	values := func(pairs ...string) accounts.Request {
		r := accounts.Request{Values: map[string]connectorauth.Secret{}}
		for i := 0; i < len(pairs); i += 2 {
			r.Values[pairs[i]] = connectorauth.Secret(pairs[i+1])
		}
		return r
	}
	for name, c := range map[string]struct {
		members string // of the definition
		row     accounts.Row
		want    []string
	}{
		"three hosts": {`"baseUrl": "https://api.acme.example", "methods": [{"name": "oauth", "type": "OAuth2",
				"tokenUrl": "https://login.acme.example/token", "grant": {"authorizationCode": {"authUrl": "https://www.acme.example:444/authorize"}}}]`,
			accounts.Row{Token: token}, []string{"api.acme.example:443 (API)", "login.acme.example:443 (token endpoint)", "www.acme.example:444 (authorization endpoint)"}},
		"one host": {`"baseUrl": "https://acme.example/api", "methods": [{"name": "oauth", "type": "OAuth2",
				"tokenUrl": "https://acme.example/token", "grant": {"deviceCode": {"deviceUrl": "https://acme.example/device"}}}]`,
			accounts.Row{Token: token}, []string{"acme.example:443 (API, token endpoint, authorization endpoint)"}},
		"values in hosts": {`"baseUrl": "https://{team}.acme.example", "inputs": [{"name": "team", "format": "label"}], "methods": [{"name": "app", "type": "OAuth2",
				"tokenUrl": "https://{team}.login.acme.example/{team}/token", "grant": {"clientCredentials": {}}}]`,
			accounts.Row{Request: values("team", "sales")}, []string{"sales.acme.example:443 (API)", "sales.login.acme.example:443 (token endpoint)"}},
		"a whole origin": {`"baseUrl": "{site}", "inputs": [{"name": "site", "format": "origin", "suffixes": [".acme.example"]}], "methods": [{"name": "app", "type": "OAuth2",
				"tokenUrl": "{site}/token", "grant": {"clientCredentials": {}}}]`,
			accounts.Row{Request: values("site", "https://x.acme.example")}, []string{"x.acme.example:443 (API, token endpoint)"}},
		"a login, and another base for the test": {`"baseUrl": "https://api.acme.example", "baseUrls": {"me": "https://me.acme.example"},
				"methods": [{"name": "login", "type": "Session", "places": [{"name": "X-Session"}], "inputs": [{"name": "password", "secret": true}],
				"login": [{"url": "https://login.acme.example/a", "json": {"p": "{password}"}, "capture": {"token": "t"}}]}], "test": {"request": "GET /me", "base": "me"}`,
			accounts.Row{Request: values("password", "the password")},
			[]string{"api.acme.example:443 (API)", "me.acme.example:443 (API)", "login.acme.example:443 (login)"}},
		"OAuth1": {`"baseUrl": "https://api.acme.example", "methods": [{"name": "oauth1", "type": "OAuth1", "requestTokenUrl": "https://api.acme.example/r",
				"authorizeUrl": "https://www.acme.example/a", "accessTokenUrl": "https://api.acme.example/t"}]`,
			accounts.Row{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := program(t, `{"connectorauth": 1, "name": "acme", `+c.members+`}`, c.row, notFound{})
				report, err := doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: "a1"}, nil)
				require.NoError(t, err)
				var got []string
				for _, s := range report.Steps {
					if s.Name == "name resolution" && s.Target != "" {
						got = append(got, s.Target)
					}
				}
				assert.Equal(t, c.want, got)
			})
		})
	}
}

func TestEndpointsOfAnIssuer(t *testing.T) {
	w := newWorld(t)
	finder, err := discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: w.transport}})
	require.NoError(t, err)
	d, err := definition.Parse("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "`+w.p.BearerURL+`",
		"methods": [{"name": "oauth", "type": "OAuth2", "issuer": "`+w.p.URL+`", "grant": {"authorizationCode": {}}}],
		"test": {"request": "GET /me"}}`), definition.Options{})
	require.NoError(t, err)
	set, err := definition.NewSet(d)
	require.NoError(t, err)
	w.mu.Lock()
	w.set = set
	w.mu.Unlock()
	w.config.Finder = finder
	w.connect("oauth")
	r := w.diagnosed(doctor.OK, "")
	assert.Equal(t, w.p.TokenURL, step(r, "token endpoint")[0].Target)
	assert.Equal(t, doctor.OK, step(r, "token endpoint")[0].Outcome)
	assert.Contains(t, step(r, "connection")[0].Target, "(API, token endpoint, authorization endpoint)")
}

func TestTheTokenEndpointThatIsNone(t *testing.T) {
	for name, c := range map[string]struct {
		fault   authtest.Fault
		outcome doctor.Outcome
		cause   doctor.Cause
	}{
		"a page":         {authtest.Answer(200, http.Header{"Content-Type": {"text/html"}}, "<title>Welcome</title>"), doctor.Fault, doctor.CauseTokenURL},
		"a redirect":     {authtest.Answer(302, http.Header{"Location": {"https://www.acme.example/"}}, ""), doctor.Fault, doctor.CauseTokenURL},
		"another method": {authtest.Answer(405, nil, "no"), doctor.Fault, doctor.CauseTokenURL},
		"other words":    {authtest.Answer(400, nil, "bad request"), doctor.Warning, doctor.CauseTokenURL},
		"a fault":        {authtest.Answer(503, nil, "down"), doctor.Fault, doctor.CauseOutage},
		"no answer":      {nil, doctor.Fault, doctor.CauseUnreachable},
		"a form":         {authtest.Answer(400, nil, "error=invalid_grant"), doctor.OK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.connect("oauth")
			if c.fault != nil {
				w.p.Inject(w.p.TokenURL, authtest.Always, c.fault)
			} else {
				w.answer(func(rw http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost {
						panic(http.ErrAbortHandler) // closes the connection
					}
					http.NotFound(rw, r)
				})
			}
			r := w.run()
			s := step(r, "token endpoint")[0]
			assert.Equal(t, c.outcome, s.Outcome, s.Detail)
			assert.Equal(t, c.cause, s.Cause, s.Detail)
		})
	}
}

func TestTheProgramNeedNotHaveAClient(t *testing.T) {
	s := httptest.NewServer(api)
	t.Cleanup(s.Close)
	config := program(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "`+s.URL+`", "methods": [{"name": "none", "type": "None"}], "test": {"request": "GET /me"}}`, accounts.Row{}, nil)
	report, err := doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: "a1"}, nil)
	require.NoError(t, err)
	assert.Equal(t, doctor.OK, report.Outcome)

	t.Run("whatever host the account owner chooses", func(t *testing.T) {
		document := `{"connectorauth": 1, "name": "acme", "baseUrl": "{site}", "inputs": [{"name": "site", "format": "origin", "anyHost": true}],
			"methods": [{"name": "none", "type": "None"}], "test": {"request": "GET /me"}}`
		config := program(t, document, accounts.Row{Request: accounts.Request{Values: map[string]connectorauth.Secret{"site": "https://crm.acme.invalid"}}}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var first doctor.Step
		_, err := doctor.Run(ctx, doctor.Config{Accounts: config, ID: "a1"}, func(s doctor.Step) {
			first = s
			cancel() // before a name is looked up
		})
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, doctor.OK, first.Outcome, "the base is one that definition accepts: %s", first.Detail)
	})
}
