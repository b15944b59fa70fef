package definition_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostile writes a definition with a secret input x.
func hostile(members string) string {
	return `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "inputs": [{"name": "x", "title": "Key", "secret": true}], ` + members + `}`
}

// What a service repeats of a credential is no identity, in no spelling.
func TestIdentityIsNoCredential(t *testing.T) {
	for _, test := range []struct{ method, test, body string }{
		{`"type": "ApiKey", "key": "{x}"`, `"label": "Account"`, `"CANARY-0123"`},
		{`"type": "ApiKey", "key": "{x}"`, `"id": "/a", "label": "{/a}"`, `{"a": "CANARY-0123"}`},
		{`"type": "Basic", "username": "me", "password": "{x}"`, `"id": "/a", "label": "{/a}"`, `{"a": "Basic bWU6Q0FOQVJZLTAxMjM="}`},
		{`"type": "Basic", "username": "me", "password": "{x}"`, `"label": "{/a}"`, `{"a": "Basic bWU6Q0FOQVJZLTAxMjM="}`},
		{`"type": "OAuth2", "tokenUrl": "https://a.example.com/token", "grant": {"clientCredentials": {}}`, `"id": "/a", "label": "{/a}"`, `{"a": "TOKEN-CANARY"}`},
		{`"type": "OAuth2", "tokenUrl": "https://a.example.com/token", "grant": {"clientCredentials": {}}`, `"label": "{/a}"`, `{"a": "Bearer TOKEN-CANARY"}`},
	} {
		client := &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Host == "a.example.com" {
				resp := fakehttp.Respond(200, `{"access_token": "TOKEN-CANARY", "token_type": "Bearer", "expires_in": 3600}`)
				resp.Header.Set("Content-Type", "application/json")
				return resp, nil
			}
			return fakehttp.Respond(200, test.body), nil
		})}
		d := parse(t, hostile(`"methods": [{"name": "m", `+test.method+`}], "test": {"request": "GET /me", `+test.test+`}`))
		c, err := d.Connect(definition.Connection{Values: values{"x": "CANARY-0123"}, Client: definition.Client{ID: "program", Secret: "secret"}, HTTPClient: client})
		require.NoError(t, err)
		id, _ := c.Check(t.Context(), client)
		for _, secret := range []string{"CANARY", "Q0FOQVJZ"} {
			assert.NotContains(t, id.ID+id.Label, secret, test)
		}
	}
}

// A short secret stands in an identity by chance.
func TestIdentityWithTheDigitsOfAPIN(t *testing.T) {
	c, err := parse(t, hostile(`"methods": [{"name": "m", "type": "ApiKey", "key": "{x}"}], "test": {"request": "GET /me", "id": "/a"}`)).Connect(definition.Connection{Values: values{"x": "1234"}})
	require.NoError(t, err)
	id, err := c.Check(t.Context(), responding(200, `{"a": 5123499}`))
	require.NoError(t, err)
	assert.Equal(t, "5123499", id.ID)
	_, err = c.Check(t.Context(), responding(200, `{"a": 1234}`))
	assert.Error(t, err)
}

// A label that repeats a long value of the response costs no more than another.
func TestLabelThatRepeatsALongValue(t *testing.T) {
	long := `{"a": "1", "b": "` + strings.Repeat("b", 500_000) + `"}`
	c, err := parse(t, hostile(`"methods": [{"name": "m", "type": "ApiKey", "key": "{x}"}], "test": {"request": "GET /me", "id": "/a", "label": "`+strings.Repeat("{/b}", 500)+`"}`)).Connect(definition.Connection{Values: values{"x": "CANARY-0123"}})
	require.NoError(t, err)
	var id definition.Identity
	assert.Less(t, allocated(func() { id, err = c.Check(t.Context(), responding(200, long)) }), 50<<20)
	require.NoError(t, err)
	assert.Equal(t, definition.Identity{ID: "1", Label: strings.Repeat("b", 197) + "..."}, id)
}

// A service without a good credential may lead to the page for the login.
func TestPageForTheLoginIsNoAccountThatWorks(t *testing.T) {
	for kind, works := range map[string]bool{"text/html; charset=utf-8": false, "application/xhtml+xml": false, "application/json": true, "": true} {
		client := &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/api/me" {
				resp := fakehttp.Respond(302, "")
				resp.Header.Set("Location", "/login")
				return resp, nil
			}
			resp := fakehttp.Respond(200, "")
			resp.Header.Set("Content-Type", kind)
			return resp, nil
		})}
		_, err := tested(t, `"request": "GET /me"`).Check(t.Context(), client)
		if works {
			assert.NoError(t, err, kind)
			continue
		}
		var failed *definition.CheckError
		require.ErrorAs(t, err, &failed, kind)
		assert.Equal(t, definition.ReasonRefused, failed.Reason)
		assert.Equal(t, []string{"apiKey"}, failed.Inputs)
	}
}

// A redirect may be what a test expects.
func TestRedirectThatATestExpects(t *testing.T) {
	redirects := &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(302, "")
		resp.Header.Set("Location", "https://files.example.com/")
		return resp, nil
	})}
	_, err := tested(t, `"request": "GET /me", "ok": [302]`).Check(t.Context(), redirects)
	assert.NoError(t, err)
	_, err = tested(t, `"request": "GET /me", "ok": [303]`).Check(t.Context(), redirects)
	assert.ErrorContains(t, err, "stopped after 10 redirects")
}
