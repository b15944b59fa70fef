package definition_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Templates of other languages are texts here: what looks like one is worth a word.
func TestAdviceForTemplatesOfOtherLanguages(t *testing.T) {
	document := func(method string) string {
		return `{"connectorauth": 1, "name": "acme", "title": "Acme", "baseUrl": "https://api.example.com", "links": [{"url": "https://example.com"}],
"test": {"request": "GET /me", "id": "/id"}, "inputs": [{"name": "account", "title": "Account"}],
"methods": [{"name": "key", "inputs": [{"name": "apiKey", "title": "Key", "secret": true}], ` + method + `}]}`
	}
	for method, want := range map[string]string{
		`"type": "ApiKey", "key": "{apiKey}"`:   "",
		`"type": "ApiKey", "key": "${apiKey}"`:  "methods[0].key: sends the $ before the value; write {apiKey}",
		`"type": "ApiKey", "key": "{{apiKey}}"`: "methods[0].inputs[0]: is a secret in no template, so that nothing sends it; write {apiKey} where it belongs\nmethods[0].key: sends {apiKey} as it stands, and not the value; write one brace\nmethods[0].key: is the same for all accounts, and everybody who reads the definition sees the text; use an input",
		`"type": "None"`:                        "methods[0].inputs[0]: is a secret in no template, so that nothing sends it; write {apiKey} where it belongs",
		`"type": "Session", "login": [{"url": "https://api.example.com", "json": {"inputs": [{"title": "{base64({account}:{apiKey})}"}]}, "capture": {"token": "t"}}]`: "",
		`"type": "JWT", "private": "{apiKey}", "claims": {"issuer": "a"}`:                                                                                              "methods[0].private: has line breaks mostly, which the input apiKey takes with the format key alone",
	} {
		var got []string
		for _, line := range lint(t, "acme.json", document(method)) {
			got = append(got, strings.SplitN(line, ": ", 2)[1])
		}
		assert.Equal(t, want, strings.Join(got, "\n"), method)
	}
	slashes := strings.Replace(document(`"type": "ApiKey", "key": "{apiKey}"`), `"secret": true`, `"secret": true, "pattern": "/^a+$/"`, 1)
	assert.Contains(t, strings.Join(lint(t, "acme.json", slashes), "\n"), "methods[0].inputs[0].pattern: has slashes around it, which the value must have too; leave them out")
}
