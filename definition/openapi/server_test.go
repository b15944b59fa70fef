package openapi_test

import (
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/openapi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bare is a document with servers, without credentials.
func bare(servers string) []byte {
	return []byte(`{"openapi": "3.1.0", "info": {"title": "Acme"}, "security": [{}], "servers": ` + servers + `}`)
}

func TestServers(t *testing.T) {
	for _, test := range []struct{ servers, answers, url, base, open, note string }{
		{`[{"url": "https://API.example.com:443/v1/"}]`, "", "", "https://api.example.com/v1", "", ""},
		{`[{"url": "https://api.example.com:8443"}]`, "", "", "https://api.example.com:8443", "", ""},
		{`[{"url": "http://localhost:8080/a"}]`, "", "", "http://localhost:8080/a", "", ""},
		{`[]`, "", "", "", "server", ""},
		{`[{"url": "/v1"}]`, "", "", "", "server", "is relative"},
		{`[{"url": "/v1"}]`, "", "https://example.com/docs/openapi.json", "https://example.com/v1", "", ""},
		{`[{"url": "../v{n}"}]`, "", "https://example.com/docs/a/openapi.json", "https://example.com/docs/v{n}", "", ""},
		{`[{"url": "//cdn.example.com/v1"}]`, "", "https://example.com/docs/openapi.json", "https://cdn.example.com/v1", "", ""},
		{`[{"url": "http://api.example.com"}]`, "", "", "", "server", ""},
		{`[{"url": "http://api.example.com"}]`, "server=https://api.example.com", "", "https://api.example.com", "", ""},
		{`[{"url": "https://api.example.com"}, {"url": "https://{x}.example.com"}]`, "", "", "", "server", ""},
		{`[{"url": "https://api.example.com"}, {"url": "https://{x}.example.com"}]`, "server=https://{x}.example.com", "", "https://{x}.example.com", "", ""},
		{`[{"url": "https://api.example.com"}, {"url": "https://eu.example.com"}]`, "", "", "{server}", "", ""},
		{`[{"url": "{scheme}://api.example.com:{port}/{v}?x=1", "variables": {"scheme": {"default": "http"}, "port": {"default": "8443"}, "v": {"default": 2}}}]`, "", "",
			"https://api.example.com:8443/{v}", "", "the port is 8443"},
		{`[{"url": "https://{region}.example.com", "variables": {"region": {"enum": ["eu", "us"], "default": "us"}}}]`, "", "", "https://{region}.example.com", "", ""},
		{`[{"url": "https://{your-domain}/api", "variables": {"your-domain": {"default": "shop.example.com"}}}]`, "", "", "", "host:your-domain", ""},
		{`[{"url": "https://{your-domain}/api"}]`, "host:your-domain=.example.com .example.org", "", "https://{your_domain}/api", "", ""},
		{`[{"url": "https://{your-domain}/api"}]`, "host:your-domain=a.example.com b.example.com", "", "https://{your_domain}/api", "", ""},
		{`[{"url": "https://{your-domain}/api"}]`, "host:your-domain=any", "", "https://{your_domain}/api", "", ""},
		{`[{"url": "https://{your-domain}/api"}]`, "host:your-domain=.com", "", "", "server", ""},
		{`[{"url": "https://{x}.co.uk"}]`, "", "", "", "server", ""},
		{`[{"url": "https://api.example.com/{}/a{b"}]`, "", "", "", "server", ""},
		{`[{"url": "ftp://api.example.com"}]`, "", "", "", "server", ""},
		{`"x"`, "", "", "", "server", ""},
	} {
		given := answers{}
		if id, answer, ok := strings.Cut(test.answers, "="); ok {
			given[id] = answer
		}
		draft, err := openapi.Import("a.json", bare(test.servers), openapi.Options{Answers: given, URL: test.url})
		require.NoError(t, err)
		assert.Equal(t, test.base, draft.Definition.BaseURL, test.servers)
		assert.Contains(t, strings.Join(texts(draft.Notes), "\n"), test.note, test.servers)
		if test.open == "" {
			require.Empty(t, draft.Questions, test.servers)
			document, err := draft.Definition.Document()
			require.NoError(t, err)
			_, err = definition.Parse("a.json", document, definition.Options{AnyHost: true})
			require.NoError(t, err)
			continue
		}
		require.Len(t, draft.Questions, 1, test.servers)
		assert.Equal(t, test.open, draft.Questions[0].ID, test.servers)
	}
}

func TestFurtherServersHaveNamesOfTheirOwn(t *testing.T) {
	draft, err := openapi.Import("a.json", []byte(`{"openapi": "3.1.0", "info": {"title": "Acme"}, "security": [{}], "servers": [{"url": "https://api.example.com"}], "paths": {
		"/a": {"servers": [{"url": "https://files.example.com"}], "get": {}}, "/b": {"servers": [{"url": "https://files.example.org"}], "get": {}},
		"/c": {"servers": [{"url": "https://files.example.net:x"}], "get": {}}}}`), openapi.Options{})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"files": "https://files.example.com", "files-2": "https://files.example.org"}, draft.Definition.BaseURLs)
	assert.Contains(t, strings.Join(texts(draft.Notes), "\n"), "is left out: a further base URL has no variables here")
}

// The default of a host is an example, because it mostly is a placeholder; that of a
// path is a default.
func TestDefaultsOfVariables(t *testing.T) {
	draft, err := openapi.Import("a.json", bare(`[{"url": "https://{shop}.example.com/{v}/{site}", "variables": {
		"shop": {"default": "your-shop", "description": "Your shop\nas in the address bar"}, "v": {"default": "v2"}, "site": {"enum": ["a", "b", "a", 3], "default": "b"}}}]`), openapi.Options{})
	require.NoError(t, err)
	assert.Equal(t, []definition.Input{
		{Name: "shop", Title: "shop", Help: "Your shop", Example: "your-shop", Limits: definition.Limits{Format: definition.FormatLabel}},
		{Name: "v", Title: "v", Default: "v2"},
		{Name: "site", Title: "site", Default: "b", Limits: definition.Limits{Enum: []definition.Choice{{Value: "a"}, {Value: "b"}, {Value: "3"}}}},
	}, draft.Definition.Inputs)
	parsed(t, draft)

	draft, err = openapi.Import("a.json", bare(`[{"url": "https://{a}.example.com/{a}/{b}/{b}"}]`), openapi.Options{})
	require.NoError(t, err)
	assert.Equal(t, "https://{a}.example.com/{a}/{b}/{b}", parsed(t, draft).BaseURL)
	assert.Len(t, draft.Definition.Inputs, 2)
}

func TestTextsThatAreNoOpenAPI(t *testing.T) {
	for document, want := range map[string]string{
		`{"openapi": "4.0.0"}`:    "a.json:1:1: is no OpenAPI document",
		`{"openapi": 3}`:          "a.json:1:1: is no OpenAPI document",
		`{"swagger": "1.2"}`:      "a.json:1:1: is no OpenAPI document",
		"{\n \"openapi\": ":       "a.json:2:12: is not JSON",
		"openapi: 3.1.0\n":        "a.json:1:1: is not JSON: invalid character 'o' looking for beginning of value; for a document in YAML, set Options.Convert",
		`{"a": 1, "a": 2}`:        `a.json:1:10: "a" is there twice`,
		`[]`:                      "a.json:1:1: is no OpenAPI document",
		strings.Repeat("[", 9999): "a.json:1:9999: is not JSON",
	} {
		_, err := openapi.Import("a.json", []byte(document), openapi.Options{})
		var failed *definition.Error
		require.ErrorAs(t, err, &failed)
		assert.True(t, strings.HasPrefix(err.Error(), want), "%s: %v", document, err)
	}
	_, err := openapi.Import("a.json", bare("[]"), openapi.Options{URL: "/relative"})
	assert.EqualError(t, err, "openapi: Options.URL is not an absolute URL")
}

func TestAnswersAreTexts(t *testing.T) {
	_, err := openapi.Import("a.json", bare("[]"), openapi.Options{Answers: answers{"server": "\xff"}})
	assert.EqualError(t, err, `the answer to "server" is not valid UTF-8`)
	draft, err := openapi.Import("a.json", bare(`[{"url": "https://a.example.com"}]`), openapi.Options{Name: "\xff"})
	require.NoError(t, err)
	require.Len(t, draft.Questions, 1)
	assert.Contains(t, draft.Questions[0].Text, `"?" is no name`)
}

func TestDocumentsOfOtherFormatsKeepTheirPlaces(t *testing.T) {
	draft, err := openapi.Import("a.yaml", []byte("servers: none"), openapi.Options{
		Convert: func(document []byte) ([]byte, func(int, int) (int, int), error) {
			require.Equal(t, "servers: none", string(document))
			return bare(`[{"url": "/v1"}]`), func(line, column int) (int, int) { return line + 6, 1 }, nil
		},
	})
	require.NoError(t, err)
	assert.Equal(t, "a.yaml:7:1: servers: is missing or relative; what is the URL of the API?", draft.Questions[0].String())
	_, err = openapi.Import("a.yaml", nil, openapi.Options{
		Convert: func([]byte) ([]byte, func(int, int) (int, int), error) { return nil, nil, assert.AnError },
	})
	assert.ErrorIs(t, err, assert.AnError)
}

// What a definition cannot say is said in notes, and the rest is kept.
func TestNothingIsDroppedSilently(t *testing.T) {
	draft, err := openapi.Import("a.json", []byte(`{"openapi": "3.0.0", "info": {"title": "!!"}, "externalDocs": {"url": "https://"},
"servers": [{"url": "https://api.example.com"}],
"security": [{"a": []}, {"b": []}, {"c": []}, {"d": []}, {"e": []}, {"f": []}, {"g": []}, {"h": []}, {"i": [], "j": []}, {"k": []}, {"l": []}],
"components": {"securitySchemes": {
 "a": {"type": "magic"}, "b": {"type": "apiKey", "in": "body", "name": "x"}, "c": {"type": "apiKey", "in": "header"},
 "d": {"type": "http"}, "e": {"$ref": "#/nowhere"}, "f": {"$ref": "#/components/securitySchemes/f"},
 "g": {"type": "apiKey", "in": "header", "name": "Content-Length"}, "h": {"type": "oauth2", "flows": {}},
 "i": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://a.example.com/t", "scopes": {"a b": ""}}}},
 "j": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://b.example.com/t"}}},
 "k": {"type": "basic"}}}}`), openapi.Options{Name: "acme", Answers: answers{"clientAuth:i": "client_secret_basic", "clientAuth:j": "client_secret_basic"}})
	require.NoError(t, err)
	notes := strings.Join(texts(draft.Notes), "\n")
	for _, want := range []string{
		`externalDocs.url: is left out: links[0].url: want an https URL`, `securitySchemes.a.type: is no type of OpenAPI`, `security[0]: is left out: the scheme "a" cannot be a definition`,
		`securitySchemes.b.in: is no place for a key`, `securitySchemes.c.name: is missing`, `securitySchemes.d.scheme: is missing`, `securitySchemes.e.$ref: leads nowhere`,
		`securitySchemes.f: has references in a circle`, `security[6]: is left out: placement.name: `, `securitySchemes.h: has no flow that a definition can say`,
		`the scope "a b" is left out`, `security[8]: is left out: i and j are tokens that are renewed`, `securitySchemes.k.type: is no type of OpenAPI`,
		`security[10].l: is the name of no scheme of the document`,
	} {
		assert.Contains(t, notes, want)
	}
	require.Len(t, draft.Questions, 1)
	assert.Equal(t, "security", draft.Questions[0].ID)
	assert.Empty(t, draft.Definition.Methods)

	draft, err = openapi.Import("a.json", []byte(`{"openapi": "3.0.0", "info": {"title": "!!"}, "security": [], "servers": [{"url": "https://api.example.com"}]}`), openapi.Options{})
	require.NoError(t, err)
	require.Len(t, draft.Questions, 1)
	assert.Equal(t, "a.json:1:40: info.title: has no letters; what is the name of the definition, such as acme?", draft.Questions[0].String())
	draft, err = openapi.Import("a.json", bare(`[{"url": "https://api.example.com"}]`), openapi.Options{Name: "No Name"})
	require.NoError(t, err)
	require.Len(t, draft.Questions, 1)
	assert.Contains(t, draft.Questions[0].Text, `the draft has mistakes; change the document: name: "No Name" is no name`)
}
