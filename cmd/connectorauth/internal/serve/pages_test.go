package serve_test

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/serve"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A browser is a client with cookies that sends what browsers send.
type browser struct {
	*http.Client
	t *testing.T
}

func newBrowser(t *testing.T) browser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return browser{&http.Client{Transport: transport, Jar: jar}, t}
}

// open sends a request of a page, and returns the status, the URL after redirects, and the
// body. A non-nil form is sent.
func (b browser) open(to, site string, form url.Values) (status int, at, body string) {
	method, text := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, text = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, to, text)
	require.NoError(b.t, err)
	r.Header.Set("Sec-Fetch-Site", site)
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.Do(r)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return resp.StatusCode, resp.Request.URL.Path, string(content)
}

func TestTheLinkSignsInOnce(t *testing.T) {
	w := newWorld(t)
	link := w.Link()
	assert.NotContains(t, link, string(w.Token()))
	b := newBrowser(t)
	status, _, body := b.open(w.URL()+"/", "none", nil)
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Contains(t, body, "Sign in")

	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, link, nil)
	require.NoError(t, err)
	resp, err := transport.RoundTrip(r)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode, "a look at the link does not use the link up")

	status, at, body := b.open(link, "none", nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "/-/accounts/", at)
	assert.Contains(t, body, "echo")
	for _, path := range []string{"/", "/-/", "/-/accounts", "/-/accounts/"} {
		status, _, body = b.open(w.URL()+path, "none", nil)
		assert.Equal(t, http.StatusOK, status, path)
		assert.Contains(t, body, "echo", path)
	}
	status, _, body = newBrowser(t).open(link, "none", nil)
	assert.Equal(t, http.StatusForbidden, status)
	assert.Contains(t, body, "This link was used, or is too old.")
	status, _, _ = newBrowser(t).open(w.Link()+"x", "none", nil)
	assert.Equal(t, http.StatusForbidden, status)
}

func TestALinkEnds(t *testing.T) {
	listeners, err := serve.Listen(t.Context(), 0, false)
	require.NoError(t, err)
	defer listeners[0].Close()
	registry := newWorld(t).registry
	synctest.Test(t, func(t *testing.T) {
		s, err := serve.New(serve.Config{Listeners: listeners, Registry: registry, Owner: "ada"})
		require.NoError(t, err)
		for pause, status := range map[time.Duration]int{10*time.Minute - 1: http.StatusSeeOther, 10 * time.Minute: http.StatusForbidden} {
			link := s.Link()
			time.Sleep(pause)
			s.Link() // which forgets old ones
			r, err := http.NewRequest("GET", link, nil)
			require.NoError(t, err)
			w := newRecorder()
			s.ServeHTTP(w, r)
			assert.Equal(t, status, w.status, pause)
		}
	})
}

// A recorder is a ResponseWriter that keeps the status.
type recorder struct {
	header http.Header
	status int
}

func newRecorder() *recorder                          { return &recorder{header: http.Header{}} }
func (r *recorder) Header() http.Header               { return r.header }
func (r *recorder) WriteHeader(status int)            { r.status = status }
func (r *recorder) Write(p []byte) (n int, err error) { return len(p), nil }

func TestTheTokenSignsIn(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t)
	for site, token := range map[string]string{"same-origin": "wrong", "cross-site": string(w.Token()), "same-site": string(w.Token())} {
		status, _, _ := b.open(w.URL()+"/-/sign-in", site, url.Values{"token": {token}})
		assert.Equal(t, http.StatusForbidden, status, site)
	}
	status, at, _ := b.open(w.URL()+"/-/sign-in", "same-origin", url.Values{"token": {string(w.Token()) + "\n"}})
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "/-/accounts/", at)
	u, err := url.Parse(w.URL() + "/-/")
	require.NoError(t, err)
	for _, c := range b.Jar.Cookies(u) {
		assert.NotEqual(t, string(w.Token()), c.Value)
	}
	u.Path = "/echo/x"
	assert.Empty(t, b.Jar.Cookies(u), "no service sees the cookie")
}

func TestTheCookie(t *testing.T) {
	w := newWorld(t)
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.Link(), nil)
	require.NoError(t, err)
	resp, err := transport.RoundTrip(r)
	require.NoError(t, err)
	resp.Body.Close()
	require.Len(t, resp.Cookies(), 1)
	cookie := resp.Cookies()[0]
	assert.Equal(t, []any{"connectorauth_" + mustPort(w), "/-/", true, http.SameSiteLaxMode, ""},
		[]any{cookie.Name, cookie.Path, cookie.HttpOnly, cookie.SameSite, cookie.Domain})
	assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"))

	r = w.request("GET", "/echo/x", nil)
	r.Header.Del("Authorization")
	r.AddCookie(cookie)
	assert.Equal(t, "token_missing", w.refused(r, http.StatusUnauthorized).Code, "the cookie opens no service")
}

func TestPagesOfOthersDoNothing(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t)
	b.open(w.Link(), "none", nil)
	status, _, _ := b.open(w.URL()+"/-/accounts/disconnect", "cross-site", url.Values{"id": {"echo"}})
	assert.Equal(t, http.StatusForbidden, status)
	status, _, _ = b.open(w.URL()+"/-/accounts/disconnect", "same-site", url.Values{"id": {"echo"}}) // another port of this machine
	assert.Equal(t, http.StatusForbidden, status)
	_, err := w.registry.Get(t.Context(), "echo")
	assert.NoError(t, err)
	status, _, _ = b.open(w.URL()+"/-/accounts/account?id=second", "same-origin", nil)
	assert.Equal(t, http.StatusNotFound, status, "the account is another person's")
}

func TestPagesHaveOneHost(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t)
	local := strings.Replace(w.Link(), "127.0.0.1", "localhost", 1)
	status, at, _ := b.open(local, "none", nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "/-/accounts/", at)
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.URL()+"/-/accounts/", nil)
	require.NoError(t, err)
	r.Host = "evil.example:" + mustPort(w)
	assert.Equal(t, "wrong_host", w.refused(r, http.StatusMisdirectedRequest).Code)
}

// A consent from the click to the page of the account, on a browser that has signed in.
func TestAConsentOnThePages(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t)
	b.open(w.Link(), "none", nil)
	b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), w.URL()) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.URL()+"/-/accounts/start?connector=waiting&return_to=/-/accounts/account%3Fid%3Dwaiting", nil)
	require.NoError(t, err)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := b.Do(r)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusSeeOther, resp.StatusCode)
	callback, err := w.provider.Authorize(resp.Header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, "/-/accounts/callback/mail", callback.Path)

	status, _, _ := newBrowser(t).open(callback.String(), "cross-site", nil)
	assert.NotEqual(t, http.StatusOK, status, "the callback is of no use in another browser")
	status, at, body := b.open(callback.String(), "cross-site", nil)
	assert.Equal(t, http.StatusOK, status, body)
	assert.Equal(t, "/-/accounts/account", at)
	resp2, text := w.send(w.request("GET", "/waiting/me", nil))
	assert.Equal(t, http.StatusOK, resp2.StatusCode, text)
}

// A program with the token may use the JSON API of the pages.
func TestProgramsListAccounts(t *testing.T) {
	w := newWorld(t)
	resp, body := w.send(w.request("GET", "/-/accounts/api/accounts", nil))
	assert.Equal(t, http.StatusOK, resp.StatusCode, body)
	assert.Contains(t, body, `"echo"`)
	assert.NotContains(t, body, "second")
	r := w.request("GET", "/-/accounts/api/accounts", nil)
	r.Header.Del("Authorization")
	assert.Equal(t, "token_missing", w.refused(r, http.StatusUnauthorized).Code)
}

// The port 80 is not written in URLs and hosts, so browsers leave the port out.
func TestPort80(t *testing.T) {
	s, err := serve.New(serve.Config{Listeners: []net.Listener{port80{}}, Registry: newWorld(t).registry, Owner: "ada"})
	require.NoError(t, err)
	assert.Equal(t, "http://127.0.0.1", s.URL())
	for host, status := range map[string]int{
		"127.0.0.1": http.StatusOK, "[::1]": http.StatusSeeOther, "localhost": http.StatusSeeOther, "localhost:80": http.StatusSeeOther,
		"localhost:8080": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest,
	} {
		r, err := http.NewRequest("GET", "/-/sign-in", nil)
		require.NoError(t, err)
		r.Host = host
		w := newRecorder()
		s.ServeHTTP(w, r)
		assert.Equal(t, status, w.status, host)
	}
}

// A port80 is a listener as of a program that may use the port.
type port80 struct{ net.Listener }

func (port80) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// What everybody may send: callbacks, whose sender proves more than a cookie can, and the
// request for the script.
func TestWithoutSignIn(t *testing.T) {
	w := newWorld(t)
	b := newBrowser(t)
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	status, _, body := b.open(w.URL()+"/-/accounts/callback/mail", "cross-site", url.Values{"code": {"c"}, "state": {"s"}})
	assert.Equal(t, http.StatusSeeOther, status, "a callback as a form comes without a cookie, and goes on as GET: %s", body)
	status, _, body = b.open(w.URL()+"/-/accounts/connect.js", "same-origin", nil)
	assert.Equal(t, http.StatusOK, status, body)
	for _, path := range []string{"/-/accounts/start?connector=waiting", "/-/accounts/device?connector=waiting", "/-/accounts/api/accounts", "/-/accounts/callbackx"} {
		status, _, body = b.open(w.URL()+path, "same-origin", nil)
		assert.Equal(t, http.StatusUnauthorized, status, path)
		assert.Contains(t, body, "Sign in", path)
	}
	status, _, _ = b.open(w.URL()+"/-/sign-in", "same-origin", url.Values{"a": {strings.Repeat("a", 5000)}, "token": {string(w.Token())}})
	assert.Equal(t, http.StatusForbidden, status, "the form is too long")

	r := w.request("GET", "/-/accounts/api/accounts", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, _ := w.send(r)
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, "the token is for programs")
}
