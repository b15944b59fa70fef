package pages_test

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// consentOf begins the consent of an account that waits, and returns the callback.
func (b *browser) consentOf(id string) string {
	b.Helper()
	callback, err := b.provider.Authorize(b.get("start?connector=" + id).Header.Get("Location"))
	require.NoError(b, err)
	return callback.String()
}

// waiting makes an account that waits for a consent.
func (b *browser) waiting() string {
	b.Helper()
	require.Equal(b, http.StatusSeeOther, b.post("connect", fields(b.T, b.get("connect?service=acme&method=oauth").body)).StatusCode)
	return b.one("o1").ID
}

// Browsers say "null" for the origin of a form if its page has the policy no-referrer. Then only
// Sec-Fetch-Site tells, which browsers of before do not send, and which proxies may remove.
func TestPagesLetBrowsersNameTheOrigin(t *testing.T) {
	b := newApp(t).browser("o1")
	for _, path := range []string{"", "connect", "connect?service=acme", "account?id=nobody"} {
		assert.Equal(t, "same-origin", b.get(path).Header.Get("Referrer-Policy"), path)
	}
}

// hold keeps the next request to an endpoint of the provider until release is called, or until the
// end of the test.
func (a *app) hold(endpoint string) (arrived <-chan struct{}, release func()) {
	came, free := make(chan struct{}), make(chan struct{})
	release = sync.OnceFunc(func() { close(free) })
	a.Cleanup(release)
	a.provider.Inject(endpoint, 1, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(came)
			<-free
			next.ServeHTTP(w, r)
		})
	})
	return came, release
}

// A person who closes the window right after the consent has connected the account, and the
// program learns of it by a request that does not end with the window.
func TestDoneOutlivesTheWindow(t *testing.T) {
	var ended error
	a := newApp(t, func(a *app) {
		done := a.config.Done
		a.config.Done = func(r *http.Request, account accounts.Account) {
			done(r, account)
			ended = r.Context().Err()
		}
	})
	b := a.browser("o1")
	callback := b.consentOf(b.waiting())
	arrived, release := a.hold(a.provider.TokenURL)
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", callback, nil)
	require.NoError(t, err)
	left := make(chan error)
	go func() {
		resp, err := b.client.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		left <- err
	}()
	select {
	case <-arrived:
	case err := <-left:
		require.Fail(t, "the callback came to no exchange", "%v", err)
	}
	leave()
	require.ErrorIs(t, <-left, context.Canceled)
	release()
	assert.Eventually(t, func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return len(a.done) == 1
	}, time.Minute, time.Millisecond)
	a.server.Close() // waits
	assert.NoError(t, ended)
}

// A consent that another window has made pointless is no fault of the program, and nobody needs
// to sign in.
func TestConsentsThatAreOver(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withConsent()
	r := b.get("start?connector=" + account.ID)
	assert.Contains(t, r.body, "The connection may be complete already")
	assert.NotContains(t, r.body, "Sign in")

	b.follow(b.post("reconnect", fields(t, b.get("reconnect?id="+account.ID).body)))
	callback := b.consentOf(account.ID)
	arrived, release := a.hold(a.provider.TokenURL)
	late := make(chan response)
	go func() { late <- b.get(callback) }()
	select {
	case <-arrived:
	case r := <-late:
		require.Fail(t, "the callback came to no exchange", "%d\n%s", r.StatusCode, r.body)
	}
	again := b.post("reconnect", fields(t, b.get("reconnect?id="+account.ID).body))
	require.Equal(t, http.StatusSeeOther, again.StatusCode)
	release()
	r = <-late
	assert.Contains(t, r.body, "There is no connection to complete")
	assert.Equal(t, http.StatusForbidden, r.StatusCode)

	callback = b.consentOf(account.ID)
	a.provider.Inject(a.provider.RevokeURL, authtest.Always, authtest.Answer(503, nil, ""))
	b.post("disconnect", url.Values{"id": {account.ID}})
	require.Equal(t, accounts.StatusDisconnected, a.one("o1").Status)
	a.failed = nil
	assert.Contains(t, b.get(callback).body, "There is no connection to complete")
	assert.NotContains(t, a.browser("o2").get("start?connector="+account.ID).body, "no connection to complete", "nobody else learns that there is an account")
	assert.Empty(t, a.failed)
}

// The page of an account leads to the consent even if the form was sent in another window.
func TestTheConsentGoesOnByAClick(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	page := b.get("account?did=consent&id="+b.waiting(), "Sec-Fetch-Site", "cross-site").body
	assert.Contains(t, page, `id="continue" href="`+a.url+`/start?`)
	assert.NotContains(t, html.UnescapeString(page), `data-go="`+a.url)
}
