package oidcprovider_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An owner is the account owner with a browser, who agrees to everything.
type owner struct{ browser *http.Client }

var errArrived = errors.New("arrived")

// agent sets the User-Agent of the browser.
type agent struct{}

func (agent) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", browserAgent)
	return http.DefaultTransport.RoundTrip(req)
}

func newOwner(t *testing.T) *owner {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &owner{&http.Client{Jar: jar, Transport: agent{}, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(req.URL.String(), redirectURL) {
			return errArrived
		}
		return nil
	}}}
}

// consent goes through the provider's pages, and returns the callback.
func (o *owner) consent(t *testing.T, authURL string) *url.URL {
	t.Helper()
	resp, err := o.browser.Get(authURL)
	if err == nil {
		page, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.Fail(t, "the provider did not send the browser on", "%s: %s", resp.Status, page)
	}
	require.ErrorIs(t, err, errArrived)
	var failed *url.Error
	require.ErrorAs(t, err, &failed)
	callback, err := url.Parse(failed.URL)
	require.NoError(t, err)
	return callback
}

var (
	action = regexp.MustCompile(`action="([^"]+)"`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// device opens the page of a device with its code, and agrees.
func (o *owner) device(t *testing.T, page string) {
	t.Helper()
	require.Contains(t, o.decide(t, page, "confirm"), "Sign-in Success")
}

// decide opens the page of a device with its code, and presses a button: confirm or abort.
// The result is the page at the end.
func (o *owner) decide(t *testing.T, page, button string) string {
	t.Helper()
	resp, err := o.browser.Get(page)
	for range 2 { // the code, and the confirmation
		require.NoError(t, err)
		text, err2 := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.NoError(t, err2)
		found := action.FindSubmatch(text)
		require.NotNil(t, found, "no form on the page: %s", text)
		form := url.Values{}
		for _, field := range hidden.FindAllSubmatch(text, -1) {
			form.Set(string(field[1]), string(field[2]))
		}
		if form.Has("confirm") {
			form.Del("confirm")
			form.Set(button, "yes")
		}
		resp, err = o.browser.PostForm(string(found[1]), form)
	}
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	require.NoError(t, err)
	return string(text)
}

// consent records an authorization request, and returns the callback of the consent.
func (s *server) consent(t *testing.T, o *owner, authURL string) *url.URL {
	t.Helper()
	u, err := url.Parse(authURL)
	require.NoError(t, err)
	s.note(&message{method: http.MethodGet, path: u.Path, params: u.Query()})
	return o.consent(t, authURL)
}
