package definition_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lint returns the advice for a document, one line each.
func lint(t *testing.T, file, document string) []string {
	t.Helper()
	found, err := definition.Lint(file, []byte(document), definition.Options{AnyHost: true})
	require.NoError(t, err)
	var lines []string
	for _, f := range found {
		lines = append(lines, f.String())
	}
	return lines
}

// What is found in the definitions of services is true of them.
func TestAdviceForServices(t *testing.T) {
	for name, want := range map[string][]string{
		"datadog": {"test.id"}, "notion": {"methods[0].revokeUrl"}, "pushover": {"test"}, "quickbooks": {"test"}, "salesforce": nil, "telegram-bot": nil,
		"shopify": {"methods[0].revokeUrl"}, "tableau": {"test"}, "trello": {"methods[0].and[0].placement"}, "twilio": {"test.id"}, "zendesk": {"methods[0].revokeUrl"},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", "services", name+".json"))
		require.NoError(t, err)
		var got []string
		for _, line := range lint(t, name, string(text)) {
			path := strings.SplitN(line, ": ", 3)[1]
			if !strings.HasSuffix(path, "title") && !strings.HasSuffix(path, "help") {
				got = append(got, path)
			}
		}
		assert.Equal(t, want, got, name)
	}
}

func TestAdviceHasPlacesAndNoSecrets(t *testing.T) {
	const document = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://{host}/api", "baseUrls": {"local": "http://localhost/x"},
"x-note": {"url": "http://ignored.example.com"},
"inputs": [
  {"name": "host", "title": "Host", "format": "host", "anyHost": true},
  {"name": "api_key", "title": "Key", "pattern": "[a-z]+"},
  {"name": "hidden", "hidden": true, "optional": true},
  {"name": "password", "secret": true}],
"methods": [
  {"name": "oauth", "title": "Consent", "type": "OAuth2", "tokenUrl": "http://localhost/token", "clientId": "c", "clientSecret": "hunter2",
   "grant": {"authorizationCode": {"authUrl": "https://example.com/a", "disablePkce": true}},
   "scopes": ["a", "b", "c", "d", "e", "f"],
   "dialect": {"placement": {"in": "query", "name": "t"}}},
  {"name": "password", "type": "OAuth2", "tokenUrl": "https://example.com/token",
   "grant": {"passwordCredentials": {"username": "u", "password": "hunter2"}}},
  {"name": "keys", "title": "Keys", "type": "ApiKey", "key": "hunter2", "placement": {"in": "query", "name": "k"},
   "and": [{"type": "Basic", "username": "api", "password": "hunter2"}]},
  {"name": "oauth1", "title": "Signed", "type": "OAuth1", "clientId": "c", "clientSecret": "hunter2", "token": "t", "tokenSecret": "hunter2"},
  {"name": "login", "title": "Login", "type": "Session", "login": [{"url": "http://localhost/login", "capture": {"token": "t"}}], "places": [{"in": "query", "name": "s"}]},
  {"name": "jwt", "title": "JWT", "type": "JWT", "secret": "hunter2hunter2hunter2hunter2hunter2", "algorithm": "HS256", "claims": {"issuer": "i"}, "placement": {"in": "query", "name": "j"}}
]}`
	got := lint(t, "acme.json", document)
	assert.NotContains(t, strings.Join(got, "\n"), "hunter2")
	for i, line := range got {
		got[i] = strings.TrimPrefix(strings.SplitN(line, ": ", 3)[0], "acme.json:") + " " + strings.SplitN(line, ": ", 3)[1]
	}
	assert.Equal(t, []string{
		"1:1 title", "1:1 test", "1:93 baseUrls.local", "4:3 inputs[0].example", "4:66 inputs[0].anyHost", "5:3 inputs[1].example",
		"5:12 inputs[1].name", "7:3 inputs[3].title", "7:3 inputs[3].help", "7:3 inputs[3]", "9:3 methods[0].revokeUrl", "9:71 methods[0].tokenUrl",
		"9:130 methods[0].clientSecret", "10:87 methods[0].grant.authorizationCode.disablePkce", "11:14 methods[0].scopes",
		"12:29 methods[0].dialect.placement", "13:3 methods[1].title", "14:37 methods[1].grant.passwordCredentials",
		"14:67 methods[1].grant.passwordCredentials.password", "15:62 methods[2].key", "16:61 methods[2].and[0].password",
		"17:92 methods[3].clientSecret", "17:132 methods[3].tokenSecret", "18:76 methods[4].login[0].url", "18:142 methods[4].places[0]",
		"19:60 methods[5].secret", "19:161 methods[5].placement",
	}, got)
}

func TestAdviceForALabelThatNamesNobody(t *testing.T) {
	const document = `{"connectorauth": 1, "name": "acme", "title": "Acme", "baseUrl": "https://api.example.com", "methods": [{"name": "open", "type": "None"}],
"test": {"request": "GET /me", "id": "/user", "label": "LABEL"}}`
	assert.Equal(t, []string{"acme.json:2:56: test.label: is the same text for every account; write a JSON Pointer in braces, such as {/user/name}"},
		lint(t, "acme.json", strings.Replace(document, "LABEL", "/user", 1)))
	assert.Empty(t, lint(t, "acme.json", strings.Replace(document, "LABEL", "{/user} at Acme", 1)))
}

func TestAdviceForADevice(t *testing.T) {
	advice := strings.Join(lint(t, "acme.json", `{"connectorauth": 1, "name": "acme", "title": "Acme", "baseUrl": "https://api.example.com",
"methods": [{"name": "m", "type": "OAuth2", "tokenUrl": "https://a.example.com/t",
  "grant": {"deviceCode": {"deviceUrl": "http://localhost/d"}}}]}`), "\n")
	assert.Contains(t, advice, "acme.json:2:13: methods[0].revokeUrl: is missing; Revoke forgets the token")
	assert.Contains(t, advice, "acme.json:3:41: methods[0].grant.deviceCode.deviceUrl: is plain http")
}

func TestAdviceForASecretThatIsShown(t *testing.T) {
	for method, place := range map[string]string{
		`"type": "ApiKey", "key": "{v}"`: "key", `"type": "Basic", "username": "{x}", "password": "{v}"`: "password",
		`"type": "JWT", "private": "{v}"`: "private", `"type": "OAuth1", "clientId": "a", "clientSecret": "{x}", "token": "b", "tokenSecret": "{v}"`: "tokenSecret",
		`"type": "OAuth2", "tokenUrl": "https://a.example.com/", "grant": {"clientCredentials": {}}, "clientId": "a", "clientSecret": "{v}"`: "clientSecret",
	} {
		for members, shown := range map[string]bool{"": true, `, "secret": true`: false} {
			advice := strings.Join(lint(t, "acme.json", `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com",
				"inputs": [{"name": "v"`+members+`}, {"name": "x", "secret": true}], "methods": [{"name": "m", `+method+`}]}`), "\n")
			assert.Equal(t, shown, strings.Contains(advice, "methods[0]."+place+": has no secret among its inputs"), "%s: %s", method, advice)
		}
	}
}

func TestAdviceNeedsADefinitionWithoutMistakes(t *testing.T) {
	found, err := definition.Lint("a.json", []byte(`{"connectorauth": 1}`), definition.Options{})
	assert.Nil(t, found)
	assert.ErrorContains(t, err, "a.json:1:1: methods: is missing")
}
