package definition_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const acme = `{
  "connectorauth": 1, "name": "acme", "title": "Acme",
  "inputs": [
    {"name": "subdomain", "title": "Subdomain", "format": "label", "example": "mycompany", "suffix": ".acme.example.com"},
    {"name": "region", "enum": ["eu", {"value": "us", "title": "United States"}], "default": "eu"}
  ],
  "baseUrl": "https://{subdomain}.{region}.acme.example.com/api",
  "headers": {"Accept-Version": "2026-01", "X-Region": "{region}"},
  "params": {"tenant": "{subdomain}"},
  "methods": [
    {"name": "key", "type": "ApiKey", "inputs": [{"name": "apiKey", "title": "API key", "secret": true, "pattern": "ak_[0-9a-f]{4}"}],
     "key": "{apiKey}", "placement": {"name": "X-Key"},
     "and": [{"type": "Basic", "username": "{subdomain}", "password": "{lower({apiKey})}"}]}
  ],
  "test": {"request": "GET /me", "ok": [200], "id": "/id", "label": "{/email} ({/org/name})"},
  "x-note": null
}`

func TestCredentialsHeadersAndParametersOfADefinition(t *testing.T) {
	c, err := parse(t, acme).Connect(definition.Connection{Values: values{"subdomain": "mycompany", "apiKey": "ak_00ff"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"acme", "key"}, []string{c.Definition(), c.Method()})
	req := sent(t, c, "GET", "/orders", "")
	assert.Equal(t, "https://mycompany.eu.acme.example.com/api/orders?tenant=mycompany", req.URL.String())
	assert.Equal(t, "ak_00ff", req.Header.Get("X-Key"))
	assert.Equal(t, "2026-01", req.Header.Get("Accept-Version"))
	assert.Equal(t, "eu", req.Header.Get("X-Region"))
	user, password, _ := req.BasicAuth()
	assert.Equal(t, []string{"mycompany", "ak_00ff"}, []string{user, password})

	_, err = connectorauth.NewClient(c.Connector(), nil).Get("https://other.eu.acme.example.com/api")
	assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	assert.NotContains(t, fmt.Sprintf("%+v %#v", c, c), "ak_00ff")
}

func TestMistakesOfValuesAreInWordsForTheAccountOwner(t *testing.T) {
	d := parse(t, acme)
	_, err := d.Connect(definition.Connection{Values: values{"subdomain": "My Company", "region": "asia", "apiKey": "ak_secret"}})
	var failed *definition.InputError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, []definition.InputProblem{
		{Input: "subdomain", Title: "Subdomain", Text: "use lower-case letters, digits and hyphens only, such as mycompany", Reason: definition.InputFormat},
		{Input: "region", Title: "region", Text: "is none of the choices", Reason: definition.InputNoChoice},
		{Input: "apiKey", Title: "API key", Text: "does not look as the service writes it", Reason: definition.InputPattern},
	}, failed.Problems)
	assert.NotContains(t, err.Error(), "secret")

	_, err = d.Connect(definition.Connection{})
	assert.EqualError(t, err, "definition: acme\nSubdomain: is missing; an example is mycompany\nAPI key: is missing")
	_, err = d.Connect(definition.Connection{Values: values{"subdomain": "a", "apiKey": "ak_00ff", "regoin": "eu"}})
	assert.EqualError(t, err, `definition: acme: Values: "regoin" is no input of method key; did you mean region?`)
	several := parse(t, `{"connectorauth": 1, "name": "acme", "inputs": [{"name": "keyd"}, {"name": "keyb"}, {"name": "keyc"}, {"name": "keya"}, {"name": "keye"}],
		"baseUrl": "https://api.example.com/{keya}/{keyb}/{keyc}/{keyd}/{keye}", "methods": [{"name": "a", "type": "None"}]}`)
	all := values{"keya": "1", "keyb": "1", "keyc": "1", "keyd": "1", "keye": "1", "key": "1"}
	_, err = several.Connect(definition.Connection{Values: all})
	assert.ErrorContains(t, err, "did you mean keya?", "of names that are equally near, the first in order")
	_, err = d.Connect(definition.Connection{Method: "kez"})
	assert.ErrorContains(t, err, `no method "kez"; did you mean key?`)
}

func TestMistakesOfADocumentHaveLineColumnAndPath(t *testing.T) {
	got := mistakes(`{
  "connectorauth": 1, "name": "Acme",
  "baseURL": "https://api.example.com",
  "inputs": [{"name": "a", "format": "lable", "secret": "yes"}, {"name": "a"}],
  "methods": [
    {"name": "key", "name": "key2", "type": "Oauth1", "key": "{b}"},
    {"name": "x", "type": "ApiKey", "kez": "{b}", "placement": {"in": "headr", "nam": "X"}}
  ],
  "title": null
}`)
	assert.Equal(t, []string{
		`acme.json:1:1: baseUrl: is missing`,
		`acme.json:2:31: name: "Acme" is no name; use at most 64 lower-case letters, digits, '-' and '_'`,
		`acme.json:3:3: baseURL: is no member here; did you mean baseUrl?`,
		`acme.json:4:38: inputs[0].format: "lable" is none of text, label, host, origin, url, uuid, email, integer, key; did you mean label?`,
		`acme.json:4:57: inputs[0].secret: is text; want true or false`,
		`acme.json:4:74: inputs[1].name: "a" is the name of two inputs`,
		`acme.json:6:21: "name" is there twice; remove one`,
		`acme.json:6:45: methods[0].type: "Oauth1" is none of ApiKey, Basic, AuthFields, OAuth1, OAuth2, Session, JWT, None; did you mean OAuth1?`,
		`acme.json:7:37: methods[1].kez: is no member here; did you mean key?`,
		`acme.json:7:71: methods[1].placement.in: unknown word "headr": use header, query, cookie, body or path`,
		`acme.json:7:80: methods[1].placement.nam: is no member here; did you mean name?`,
		`acme.json:9:12: title: is null; leave the member out`,
	}, strings.Split(got, "\n"))
}

func TestDocumentsThatAreNoJSON(t *testing.T) {
	for document, want := range map[string]string{
		"":                                     "acme.json:1:1: the document ends too early",
		"[]":                                   "acme.json:1:1: want an object",
		"{}":                                   `acme.json:1:1: is no definition, or lacks its version`,
		`{"connectorauth": 2, "new": 1}`:       "acme.json:1:19: connectorauth: this program reads version 1",
		`{"connectorauth": 1} x`:               "acme.json:1:22: there is more after the document",
		`{"connectorauth": 1,}`:                "acme.json:1:21: want the name of a member",
		"{\"é\": \"a\nb\"}":                    "acme.json:1:9: a text has no line breaks",
		`{"a": "\ud800"}`:                      "acme.json:1:7: the text has half of a character",
		"{\"a\": \"\xff\"}":                    "acme.json:1:7: the text is not valid",
		`{"a": 01}`:                            "acme.json:1:7: want a value",
		`{"a": "b`:                             "acme.json:1:7: the text has no double quote",
		strings.Repeat("[", 50):                "acme.json:1:34: is more than 32 deep",
		`"` + strings.Repeat("a", 1<<20) + `"`: "acme.json:1:1: is longer than 1048576 bytes",
	} {
		assert.True(t, strings.HasPrefix(mistakes(document), want), "%.40s: %s", document, mistakes(document))
	}
}

// The trial of a definition finds what the constructors refuse.
func TestMistakesThatConstructorsFind(t *testing.T) {
	document := func(method string) string {
		return `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "a", ` + method + `}]}`
	}
	for method, want := range map[string]string{
		`"type": "ApiKey"`: "acme.json:1:88: methods[0].key: is empty",
		`"type": "ApiKey", "key": "x", "placement": {"prefix": "Bearer"}`:       "acme.json:1:156: methods[0].placement.prefix: ",
		`"type": "ApiKey", "key": "x", "and": [{"type": "ApiKey", "key": "y"}]`: "methods[0]: two credentials for the header Authorization",
		`"type": "OAuth2", "grant": {}, "tokenUrl": "https://a.example.com"`:    "methods[0].grant: give one of",
		`"type": "OAuth2", "grant": {"clientCredentials": {}}`:                  "methods[0].tokenUrl: want",
		`"type": "Session"`: "methods[0].login: is empty",
		`"type": "Session", "login": [{"url": "https://{x}.example.com/{user}"}]`: "methods[0].login[0].url: there is no value for {x} here",
		`"type": "AuthFields"`:                        "methods[0].fields: there are none",
		`"type": "None", "and": [{"type": "ApiKey"}]`: "methods[0].and[0].key: is empty",
		`"type": "OAuth2", "grant": {"authorizationCode": {"authUrl": "https://a.example.com/x?client_id=1"}}, "tokenUrl": "https://a.example.com?client_secret=x"`: "methods[0].grant: authUrl, params: client_id is set by the library",
		`"type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "https://a.example.com?client_secret=x"`:                                                 "methods[0].tokenUrl: the query contains client credentials, which RFC 6749 section 2.3.1 forbids; use clientId and clientSecret",
		`"type": "Session", "login": [{"url": "https://a.example.com", "header": {"A b": "x"}, "capture": {"token": "t"}}]`:                                         "methods[0].login[0].header",
		`"type": "OAuth1", "clientId": "a", "clientSecret": "b", "authorizeUrl": "https://a.example.com"`:                                                           "methods[0]: requestTokenUrl, authorizeUrl, accessTokenUrl: give all three, or none",
		`"type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "https://a.example.com", "dialect": {"rejections": [{"path": "a"}, {}]}`:                 "methods[0].dialect.rejections[1]: ",
		`"type": "None", "refreshIdle": "1h"`: "methods[0].refreshIdle: is for refresh tokens",
		`"type": "None", "key": "x"`:          "methods[0].key: is no member here",
		`"key": "x"`:                          "methods[0]: has no type",
	} {
		assert.Contains(t, mistakes(document(method)), want, method)
	}
}

func TestNames(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [
		{"name": "key", "was": ["token"], "type": "ApiKey", "key": "k"}, {"name": "open", "type": "None", "default": true}]}`)
	for asked, want := range map[string]string{"": "open", "token": "key", "key": "key"} {
		c, err := d.Connect(definition.Connection{Method: asked})
		require.NoError(t, err)
		assert.Equal(t, want, c.Method())
	}
	got := mistakes(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [
		{"name": "a", "type": "None", "default": true}, {"name": "b", "was": ["a"], "type": "None", "default": true}]}`)
	assert.Contains(t, got, `methods[1].was[0]: "a" is the name of two methods`)
	assert.Contains(t, got, "methods[1].default: another method is the default already")
}

func TestFieldsInMessages(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "inputs": [{"name": "key", "secret": true}, {"name": "note", "optional": true}],
		"headers": {"X-Note": "{note}"},
		"methods": [{"name": "a", "type": "AuthFields", "body": "json", "fields": [{"key": "auth.token", "value": "{base64({key})}"}]}]}`)
	c, err := d.Connect(definition.Connection{Values: values{"key": "abc"}})
	require.NoError(t, err)
	req := sent(t, c, "POST", "/x", `{"a":1}`)
	body, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	assert.JSONEq(t, `{"a":1,"auth":{"token":"YWJj"}}`, string(body))
	assert.NotContains(t, req.Header, "X-Note")
}

func TestErrorIsAnError(t *testing.T) {
	_, err := definition.Parse("a.json", []byte("{"), definition.Options{})
	var failed *definition.Error
	require.True(t, errors.As(err, &failed))
	assert.Equal(t, []definition.Finding{{File: "a.json", Line: 1, Column: 2, Text: "the document ends too early"}}, failed.Findings)
}

// Members that begin with x- are not read, wherever they stand; in a map, x- begins an
// ordinary name.
func TestMembersOfOthers(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "x-a": {"b": [null]}, "name": "acme", "baseUrl": "https://api.example.com", "headers": {"x-b": "c"},
		"inputs": [{"name": "a", "optional": true, "x-order": 3}],
		"methods": [{"name": "key", "type": "ApiKey", "key": "k", "x-c": 1, "placement": {"name": "X-Key", "x-d": true}}]}`)
	c, err := d.Connect(definition.Connection{})
	require.NoError(t, err)
	req := sent(t, c, "GET", "/", "")
	assert.Equal(t, []string{"c", "k"}, []string{req.Header.Get("X-B"), req.Header.Get("X-Key")})
}
