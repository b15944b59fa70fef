package pages_test

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A form post is enough: no step needs a script.
func TestPagesConnectAKey(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	assert.Contains(t, b.get("").body, "No account is connected yet.")
	search := b.get("connect?q=acme")
	assert.Contains(t, search.body, `href="/my/accounts/connect?service=acme">Acme &lt;Tools&gt;</a>`)
	assert.NotContains(t, search.body, "Basically")

	page := b.get("connect?service=acme")
	require.Equal(t, http.StatusOK, page.StatusCode)
	for _, part := range []string{
		`<title>Connect Acme &lt;Tools&gt;</title>`, `name="v.apiKey" type="password"`, `required aria-describedby="about-apiKey"`, "Under Settings, API.",
		`name="v.team" type="text"`, `pattern="`, "For example: sales", "The account is tested before it is saved.", `href="https://acme.example/help"`,
		`href="/my/accounts/connect?method=oauth&amp;service=acme"`, `aria-current="true">API key</a>`,
	} {
		assert.Contains(t, page.body, part)
	}
	assert.NotContains(t, page.body, "plan", "the input is hidden")

	form := fields(t, page.body)
	wrong := b.post("connect", with(form, "v.apiKey", "CANARY-wrong", "v.team", "sales"))
	require.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode)
	assert.Contains(t, wrong.body, "The service does not accept what you have entered.")
	assert.Contains(t, wrong.body, `<a href="#field-apiKey">API key: Please check this value.</a>`)
	assert.Contains(t, wrong.body, `value="sales"`)
	assert.NotContains(t, wrong.body, "CANARY")
	assert.Empty(t, a.all("o1"))

	form = fields(t, wrong.body)
	done := b.follow(b.post("connect", with(form, "v.apiKey", "CANARY-key")))
	require.Equal(t, http.StatusOK, done.StatusCode)
	assert.Contains(t, done.body, "Connected as ada by ApiKey.")
	assert.NotContains(t, done.body, "CANARY")
	account := a.one("o1")
	assert.Equal(t, accounts.StatusOK, account.Status)
	assert.Equal(t, []accounts.Account{account}, a.done)
	assert.Contains(t, b.get("").body, `data-id="`+account.ID+`"`)
	assert.NotContains(t, a.browser("o2").get("").body, account.ID)
}

func TestPagesConnectByConsent(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	page := b.get("connect?service=acme&method=oauth")
	assert.Contains(t, page.body, "Continue to Acme &lt;Tools&gt;")
	assert.Contains(t, page.body, `name="scope" value="read" checked aria-describedby="scope-help-0"`)
	form := fields(t, page.body)
	assert.Equal(t, []string{"read"}, form["scope"])
	waiting := b.follow(b.post("connect", form))
	account := a.one("o1")
	assert.Equal(t, accounts.StatusConnecting, account.Status)
	assert.Empty(t, a.done)
	start := html.UnescapeString(attribute(waiting.body, "data-go"))
	assert.Contains(t, waiting.body, `id="continue" href="`+html.EscapeString(start)+`"`, "without a script")
	callback, err := a.provider.Authorize(b.get(start).Header.Get("Location"))
	require.NoError(t, err)
	assert.Contains(t, callback.String(), a.url+"/callback/acme?")
	done := b.follow(b.get(callback.String()))
	assert.Contains(t, done.body, "Connected as ada by OAuth2.")
	assert.Contains(t, done.body, "<dt>Allowed</dt><dd>Read your data</dd>")
	account = a.one("o1")
	assert.Equal(t, accounts.StatusOK, account.Status)
	assert.Equal(t, []accounts.Account{account}, a.done)
	assert.NotContains(t, b.get("account?did=consent&id="+account.ID).body, "data-go=\"http", "the consent is over")
}

// Whatever a person clicks again, there is one account.
func TestASecondSubmissionMakesNoSecondAccount(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	form := with(fields(t, b.get("connect?service=acme").body), "v.apiKey", "CANARY-key")
	first, second := make(chan response), make(chan response)
	for _, c := range []chan response{first, second} {
		go func() { c <- b.post("connect", form) }()
	}
	for _, c := range []chan response{first, second} {
		assert.Equal(t, http.StatusSeeOther, (<-c).StatusCode)
	}
	again := b.follow(b.post("connect", form))
	assert.Contains(t, again.body, "This form was sent before.")
	assert.Len(t, a.done, 1)
	account := a.one("o1")

	other := a.browser("o2").post("connect", form)
	require.Equal(t, http.StatusSeeOther, other.StatusCode)
	assert.NotEqual(t, account.ID, a.one("o2").ID, "keys of forms say nothing of other owners")
}

// A person goes back from the service's page, and sends the form again, perhaps another way.
func TestAFormOfAnAccountThatWaitsCanBeSentAgain(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	form := fields(t, b.get("connect?service=acme&method=oauth").body)
	require.Equal(t, http.StatusSeeOther, b.post("connect", form).StatusCode)
	require.Equal(t, http.StatusSeeOther, b.post("connect", form).StatusCode)
	account := a.one("o1")
	assert.Equal(t, account.First+1, account.Pending)
	assert.Contains(t, b.get("").body, "The account waits for your consent.")
	key := url.Values{"key": form["key"], "service": {"acme"}, "method": {"key"}, "v.apiKey": {"CANARY-key"}}
	assert.Contains(t, b.follow(b.post("connect", key)).body, "by ApiKey")
	assert.Equal(t, account.ID, a.one("o1").ID)
	assert.Equal(t, accounts.StatusOK, a.one("o1").Status)
}

// A program, and not a person, gives the values of hidden inputs.
func TestHiddenInputsCannotBeGiven(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	form := with(fields(t, b.get("connect?service=acme").body), "v.apiKey", "CANARY-key", "v.plan", "gold")
	assert.Equal(t, http.StatusUnprocessableEntity, b.post("connect", form).StatusCode)
	status, failed := b.json("POST", "accounts", map[string]any{"service": "acme", "values": map[string]string{"apiKey": "CANARY-key", "plan": "gold"}})
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	assert.Equal(t, map[string]any{"plan": "The form does not ask for this value."}, failed["fields"])
	assert.Empty(t, a.all("o1"))
}

// A slow service, and a person who does not wait: the form is sent again, and the first
// submission leaves nothing behind.
func TestASubmissionWhoseSenderHasLeft(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	form := with(fields(t, b.get("connect?service=acme").body), "v.apiKey", "CANARY-key")
	a.provider.Inject(a.provider.KeyHeaderURL, 1, authtest.Delay(time.Minute))
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", b.url+"/connect", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	left := make(chan error)
	go func() {
		resp, err := b.client.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		left <- err
	}()
	require.Eventually(t, func() bool { return len(a.provider.Requests(a.provider.KeyHeaderURL)) == 1 }, time.Minute, time.Millisecond)
	again := make(chan response)
	go func() { again <- b.post("connect", form) }()
	require.Eventually(t, func() bool { return len(a.all("o1")) == 1 }, time.Minute, time.Millisecond)
	leave()
	require.ErrorIs(t, <-left, context.Canceled)
	assert.Contains(t, b.follow(<-again).body, "Connected as ada by ApiKey.")
	assert.Equal(t, accounts.StatusOK, a.one("o1").Status)
}
