package definition_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// late returns the base URL of an account whose token response has further members.
func late(t *testing.T, base, captures, members string) (string, error) {
	t.Helper()
	d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "`+base+`", "methods": [{"name": "m", "type": "OAuth2",
		"tokenUrl": "https://a.example.com/token", "grant": {"clientCredentials": {}}, "captures": [`+captures+`]}]}`)
	c, err := d.Connect(definition.Connection{Client: definition.Client{ID: "program", Secret: "secret"}, HTTPClient: responding(200, `{"access_token": "t", "token_type": "Bearer"`+members+`}`, "Content-Type", "application/json")})
	require.NoError(t, err)
	return c.BaseURL(t.Context(), "")
}

// A host without its value is no other host, whatever else is absent.
func TestAbsentValueOfAHostBesideAnother(t *testing.T) {
	const captures = `{"name": "a", "path": "host", "format": "label"}, {"name": "b", "path": "tenant"}`
	base, err := late(t, "https://x{a}.example.com/{default(b, main)}", captures, "")
	assert.ErrorContains(t, err, "the provider gave no host")
	assert.Empty(t, base)
	base, err = late(t, "https://x{a}.example.com/{default(b, main)}", captures, `, "host": "1"`)
	require.NoError(t, err)
	assert.Equal(t, "https://x1.example.com/main", base)
}

// The Hosts of the connector have no port, so an origin with one is refused early.
func TestCapturedOriginWithAPort(t *testing.T) {
	const captures = `{"name": "a", "path": "url", "format": "origin", "suffixes": [".example.com"]}`
	_, err := late(t, "{a}", captures, `, "url": "https://x.example.com:8443"`)
	assert.ErrorContains(t, err, "the provider gave no url, or one that the definition does not allow")
	_, err = late(t, "{a}", captures, `, "url": "https://x.example.com:443"`)
	assert.NoError(t, err)
}

// Below a suffix of a service may be one that the service gives to everybody.
func TestValueBelowASharedSuffix(t *testing.T) {
	const captures = `{"name": "a", "path": "host", "format": "host", "suffixes": [".windows.net"]}`
	_, err := late(t, "https://{a}", captures, `, "host": "evil.blob.core.windows.net"`)
	assert.Error(t, err)
	_, err = late(t, "https://{a}", captures, `, "host": "x.windows.net"`)
	assert.NoError(t, err)
	d := parse(t, withURL(`, "format": "host", "suffixes": [".windows.net", ".blob.core.windows.net"]`, "https://{x}"))
	assert.NoError(t, d.Validate("", values{"x": "mine.blob.core.windows.net"}))
	assert.ErrorContains(t, d.Validate("", values{"x": "evil.servicebus.windows.net"}), "belong to different owners")
}

// Validate needs no certificate, also where the account may lead to any host.
func TestValidateOfAClientWithACertificate(t *testing.T) {
	d := parseAnyHost(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://{h}", "inputs": [{"name": "h", "format": "host", "anyHost": true}],
		"methods": [{"name": "m", "type": "OAuth2", "tokenUrl": "https://{h}/token", "clientAuth": "tls_client_auth", "grant": {"clientCredentials": {}}}]}`)
	assert.NoError(t, d.Validate("", values{"h": "wiki.example.com"}))
}

// An Account is the program's, and the Connected stays as it is.
func TestScopesOfAnAccountAreACopy(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "m", "type": "OAuth2",
		"tokenUrl": "https://a.example.com/token", "grant": {"clientCredentials": {}}, "scopes": ["read", "write"]}]}`)
	c, err := d.Connect(definition.Connection{Client: definition.Client{ID: "program", Secret: "secret"}, Scopes: []string{"read"}})
	require.NoError(t, err)
	c.Account().Scopes[0] = "write"
	assert.Equal(t, []string{"read"}, c.Account().Scopes)
}

// A named pipe would keep the program waiting for a writer.
func TestFileThatIsAPipe(t *testing.T) {
	files := fstest.MapFS{"acme.json": {Data: []byte(named("acme", "")), Mode: fs.ModeNamedPipe}}
	_, err := definition.Load(files, definition.Options{}, "*.json")
	assert.ErrorContains(t, err, "acme.json: is no regular file")
}

// A Converter that panics leaves the Folder usable.
func TestFolderAfterAPanic(t *testing.T) {
	fails := true
	files := fstest.MapFS{"acme.x": {Data: []byte(named("acme", ""))}}
	convert := func(text []byte) ([]byte, func(int, int) (int, int), error) {
		if fails = !fails; fails {
			panic("converter")
		}
		return text, nil, nil
	}
	f, err := definition.NewFolder(definition.FolderConfig{Files: files, Patterns: []string{"*.x"}, Options: definition.Options{Converters: map[string]definition.Converter{".x": convert}}})
	require.NoError(t, err)
	files["acme.x"] = &fstest.MapFile{Data: []byte(named("acme", `"title": "Acme", `))}
	assert.Panics(t, func() { _ = f.Reload() })
	files["acme.x"] = &fstest.MapFile{Data: []byte(named("acme", `"title": "New", `))}
	require.NoError(t, f.Reload())
	d, err := f.Set().Lookup("acme")
	require.NoError(t, err)
	assert.Equal(t, "New", d.Title)
}
