package pages_test

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/pages"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A link of another site may lead to the page of an account that waits for a consent. The
// consent begins when the person clicks, and not before.
func TestALinkOfAnotherSiteBeginsNoConsent(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	require.Equal(t, http.StatusSeeOther, b.post("connect", fields(t, b.get("connect?service=acme&method=oauth").body)).StatusCode)
	page := "account?did=consent&id=" + a.one("o1").ID
	for site, goes := range map[string]bool{"same-origin": true, "none": true, "": true, "same-site": false, "cross-site": false} {
		r := b.get(page, "Sec-Fetch-Site", site)
		assert.Equal(t, goes, attribute(r.body, "data-go") != "", "Sec-Fetch-Site: %s", site)
		assert.Contains(t, r.body, `id="continue"`)
	}
	a = newApp(t, func(a *app) { a.config.Origin = "https://product.example" })
	b = a.browser("o1")
	require.Equal(t, http.StatusSeeOther, b.post("connect", fields(t, b.get("connect?service=acme&method=oauth").body)).StatusCode)
	r := b.get("account?did=consent&id="+a.one("o1").ID, "Sec-Fetch-Site", "cross-site")
	assert.Empty(t, attribute(r.body, "data-go"), "the program's origin makes no difference: the form was sent here")
}

// The way back is no start of a consent, which would begin without a question.
func TestWayBackBeginsNoConsent(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	for _, to := range []string{
		"/my/accounts/account?did=consent&id=ada", "/my/accounts/start?connector=ada", "/my/accounts/%73tart?connector=ada", "/my/x/../accounts/start?connector=ada", "/MY/accounts//Start?connector=ada",
	} {
		assert.NotContains(t, b.get("connect?return_to="+url.QueryEscape(to)).body, `id="back"`, to)
	}
	for _, to := range []string{"/start", "/my/account", "/my/accounts/x/start", "/settings/account"} {
		assert.Contains(t, b.get("connect?return_to="+url.QueryEscape(to)).body, `id="back"`, to)
	}
}

func TestNewRefusesPathsThatNobodyReaches(t *testing.T) {
	a := newApp(t)
	for _, path := range []string{"/a/../b", "/a//b", "/./a", "/a/..", "//a"} {
		a.config.URL = "https://app.example" + path
		assert.NotPanics(t, func() {
			_, err := pages.New(a.config)
			assert.ErrorContains(t, err, "Config.URL", path)
		}, path)
	}
	for _, path := range []string{"", "/", "/a/", "/a/b", "/..a"} {
		a.config.URL = "https://app.example" + path
		_, err := pages.New(a.config)
		assert.NoError(t, err, path)
	}
}

// A failingIndex fails while the test wants it.
type failingIndex struct {
	accounts.Index
	err, putErr error
}

func (i *failingIndex) Put(ctx context.Context, a accounts.Account) (bool, error) {
	if i.putErr != nil {
		return false, i.putErr
	}
	return i.Index.Put(ctx, a)
}

func (i *failingIndex) Get(ctx context.Context, id string) (accounts.Account, bool, error) {
	if i.err != nil {
		return accounts.Account{}, false, i.err
	}
	return i.Index.Get(ctx, id)
}

// What goes wrong in a consent, and nobody but the program can help, is told to the program.
func TestInternalErrorsOfConsentsAreForTheProgram(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	require.Equal(t, http.StatusSeeOther, b.post("connect", fields(t, b.get("connect?service=acme&method=oauth").body)).StatusCode)
	start := "start?connector=" + a.one("o1").ID
	callback, err := a.provider.Authorize(b.get(start).Header.Get("Location"))
	require.NoError(t, err)
	gone := errors.New("CANARY: the database is gone")
	a.index.err = gone
	for _, path := range []string{start, callback.String()} {
		r := b.get(path)
		assert.Equal(t, http.StatusInternalServerError, r.StatusCode)
		assert.NotContains(t, r.body, "CANARY")
	}
	require.Len(t, a.failed, 2)
	assert.ErrorIs(t, a.failed[0], gone)
	a.index.err = nil
	a.provider.Inject(a.provider.TokenURL, 1, authtest.Answer(401, nil, `{"error": "invalid_client"}`))
	b.get(callback.String())
	assert.Len(t, a.failed, 3, "the registration of the program is wrong")
	b.get(a.url + "/callback/acme?error=access_denied&state=x")
	b.get("start?connector=nobody")
	assert.Len(t, a.failed, 3, "a person can help")
}

// A token URL that asks for a pause says nothing of the account, so a test has not succeeded.
func TestATestThatCouldNotBeMadeIsNoSuccess(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withConsent()
	a.provider.ExpireAccessTokens()
	a.provider.Inject(a.provider.TokenURL, authtest.Always, authtest.Answer(429, http.Header{"Retry-After": {"120"}}, ""))
	r := b.post("test", url.Values{"id": {account.ID}})
	assert.Equal(t, http.StatusServiceUnavailable, r.StatusCode)
	assert.Contains(t, r.body, "The service cannot be reached at the moment.")
	status, failed := b.json("POST", "accounts/"+account.ID+"/test", struct{}{})
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Equal(t, "unavailable", failed["reason"])
	assert.Empty(t, a.failed)
}

// A new consent that was denied has connected nothing, whatever the way back says.
func TestADeniedConsentIsNoSuccess(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withKey()
	waiting := b.follow(b.post("reconnect", fields(t, b.get("reconnect?method=oauth&id="+account.ID).body)))
	authURL, err := url.Parse(b.get(html.UnescapeString(attribute(waiting.body, "data-go"))).Header.Get("Location"))
	require.NoError(t, err)
	denied := b.get(a.url + "/callback/acme?error=access_denied&state=" + authURL.Query().Get("state"))
	require.Contains(t, denied.body, "was not allowed")
	for _, did := range []string{"connected", "again"} {
		page := b.get("account?popup=0a&did=" + did + "&id=" + account.ID).body
		assert.NotContains(t, page, "notice good")
		assert.NotContains(t, page, "data-outcome")
	}
}

// Test finishes a consent whose test could not be made. The program learns of the account.
func TestDoneIsCalledWhoeverFinishesAConsent(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	require.Equal(t, http.StatusSeeOther, b.post("connect", fields(t, b.get("connect?service=acme&method=oauth").body)).StatusCode)
	account := a.one("o1")
	callback, err := a.provider.Authorize(b.get("start?connector=" + account.ID).Header.Get("Location"))
	require.NoError(t, err)
	a.provider.Inject(a.provider.BearerURL, 1, authtest.Answer(503, nil, ""))
	require.Contains(t, b.get(callback.String()).body, "is not available")
	require.Empty(t, a.done)
	status, _ := b.json("POST", "accounts/"+account.ID+"/test", struct{}{})
	assert.Equal(t, http.StatusOK, status)
	require.Len(t, a.done, 1)
	assert.Equal(t, accounts.StatusOK, a.done[0].Status)
	b.post("test", url.Values{"id": {account.ID}})
	assert.Len(t, a.done, 1, "a test connects nothing")
}

// A submission that waits for an equal one does nothing, so the audit log has nothing of it.
func TestASubmissionThatWaitsIsNoAction(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	form := with(fields(t, b.get("connect?service=acme").body), "v.apiKey", "CANARY-key")
	a.provider.Inject(a.provider.KeyHeaderURL, 1, authtest.Delay(time.Second))
	done := make(chan response)
	for range 2 {
		go func() { done <- b.post("connect", form) }()
	}
	for range 2 {
		assert.Equal(t, http.StatusSeeOther, (<-done).StatusCode)
	}
	assert.LessOrEqual(t, len(a.audit), 2)
}

// A key is that of a form of one service.
func TestAKeyIsOfOneService(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	key := accounts.NewID()
	connect := func(service string, v map[string]string) int {
		status, _ := b.json("POST", "accounts", map[string]any{"key": key, "service": service, "values": v, "duplicate": true})
		return status
	}
	require.Equal(t, http.StatusCreated, connect("acme", map[string]string{"apiKey": "CANARY-key"}))
	assert.Equal(t, http.StatusOK, connect("acme-old", map[string]string{"apiKey": "CANARY-key"}), "a former name")
	assert.Equal(t, http.StatusBadRequest, connect("basic", map[string]string{"user": "u", "password": "p"}))
}

// Every route has a sensible response in every state of an account.
func TestEveryStateOfAnAccountHasAResponse(t *testing.T) {
	for state, prepare := range map[string]func(b *browser) string{
		"connecting": func(b *browser) string {
			require.Equal(t, http.StatusSeeOther, b.post("connect", fields(t, b.get("connect?service=acme&method=oauth").body)).StatusCode)
			return b.one("o1").ID
		},
		"disconnected": func(b *browser) string {
			id := b.withConsent().ID
			b.provider.Inject(b.provider.RevokeURL, authtest.Always, authtest.Answer(503, nil, ""))
			b.post("disconnect", url.Values{"id": {id}})
			require.Equal(t, accounts.StatusDisconnected, b.one("o1").Status)
			b.failed = nil
			return id
		},
	} {
		for _, pattern := range pages.Patterns() {
			if ofNobody[pattern] || strings.HasPrefix(pattern, "DELETE") || pattern == "POST /disconnect" {
				continue
			}
			a := newApp(t)
			b := a.browser("o1")
			r := b.send(pattern, prepare(b))
			assert.Less(t, r.StatusCode, 500, "%s, %s: %s", state, pattern, r.body)
			assert.Empty(t, a.failed, "%s, %s", state, pattern)
		}
	}
}

// An account whose service could not be told is disconnected all the same, and an account that
// is still in use is not.
func TestTheAPIDisconnectsWithoutTheService(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	id := b.withConsent().ID
	a.index.putErr = errors.New("the database is gone")
	status, response := b.json("DELETE", "accounts/"+id, nil)
	assert.Equal(t, http.StatusInternalServerError, status)
	assert.Equal(t, "internal", response["reason"])
	r := b.post("disconnect", url.Values{"id": {id}})
	assert.Equal(t, http.StatusInternalServerError, r.StatusCode, "the account is still in use")
	a.index.putErr = nil
	require.Equal(t, accounts.StatusOK, a.one("o1").Status)

	a.failed = nil
	a.provider.Inject(a.provider.RevokeURL, 1, authtest.Answer(503, nil, ""))
	status, response = b.json("DELETE", "accounts/"+id, nil)
	assert.Equal(t, http.StatusAccepted, status)
	assert.Equal(t, map[string]any{"revoked": false}, response)
	assert.Len(t, a.failed, 1)
	assert.Equal(t, accounts.StatusDisconnected, a.one("o1").Status)
	status, response = b.json("DELETE", "accounts/"+id, nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, map[string]any{"revoked": true}, response)
}

// Two windows connect one account again. The consent of the first window says why it ended.
func TestAConsentOfAnotherWindow(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	id := b.withConsent().ID
	begin := func() string {
		waiting := b.follow(b.post("reconnect", fields(t, b.get("reconnect?id="+id).body)))
		callback, err := a.provider.Authorize(b.get(html.UnescapeString(attribute(waiting.body, "data-go"))).Header.Get("Location"))
		require.NoError(t, err)
		return callback.String()
	}
	first := begin()
	second := begin()
	r := b.get(first)
	t.Log(r.StatusCode, r.body[strings.Index(r.body, "<h1"):])
	assert.NotContains(t, r.body, "our side")
	assert.Equal(t, http.StatusSeeOther, b.get(second).StatusCode)
}

// A service may call an account whatever it likes: the pages show text.
func TestHostileNames(t *testing.T) {
	hostile := "\"><img src=x onerror=alert(1)>'{{.}}[{name}]</script><!--"
	a := newApp(t)
	b := a.browser("o1")
	a.user = hostile
	a.provider.Inject(a.provider.TokenURL, authtest.Always, authtest.EditAnswer(func(response map[string]any) { response["scope"] = "read <script>alert(1)</script>" }))
	id := b.withConsent().ID
	for _, path := range []string{"", "account?did=connected&popup=0a&id=" + id, "reconnect?id=" + id, "disconnect?id=" + id, "connect?q=" + url.QueryEscape(hostile), "account?id=" + url.QueryEscape(hostile)} {
		r := b.get(path)
		assert.NotContains(t, r.body, "<img", path)
		assert.NotContains(t, r.body, "<script>", path)
		assert.NotContains(t, r.body, "<!--", path)
		assert.NotRegexp(t, `="[^"]*"[^ />\n]`, r.body, path) // the quotes of all attributes are the page's
	}
	r := b.get("api/accounts/" + id)
	assert.NotContains(t, r.body, "<")
	assert.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"))
}
