package session_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/session"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestMain(m *testing.M) {
	child.Main(jobs)
	leaktest.Main(m)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// login is the login of p by JSON.
func login(p *authtest.Provider, edit ...func(*session.Config)) session.Config {
	config := session.Config{
		Login: []session.Request{{
			URL: p.LoginJSONURL, JSON: map[string]any{"username": "{user}", "password": "{password}"},
			Capture: map[string]string{"token": "session.token", "expires": "expires_in", "renewal": "/renewal"},
		}},
		Values:   map[string]connectorauth.Secret{"user": connectorauth.Secret(p.Username), "password": connectorauth.Secret(p.Password)},
		Lifetime: session.Lifetime{Expiry: "expires"}, HTTPClient: p.Client(), Shared: new(connectorauth.Shared),
	}
	for _, e := range edit {
		e(&config)
	}
	return config
}

// use makes one request to the API.
func use(t testing.TB, p *authtest.Provider, c connectorauth.Connector) (status int, err error) {
	t.Helper()
	resp, err := connectorauth.NewClient(c, p.Client()).Get(p.SessionURL)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if resp.StatusCode == 200 {
		var is authtest.Identity
		require.NoError(t, json.Unmarshal(body, &is))
		require.Equal(t, authtest.Identity{AuthType: "Session", User: p.Username}, is)
	}
	return resp.StatusCode, nil
}

func requireUsable(t testing.TB, p *authtest.Provider, c connectorauth.Connector) {
	t.Helper()
	status, err := use(t, p, c)
	require.NoError(t, err)
	require.Equal(t, 200, status)
}

// header places the token in the header X-Session.
var header = []session.Place{{Placement: dialect.Placement{Name: "X-Session"}}}

// cookie places the token in the cookie SID.
var cookie = []session.Place{{Placement: dialect.Placement{In: dialect.InCookie, Name: "SID"}}}

func client(base http.RoundTripper) *http.Client { return &http.Client{Transport: base} }

func base64std(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
func base64url(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func token(access, refresh string) *oauth2.Token {
	return &oauth2.Token{AccessToken: access, RefreshToken: refresh}
}

func formOf(t *testing.T, body string) url.Values {
	t.Helper()
	form, err := url.ParseQuery(body)
	require.NoError(t, err)
	return form
}

// parsedXML returns two attributes and the text of an element a.
func parsedXML(t *testing.T, body string) (b, c, text string) {
	t.Helper()
	var a struct {
		B    string `xml:"b,attr"`
		C    string `xml:"c,attr"`
		Text string `xml:",chardata"`
	}
	require.NoError(t, xml.Unmarshal([]byte(body), &a), body)
	return a.B, a.C, a.Text
}
