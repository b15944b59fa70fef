package definition_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
)

// What could never work is a mistake of the document.
func TestDefinitionsThatCouldNeverWork(t *testing.T) {
	const oauth2 = `"type": "OAuth2", "tokenUrl": "https://a.example.com/token"`
	for members, want := range map[string]string{
		`"methods": [{"name": "m", ` + oauth2 + `, "grant": {"clientCredentials": {}}, "clientSecret": "{x}"}]`:                                                               `methods[0].clientSecret: has no clientId beside it`,
		`"methods": [{"name": "m", "type": "OAuth1", "token": "a", "tokenSecret": "b", "clientSecret": "{x}"}]`:                                                               `methods[0].clientSecret: has no clientId beside it`,
		`"methods": [{"name": "m", "type": "ApiKey", "key": "{x}", "and": [{` + oauth2 + `, "grant": {"authorizationCode": {"authUrl": "https://a.example.com/"}}}]}]`:        `methods[0].and[0]: needs a consent`,
		`"methods": [{"name": "m", "type": "AuthFields", "fields": [{"key": "a", "value": "{x}"}]}], "test": {"request": "GET /me"}`:                                          `test.request: the fields of the method "m" do not go along with GET`,
		`"methods": [{"name": "m", "type": "AuthFields", "fields": [{"key": "a", "value": "{x}"}], "methods": ["PUT"]}], "test": {"request": "POST /me"}`:                     `test.request: the fields of the method "m" do not go along with POST`,
		`"methods": [{"name": "m", "type": "AuthFields", "fields": [{"key": "a", "value": "{x}"}], "methods": ["GET"]}], "test": {"request": "GET /me"}`:                      ``,
		`"methods": [{"name": "m", "type": "AuthFields", "fields": [{"key": "a", "value": "{x}"}], "and": [{"type": "ApiKey", "key": "{x}"}]}], "test": {"request": "GET /"}`: ``,
	} {
		if text := mistakes(hostile(members)); want == "" {
			assert.Empty(t, text, members)
		} else {
			assert.Contains(t, text, want, members)
		}
	}
}

// Each choice of a URL can be a host of the connector, and not the first one only.
func TestChoicesThatAreNoHosts(t *testing.T) {
	for _, choice := range []string{"https://b..example.com", "https://*.example.com", "https://b.example.com:", "https://b.example.com.", "https://.example.com", "https://b;c.example.com"} {
		assert.Contains(t, mistakes(withURL(`, "enum": ["https://a.example.com", "`+choice+`"]`, "{x}/api")), "baseUrl: {x} stands for scheme and host", choice)
	}
}

// A wildcard of the list of public suffixes has a suffix of others below each name.
func TestSuffixesBelowWhichEverybodyRegisters(t *testing.T) {
	assert.Contains(t, mistakes(withURL(`, "format": "host", "suffixes": [".kawasaki.jp"]`, "https://{x}")), "everybody can register names that end in .kawasaki.jp")
	assert.Contains(t, mistakes(withURL(`, "format": "label"`, "https://{x}.compute.amazonaws.com")), "names that end in .compute.amazonaws.com belong to different owners")
	assert.Empty(t, mistakes(withURL(`, "format": "host", "suffixes": [".compute.amazonaws.com"]`, "https://{x}")))
}

// URLs that stand for an enum of URLs cost no more than others.
func TestManyURLsWithAnEnum(t *testing.T) {
	var choices, origins []string
	for i := range 1000 {
		choices, origins = append(choices, fmt.Sprintf(`"https://a%d.example.com"`, i)), append(origins, fmt.Sprintf(`"r%d": "{x}"`, i))
	}
	method := `{"name": "m%d", "type": "OAuth2", "tokenUrl": "https://a.example.com/t", "grant": {"clientCredentials": {}}, "dialect": {"regions": {"origins": {` + strings.Join(origins, ",") + `}}}}`
	document := withURL(`, "enum": [`+strings.Join(choices, ",")+`]`, "https://api.example.com")
	document = strings.Replace(document, `"methods": [`, `"methods": [`+fmt.Sprintf(method, 1)+","+fmt.Sprintf(method, 2)+",", 1)
	began := time.Now()
	_, err := definition.Parse("acme.json", []byte(document), definition.Options{})
	assert.Less(t, time.Since(began), 30*time.Second, "%v", err)
}
