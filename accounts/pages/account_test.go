package pages_test

import (
	"errors"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPagesTestAnAccount(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	id := url.Values{"id": {b.withKey().ID}}
	assert.Contains(t, b.follow(b.post("test", id)).body, "The account was tested, and works.")
	for status, text := range map[int]string{
		401: "The service no longer accepts the connection.", 403: "The account needs more rights in the service.",
		503: "The service cannot be reached at the moment.", 404: "There is nothing at the address of the account.",
	} {
		a.provider.Inject(a.provider.KeyHeaderURL, 1, authtest.Answer(status, nil, ""))
		page := b.follow(b.post("test", id))
		assert.Equal(t, http.StatusOK, page.StatusCode)
		assert.Contains(t, page.body, "The account was tested, and does not work.")
		assert.Contains(t, page.body, text)
		assert.Contains(t, b.get("").body, text)
	}
	assert.Contains(t, b.follow(b.post("test", id)).body, "The account works.")
	assert.Empty(t, a.failed)
}

// A reconnect form shows that a secret is set, and nothing of the secret.
func TestPagesReconnectAnAccount(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withKey()
	page := b.get("reconnect?id=" + account.ID)
	require.Equal(t, http.StatusOK, page.StatusCode)
	assert.Contains(t, page.body, "A value is saved. Leave the field empty to keep the value.")
	assert.NotContains(t, page.body, "CANARY")
	assert.NotContains(t, page.body, "required")

	done := b.follow(b.post("reconnect", with(fields(t, page.body), "v.team", "support")))
	assert.Contains(t, done.body, "Connected as ada by ApiKey.")
	page = b.get("reconnect?id=" + account.ID)
	assert.Contains(t, page.body, `value="support"`)

	wrong := b.post("reconnect", with(fields(t, page.body), "v.team", "No!"))
	assert.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode)
	assert.Contains(t, wrong.body, "Team: The value does not look as the service writes it. It looks like sales.")
	assert.Contains(t, wrong.body, `value="No!"`)
	assert.Contains(t, wrong.body, `aria-invalid="true"`)

	a.mu.Lock()
	a.user = "bob"
	a.mu.Unlock()
	other := b.post("reconnect", with(fields(t, page.body), "v.apiKey", "CANARY-key"))
	assert.Equal(t, http.StatusConflict, other.StatusCode)
	assert.Contains(t, other.body, "This is another account of the service than before.")
	assert.Contains(t, other.body, `name="other_identity"`)
	assert.Equal(t, "ada", a.one("o1").Identity)
	done = b.follow(b.post("reconnect", with(fields(t, other.body), "v.apiKey", "CANARY-key", "other_identity", "yes")))
	assert.Contains(t, done.body, "Connected as bob by ApiKey.")
	assert.Equal(t, account.ID, a.one("o1").ID)
}

// An account of a key gets a consent instead, and stays as it was until then.
func TestPagesReconnectByAnotherMethod(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withKey()
	page := b.get("reconnect?method=oauth&id=" + account.ID)
	assert.Contains(t, page.body, `href="/my/accounts/reconnect?id=`+account.ID+`&amp;method=key"`)
	waiting := b.follow(b.post("reconnect", fields(t, page.body)))
	assert.Contains(t, waiting.body, "A new connection waits for your consent. Until then, the account stays as it was.")
	start := html.UnescapeString(attribute(waiting.body, "data-go"))
	callback, err := a.provider.Authorize(b.get(start).Header.Get("Location"))
	require.NoError(t, err)
	assert.Contains(t, b.follow(b.get(callback.String())).body, "Connected as ada by OAuth2.")
	assert.Equal(t, "oauth", a.one("o1").Method)
}

// What goes wrong after a consent is said in words.
func TestConsentThatOpensAnotherAccount(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withKey()
	fail := func(want string) {
		t.Helper()
		waiting := b.follow(b.post("reconnect", fields(t, b.get("reconnect?method=oauth&id="+account.ID).body)))
		callback, err := a.provider.Authorize(b.get(html.UnescapeString(attribute(waiting.body, "data-go"))).Header.Get("Location"))
		require.NoError(t, err)
		assert.Contains(t, b.get(callback.String()).body, want)
		assert.Equal(t, "key", a.one("o1").Method)
	}
	a.provider.Inject(a.provider.BearerURL, 1, authtest.Answer(403, nil, ""))
	fail("The Acme &lt;Tools&gt; account cannot be used")
	a.provider.Inject(a.provider.BearerURL, 1, authtest.Answer(503, nil, ""))
	fail("Acme &lt;Tools&gt; is not available")
	a.mu.Lock()
	a.user = "bob"
	a.mu.Unlock()
	fail("This is not the service or account that you chose")
}

func TestPagesDisconnectAnAccount(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withKey()
	page := b.get("disconnect?id=" + account.ID)
	assert.Contains(t, page.body, "Disconnect this account?")
	assert.Contains(t, page.body, "ada by ApiKey (Acme &lt;Tools&gt;) will no longer be used.")
	require.Len(t, a.all("o1"), 1, "nothing happens before the person confirms")
	form := fields(t, page.body)
	assert.Contains(t, b.follow(b.post("disconnect", form)).body, "The service was not told")
	assert.Empty(t, a.all("o1"))
	again := b.post("disconnect", form)
	assert.Equal(t, http.StatusNotFound, again.StatusCode)
	assert.Contains(t, again.body, "There is no such account. Perhaps it is disconnected already.")

	require.Equal(t, http.StatusSeeOther, b.post("connect", fields(t, b.get("connect?service=acme&method=oauth").body)).StatusCode)
	page = b.get("disconnect?id=" + a.one("o1").ID)
	assert.Contains(t, page.body, "Remove this account?")
	assert.Contains(t, b.follow(b.post("disconnect", fields(t, page.body))).body, "The account is disconnected.")
	assert.Empty(t, a.all("o1"))
}

// The service of an account without a label is not named twice.
func TestPagesDisconnectAnAccountWithoutALabel(t *testing.T) {
	document := strings.Replace(documents[0], `, "label": "{/user} by {/auth_type}"`, "", 1)
	require.NotEqual(t, documents[0], document)
	a := newAppOf(t, []string{document})
	b := a.browser("o1")
	account := b.withKey()
	for language, want := range map[string]string{
		"en": "<p>Acme &lt;Tools&gt; will no longer be used. The",
		"de": "<p>Acme &lt;Tools&gt; wird dann nicht mehr verwendet. Die",
	} {
		assert.Contains(t, b.get("disconnect?id="+account.ID+"&language="+language).body, want)
	}
}

func TestPagesRevokeAtTheProvider(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	waiting := b.follow(b.post("connect", fields(t, b.get("connect?service=acme&method=oauth").body)))
	callback, err := a.provider.Authorize(b.get(html.UnescapeString(attribute(waiting.body, "data-go"))).Header.Get("Location"))
	require.NoError(t, err)
	require.Equal(t, http.StatusSeeOther, b.get(callback.String()).StatusCode)
	id := url.Values{"id": {a.one("o1").ID}}
	a.provider.Inject(a.provider.RevokeURL, 2, authtest.Answer(503, nil, ""))
	page := b.follow(b.post("disconnect", id))
	assert.Contains(t, page.body, "The service could not be told yet; the rest is done by itself.")
	assert.Contains(t, page.body, "Being disconnected")
	assert.Len(t, a.failed, 1, "the program can log why")
	assert.Equal(t, accounts.StatusDisconnected, a.one("o1").Status)
	assert.Contains(t, b.follow(b.post("disconnect", id)).body, "and the service was told")
	assert.Empty(t, a.all("o1"))
}

// An error that no person can help is the program's, and the page quotes nothing.
func TestInternalErrorsAreForTheProgram(t *testing.T) {
	secret := errors.New("CANARY: the database is gone")
	a := newApp(t, func(a *app) {
		a.config.Owner = func(*http.Request) (string, error) { return "", secret }
	})
	r := a.browser("o1").get("")
	assert.Equal(t, http.StatusInternalServerError, r.StatusCode)
	assert.Contains(t, r.body, "Something is wrong on our side.")
	assert.NotContains(t, r.body, "CANARY")
	require.Len(t, a.failed, 1)
	assert.ErrorIs(t, a.failed[0], secret)
}

// A second account with the identity of a first one is refused, unless the person insists.
func TestAnAccountThatIsThereAlready(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withKey()
	again := b.post("connect", with(fields(t, b.get("connect?service=acme").body), "v.apiKey", "CANARY-key"))
	assert.Equal(t, http.StatusConflict, again.StatusCode)
	assert.Contains(t, again.body, "You have connected this account of the service already.")
	assert.Contains(t, again.body, `<a href="/my/accounts/account?id=`+account.ID+`">See the account that is there</a>`)
	status, failed := b.json("POST", "accounts", map[string]any{"service": "acme", "values": map[string]string{"apiKey": "CANARY-key"}})
	assert.Equal(t, http.StatusConflict, status)
	assert.Equal(t, account.ID, failed["account"])
	assert.Len(t, a.all("o1"), 1)

	waiting := b.follow(b.post("connect", fields(t, b.get("connect?service=acme&method=oauth").body)))
	callback, err := a.provider.Authorize(b.get(html.UnescapeString(attribute(waiting.body, "data-go"))).Header.Get("Location"))
	require.NoError(t, err)
	assert.Contains(t, b.get(callback.String()).body, "This Acme &lt;Tools&gt; account is connected already")

	form := with(fields(t, again.body), "v.apiKey", "CANARY-key", "duplicate", "yes")
	assert.Contains(t, b.follow(b.post("connect", form)).body, "Connected as ada by ApiKey.")
}

// The audit log of the program says who has acted.
func TestActorsAreTold(t *testing.T) {
	a := newApp(t, func(a *app) {
		a.config.Actor = func(r *http.Request) string { return r.Header.Get("X-Member") }
	})
	b := a.browser("team")
	account := b.withKey()
	_ = b.post("test", url.Values{"id": {account.ID}}, "X-Member", "ada")
	a.mu.Lock()
	defer a.mu.Unlock()
	last := a.audit[len(a.audit)-1]
	assert.Equal(t, accounts.ActionTest, last.Action)
	assert.Equal(t, "ada", last.Actor)
	assert.Equal(t, "team", last.Owner)
}
