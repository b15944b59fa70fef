package pages_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The form for an account whose method is gone begins with an offered method, and has nothing of
// the account.
func TestReconnectWhereTheMethodIsGone(t *testing.T) {
	d := newDesk(t, byOwner)
	_, body := d.do("o3", "POST", "api/accounts", `{"service": "acme", "method": "free"}`)
	id := strings.Split(body, `"`)[3]
	d.define(strings.Replace(offers[0], `"name": "free"`, `"name": "other"`, 1))
	status, form := d.do("o3", "GET", "api/accounts/"+id+"/form", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, form, `"method":"key"`)
	assert.NotContains(t, form, "stored")
	assert.Empty(t, d.failed)
}

// The form that connects an account again begins with another method if the program is not
// ready any more for that of the account, and the developer is told.
func TestReconnectByAMethodThatIsNotOfferedAnyMore(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withConsent()
	assert.Contains(t, b.get("reconnect?id="+account.ID).body, `name="method" value="oauth"`)
	require.Empty(t, a.failed)
	a.connection = func(context.Context, accounts.Account) (definition.Connection, error) {
		return definition.Connection{HTTPClient: a.provider.Client()}, nil
	}
	const lack = "definition: acme: method oauth: Connection.Client: ID is missing; register the program with the service, and give its client ID there"
	page := b.get("reconnect?id=" + account.ID)
	assert.Contains(t, page.body, `name="method" value="key"`)
	assert.NotContains(t, page.body, "method=oauth")
	require.Len(t, a.failed, 1)
	require.EqualError(t, a.failed[0], lack)
	_, form := b.json("GET", "accounts/"+account.ID+"/form", nil)
	assert.Equal(t, "key", form["method"])
	assert.JSONEq(t, `[{"name": "key", "title": "API key", "default": true}]`, text(t, form["service"].(map[string]any)["methods"]))
	for _, path := range []string{"reconnect?method=oauth&id=" + account.ID, "api/accounts/" + account.ID + "/form?method=oauth"} {
		a.failed = nil
		assert.Equal(t, http.StatusInternalServerError, b.get(path).StatusCode)
		require.Len(t, a.failed, 1)
		require.EqualError(t, a.failed[0], lack)
	}
	a.failed = nil
	status, _ := b.json("POST", "accounts/"+account.ID+"/reconnect", map[string]any{})
	assert.Equal(t, http.StatusInternalServerError, status)
	require.Len(t, a.failed, 1)
	require.EqualError(t, a.failed[0], lack)

	done := b.follow(b.post("reconnect", with(fields(t, page.body), "v.apiKey", "CANARY-key")))
	assert.Contains(t, done.body, "Connected as ada by ApiKey.")
	assert.Equal(t, "key", a.one("o1").Method)
	_, list := b.json("GET", "accounts?service=acme", nil)
	assert.Len(t, list["accounts"], 1)
}
