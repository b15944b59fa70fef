package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// A connect that fails leaves no account, so the error names no command with an account.
func TestAFailedConnectNamesNoAccountToConnectAgain(t *testing.T) {
	w := newWorld(t)
	w.p.Inject(w.p.TokenURL, authtest.Always, authtest.Answer(400, nil, `{"error": "invalid_grant"}`))
	code, _, err := w.consenting(`(http://127\S+/\S+\?\S+)`, w.allow, w.client(), "connect", "globex", "--values", "-", "--no-browser")
	assert.Equal(t, exit.Failed, code, "code 7 is about an account that exists")
	assert.NotContains(t, err, "--again")

	w.define("hooli", w.p.BearerURL, `"inputs": [{"name": "user"}, {"name": "password", "secret": true}],
		"methods": [{"name": "login", "type": "OAuth2", "tokenUrl": "`+w.p.TokenURL+`", "grant": {"passwordCredentials": {"username": "{user}", "password": "{password}"}}}]`)
	code, _, err = w.run(values("client_id", w.p.ClientID, "client_secret", w.p.ClientSecret, "user", "u", "password", "p"), "connect", "hooli", "--values", "-")
	assert.NotEqual(t, exit.OK, code)
	assert.NotContains(t, err, "--again")
}

// Another client ID is another client: the former secret is not sent for the new ID. The ID of
// the account alone, or no answer, keeps the client.
func TestAnotherClientIDIsAnotherClient(t *testing.T) {
	w := newWorld(t)
	w.umbrella()
	w.ok(w.client(), "connect", "umbrella", "--values", "-")
	w.ok(values("client_id", w.p.ClientID), "connect", "--again", "umbrella", "--values", "-")
	code, _, err := w.run(values("client_id", "other"), "connect", "--again", "umbrella", "--values", "-")
	assert.Equal(t, exit.Failed, code)
	assert.Contains(t, err, "Secret is missing")
	assert.Contains(t, w.ok("", "call", "umbrella", "GET", "/me"), w.p.ClientID)
}

// The answers of one method are none of another method, whose questions are asked.
func TestAnotherMethodAsksItsQuestions(t *testing.T) {
	w := newWorld(t)
	w.define("mixed", w.p.KeyHeaderURL, `"inputs": [{"name": "apiKey", "secret": true}], "methods": [
		{"name": "first", "type": "ApiKey", "key": "{apiKey}", "placement": {"in": "header", "name": "X-Api-Key"}},
		{"name": "second", "type": "ApiKey", "key": "{apiKey}", "placement": {"in": "header", "name": "X-Api-Key"}}]`)
	w.ok(values("apiKey", w.p.APIKey), "connect", "mixed", "--method", "first", "--values", "-")
	w.ok("{}", "connect", "--again", "mixed", "--values", "-")
	code, _, err := w.run("{}", "connect", "--again", "mixed", "--method", "second", "--values", "-")
	assert.Equal(t, exit.Usage, code)
	assert.Contains(t, err, `there is no terminal to ask for "apiKey"`)
	w.ok(values("apiKey", w.p.APIKey), "connect", "--again", "mixed", "--method", "second", "--values", "-")
	w.ok("{}", "connect", "--again", "mixed", "--values", "-")
}
