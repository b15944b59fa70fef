//go:build unix

package cli_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// What another command does while serve runs counts at once: a new service, a service with one
// more method, and a client that the service knows.
func TestServeKnowsWhatOtherCommandsHaveDone(t *testing.T) {
	w := newWorld(t)
	w.key()
	s := w.serving()
	status, body := s.get("/acme/me")
	require.Equal(t, 200, status, body)

	w.define("later", w.p.KeyQueryURL, asQuery)
	w.ok(values("apiKey", w.p.APIKey), "connect", "later", "--values", "-")
	status, body = s.get("/later/me")
	assert.Equal(t, 200, status, body)

	w.ok(`{"connectorauth": 1, "name": "acme", "baseUrl": "`+w.p.KeyHeaderURL+`", "test": {"request": "GET /me", "id": "/user", "label": "{/user}"},
		"inputs": [{"name": "apiKey", "secret": true}], "methods": [
		{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"in": "header", "name": "X-Api-Key"}},
		{"name": "more", "type": "ApiKey", "key": "{apiKey}", "placement": {"in": "header", "name": "X-Api-Key"}}]}`, "import", "-", "--force")
	w.p.Inject(w.p.KeyHeaderURL, 1, authtest.Answer(200, nil, `{"user": "another"}`))
	w.ok(values("apiKey", w.p.APIKey), "connect", "acme", "--method", "more", "--name", "more", "--values", "-")
	status, body = s.get("/more/me")
	assert.Equal(t, 200, status, body)

	assert.Empty(t, s.offers("globex"), "wants a client")
	w.consent()
	status, body = s.get("/globex/me")
	assert.Equal(t, 200, status, body)
	assert.Equal(t, []string{"oauth"}, s.offers("globex"))
	var connected struct{ Consent string }
	assert.Equal(t, http.StatusCreated, s.api("POST", "/accounts", `{"service": "globex", "duplicate": true}`, &connected))
	assert.NotEmpty(t, connected.Consent)
}

// A service with an imported definition is the imported one, whatever the catalogue says:
// credentials go where the person has said.
func TestThePagesOfferTheImportedService(t *testing.T) {
	w := newWorld(t)
	w.ok(`{"connectorauth": 1, "name": "stripe", "baseUrl": "`+w.p.KeyHeaderURL+`", "test": {"request": "GET /me"},
		"methods": [{"name": "ours", "type": "ApiKey", "inputs": [{"name": "apiKey", "secret": true}], "key": "{apiKey}",
		"placement": {"in": "header", "name": "X-Api-Key"}}]}`, "import", "-", "--force")
	s := w.serving()
	assert.Equal(t, []string{"ours"}, s.offers("stripe"))
	var account struct{ ID string }
	require.Equal(t, http.StatusCreated, s.api("POST", "/accounts", `{"service": "stripe", "values": {"apiKey": "`+w.p.APIKey+`"}}`, &account))
	assert.Contains(t, w.ok("", "call", account.ID, "GET", "/me"), "ApiKey")
}

// One witness is enough for a person who reads the note of connect, and not for the pages.
func TestThePagesOfferNoDrafts(t *testing.T) {
	w := newWorld(t)
	var found []struct {
		Name  string
		Types []string
		Draft bool
	}
	w.read(&found, "catalog", "search")
	s := w.serving()
	drafts := 0
	for _, e := range found {
		if e.Draft && slices.Contains(e.Types, "ApiKey") && drafts < 10 {
			drafts++
			assert.Empty(t, s.offers(e.Name), e.Name)
			var shown map[string]any
			w.read(&shown, "catalog", "show", e.Name)
			assert.Equal(t, true, shown["draft"], e.Name)
		}
	}
	assert.Equal(t, 10, drafts)
}

// A client of OAuth 2.0 is none of OAuth 1.0a, and an account with a key gets no client.
func TestAClientServesItsMethodAlone(t *testing.T) {
	w := newWorld(t)
	w.define("mixed", w.p.BearerURL, `"methods": [
		{"name": "oauth", "type": "OAuth2", "tokenUrl": "`+w.p.TokenURL+`", "grant": {"authorizationCode": {"authUrl": "`+w.p.AuthURL+`"}}},
		{"name": "signed", "type": "OAuth1", "requestTokenUrl": "`+w.p.RequestTokenURL+`", "authorizeUrl": "`+w.p.AuthorizeURL+`", "accessTokenUrl": "`+w.p.AccessTokenURL+`"},
		{"name": "token", "type": "ApiKey", "key": "{token}", "inputs": [{"name": "token", "secret": true}], "placement": {"prefix": "Bearer "}}]`)
	code, out, err := w.consenting(`(http://127\S+/\S+\?\S+)`, w.allow, w.client(), "connect", "mixed", "--method", "oauth", "--values", "-", "--no-browser")
	require.Equal(t, exit.OK, code, "%s\n%s", out, err)
	s := w.serving()
	assert.Equal(t, []string{"oauth", "token"}, s.offers("mixed"))
	token := strings.TrimSpace(w.ok("", "token", "mixed"))
	var account map[string]any
	status := s.api("POST", "/accounts", `{"service": "mixed", "method": "token", "duplicate": true, "values": {"token": "`+token+`"}}`, &account)
	require.Equal(t, http.StatusCreated, status, account)
	assert.Len(t, w.clients(), 1, "of the account with the consent")
}

// The newest account says what the next account of the pages gets of the program.
func TestThePagesUseTheValuesOfTheNewestAccount(t *testing.T) {
	w := newWorld(t)
	w.define("tagged", w.p.KeyHeaderURL, `"inputs": [{"name": "apiKey", "secret": true}, {"name": "app", "hidden": true}], "headers": {"X-App": "{app}"},
		"methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"in": "header", "name": "X-Api-Key"}}]`)
	s := w.serving()
	assert.Empty(t, s.offers("tagged"), "wants a value of the program")
	s.stop()
	for _, app := range []string{"old", "new"} {
		w.p.Inject(w.p.KeyHeaderURL, 1, authtest.Answer(200, nil, `{"user": "`+app+`"}`))
		w.ok(values("apiKey", w.p.APIKey, "app", app), "connect", "tagged", "--values", "-")
	}
	s = w.serving()
	assert.Equal(t, []string{"key"}, s.offers("tagged"))
	var account struct{ ID string }
	require.Equal(t, http.StatusCreated, s.api("POST", "/accounts", `{"service": "tagged", "values": {"apiKey": "`+w.p.APIKey+`"}}`, &account))
	w.ok("", "call", account.ID, "GET", "/me")
	sent := w.p.Requests(w.p.KeyHeaderURL)
	assert.Equal(t, "new", sent[len(sent)-1].Header.Get("X-App"))
}

// Standard output of a run is the program's, also where an account is unusable.
func TestARunHasStandardOutputForItself(t *testing.T) {
	w := newWorld(t)
	w.key()
	w.ok(`{"connectorauth": 1, "name": "acme2", "baseUrl": "`+w.p.KeyHeaderURL+`", "methods": [{"name": "none", "type": "None"}]}`, "import", "-")
	w.ok("{}", "connect", "acme2", "--values", "-")
	w.remove("acme2")
	t.Setenv("CONNECTORAUTH_HOME", w.home) // the flag would be the program's
	code, out, err := w.run("", "serve", "--json", "--run", "--", "sh", "-c", "echo mine")
	assert.Equal(t, exit.OK, code, err)
	assert.Equal(t, "mine\n", out)
	assert.Contains(t, err, "acme2-1: ")
}

// A definition that has changed may want more of an account: the program reads that the account
// must be connected again.
func TestAnAccountThatLacksAnAnswerIsConnectedAgain(t *testing.T) {
	w := newWorld(t)
	w.key()
	w.ok(`{"connectorauth": 1, "name": "acme", "baseUrl": "`+w.p.KeyHeaderURL+`", "inputs": [{"name": "apiKey", "secret": true}, {"name": "team"}],
		"headers": {"X-Team": "{team}"}, "methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"in": "header", "name": "X-Api-Key"}}]}`,
		"import", "-", "--force")
	s := w.serving()
	status, body := s.get("/acme/me")
	assert.Equal(t, http.StatusFailedDependency, status, body)
	assert.Contains(t, body, `"error":"reauth_required"`)
	assert.Contains(t, body, "/-/accounts/reconnect?id=acme-1")
}
