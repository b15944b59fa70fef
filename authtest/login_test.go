package authtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exchange sends a request without following redirects, and returns status, header and body.
func exchange(t *testing.T, p *authtest.Provider, method, to, contentType, body string, header http.Header) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(method, to, strings.NewReader(body))
	require.NoError(t, err)
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := p.Client().Transport.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, resp.Header, string(text)
}

func loginBody(p *authtest.Provider, password string) string {
	text, _ := json.Marshal(map[string]string{"username": p.Username, "password": password})
	return string(text)
}

// sessionOf logs in and returns the response.
func sessionOf(t *testing.T, p *authtest.Provider) (s struct {
	Session   struct{ Token, User string }
	Renewal   string
	ExpiresIn int `json:"expires_in"`
	Expires   time.Time
}) {
	t.Helper()
	status, _, body := exchange(t, p, "POST", p.LoginJSONURL, "application/json", loginBody(p, p.Password), nil)
	require.Equal(t, 200, status, body)
	require.NoError(t, json.Unmarshal([]byte(body), &s))
	return s
}

func TestLoginGivesASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true, SessionLifetime: 10 * time.Minute})
		defer p.Close()
		s := sessionOf(t, p)
		assert.Equal(t, 600, s.ExpiresIn)
		assert.WithinDuration(t, time.Now().Add(10*time.Minute), s.Expires, time.Second)
		for _, header := range []http.Header{
			{"X-Session": {s.Session.Token}}, {"Cookie": {"SID=" + s.Session.Token}}, {"Authorization": {"Bearer " + s.Session.Token}},
		} {
			status, _, body := exchange(t, p, "GET", p.SessionURL, "", "", header)
			assert.Equal(t, 200, status)
			assert.JSONEq(t, fmt.Sprintf(`{"auth_type":"Session","user":%q}`, p.Username), body)
		}
		for _, header := range []http.Header{nil, {"X-Session": {"x"}}, {"X-Session": {s.Session.Token}, "Authorization": {"Bearer " + s.Session.Token}}} {
			status, _, _ := exchange(t, p, "GET", p.SessionURL, "", "", header)
			assert.Equal(t, 401, status)
		}
		time.Sleep(10 * time.Minute)
		status, _, _ := exchange(t, p, "GET", p.SessionURL, "", "", http.Header{"X-Session": {s.Session.Token}})
		assert.Equal(t, 401, status)

		status, _, body := exchange(t, p, "POST", p.SessionRenewURL, "application/x-www-form-urlencoded", "renewal="+s.Renewal, nil)
		require.Equal(t, 200, status, body)
		status, _, _ = exchange(t, p, "POST", p.SessionRenewURL, "application/x-www-form-urlencoded", "renewal="+s.Renewal, nil)
		assert.Equal(t, 401, status, "a renewal token serves once")
		s = sessionOf(t, p)
		for _, want := range []int{204, 401} {
			status, _, _ = exchange(t, p, "POST", p.LogoutURL, "", "", http.Header{"X-Session": {s.Session.Token}})
			assert.Equal(t, want, status)
		}
		stats := p.Stats()
		assert.Equal(t, []int{2, 0, 1, 1}, []int{stats.Logins, stats.LoginsRefused, stats.SessionRenewals, stats.Logouts})
	})
}

func TestAccountIsLockedAfterFiveWrongPasswords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		try := func(password string) int {
			status, _, _ := exchange(t, p, "POST", p.LoginJSONURL, "application/json", loginBody(p, password), nil)
			return status
		}
		for range 4 {
			assert.Equal(t, 401, try("wrong"))
		}
		assert.Equal(t, 200, try(p.Password), "which counts anew")
		for range 5 {
			assert.Equal(t, 401, try("wrong"))
		}
		assert.Equal(t, 423, try(p.Password))
		time.Sleep(30 * time.Minute)
		assert.Equal(t, 200, try(p.Password))
		assert.Equal(t, 10, p.Stats().LoginsRefused)
		assert.Equal(t, 400, func() int {
			status, _, _ := exchange(t, p, "GET", p.LoginJSONURL, "", "", nil)
			return status
		}())
	})
}

func TestLoginsOfOtherShapesAreRefused(t *testing.T) {
	p := authtest.NewProvider(t)
	const form, xml = "application/x-www-form-urlencoded", "text/xml"
	status, header, _ := exchange(t, p, "POST", p.LoginFormURL, form, "username=x&password=y", nil)
	assert.Equal(t, 303, status)
	assert.Contains(t, header.Get("Location"), "failed=1")
	assert.Contains(t, header.Get("Set-Cookie"), "SID=anonymous")
	status, _, body := exchange(t, p, "POST", p.LoginXMLURL, xml, `<tsRequest><credentials name="x" password="y"><site contentUrl=""/></credentials></tsRequest>`, nil)
	assert.Equal(t, 401, status)
	assert.Contains(t, body, "Signin Error")
	for _, document := range []string{"<a/>", "", `<tsRequest><credentials name="x" password="y"/></tsRequest>`} {
		status, _, _ = exchange(t, p, "POST", p.LoginXMLURL, xml, document, nil)
		assert.Equal(t, 400, status, document)
	}
	status, _, _ = exchange(t, p, "POST", p.LoginBasicURL, "", "", nil)
	assert.Equal(t, 401, status)
	status, _, _ = exchange(t, p, "POST", p.LoginAssertionURL, "", "", nil)
	assert.Equal(t, 401, status)

	_, header, body = exchange(t, p, "POST", p.LoginBeginURL, "", "", nil)
	var begun struct{ Data []struct{ Ticket string } }
	require.NoError(t, json.Unmarshal([]byte(body), &begun))
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	finish := p.LoginFinishURL(begun.Data[0].Ticket)
	status, _, _ = exchange(t, p, "POST", finish, "application/json", loginBody(p, p.Password), nil)
	assert.Equal(t, 409, status, "the cookie is missing, and the ticket is used")
	status, _, _ = exchange(t, p, "POST", finish, "application/json", loginBody(p, p.Password), http.Header{"Cookie": {cookie}})
	assert.Equal(t, 409, status)
	assert.Equal(t, 3, p.Stats().LoginsRefused)
	assert.Zero(t, p.Stats().Logins)
}

func TestKeyInThePath(t *testing.T) {
	p := authtest.New(authtest.Config{APIKey: "a/b c"})
	defer p.Close()
	for path, want := range map[string]int{"/a%2Fb%20c": 200, "/a%2Fb%20c/x/y": 200, "/a/b c": 401, "/": 401, "": 401} {
		status, _, _ := exchange(t, p, "GET", strings.TrimSuffix(p.KeyPathURL, "/{key}")+strings.ReplaceAll(path, " ", "%20"), "", "", nil)
		assert.Equal(t, want, status, path)
	}
}
