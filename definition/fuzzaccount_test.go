package definition_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/require"
)

// A visitor leads an account through whatever its methods can do, and notes which URLs
// are asked or named.
type visitor struct {
	t        testing.TB
	captured string // what the provider says wherever a definition captures a value
	response string // of the provider
	callback url.Values

	mu   sync.Mutex
	urls []string
}

// canary is in values that nothing may show.
const canary = "CANARYq7"

// shapes are definitions with captured values in all places: of token responses and
// callbacks, and of logins.
func shapes() (documents [][]byte) {
	add := func(limits, baseURL, method string) {
		documents = append(documents, []byte(`{"connectorauth": 1, "name": "shape", "inputs": [{"name": "x", "format": "label"}], "baseUrl": "`+baseURL+`",
			"headers": {"X-V": "{v}"}, "params": {"v": "a{v}"}, "methods": [{"name": "a", `+method+`, "captures": [{"name": "v", `+limits+`}],
			"and": [{"type": "ApiKey", "key": "{v}", "placement": {"name": "X-Key"}}]}]}`))
	}
	for _, shape := range [][2]string{
		{`"format": "origin", "suffixes": [".example.com"]`, "{v}/api"},
		{`"format": "host", "suffixes": [".example.com", ".example.co.uk"]`, "https://{v}/api"},
		{`"format": "label"`, "https://{v}.example.com/api"},
		{`"format": "label"`, "https://{v}.{x}.example.com/api"},
		{`"format": "label", "suffixes": [".myshopify.com"]`, "https://{v}.myshopify.com"},
		{`"enum": ["https://eu.example.com/v2", "https://example.org"]`, "{v}/api"},
		{`"enum": ["com", "co.uk"]`, "https://{x}.acme.{v}"},
		{`"format": "text"`, "https://example.com/{v}/api"},
		{`"pattern": "[a-z/.%]*"`, "https://example.com/a{v}/{x}"},
	} {
		const oauth2 = `"type": "OAuth2", "grant": {"authorizationCode": {"authUrl": "https://{x}.login.example.com/auth"}},
			"tokenUrl": "https://{x}.login.example.com/token", "revokeUrl": "https://{x}.login.example.com/revoke"`
		add(`"path": "v.w", `+shape[0], shape[1], oauth2)
		if !strings.Contains(shape[0], "origin") && !strings.Contains(shape[0], "host") {
			add(`"path": "v", "from": "callback", `+shape[0], shape[1], oauth2)
		}
		add(shape[0], shape[1], `"type": "Session", "login": [{"url": "https://{x}.login.example.com/login", "capture": {"token": "token", "v": "v.w"}}],
			"renew": {"url": "https://{x}.login.example.com/{v}"}, "logout": {"url": "https://login.example.com/logout/{x}?v={v}"}`)
	}
	return documents
}

// FuzzAccount: whatever an account owner gives, and a provider says, no request goes to an
// origin that the definition does not declare, no error shows a secret, and nothing takes
// long.
func FuzzAccount(f *testing.F) {
	documents := shapes()
	files, err := filepath.Glob("testdata/services/*.json")
	require.NoError(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		documents = append(documents, text)
	}
	definitions := make([]*definition.Definition, len(documents))
	judges := make([]*declaration, len(documents))
	for i, document := range documents {
		definitions[i], judges[i] = parse(f, string(document)), declared(f, document)
		f.Add(i, i, "a", "a.zendesk.com", "https://example.com.evil.com")
		f.Add(i, i, "acme", "a@example.com", canary)
	}
	for i := range len(shapes()) + 1 {
		for _, value := range []string{
			"a", "com", "https://a.example.com", "https://evil.com#.example.com", "https://evil@a.example.com", "a.example.com", "evil.com/", "..", "a%2f..",
			"127.0.0.1", `evil\.example.com`, `{"w": "a"}`, `["https://evil.com"]`, "7", "https://" + canary + ".example.com",
		} {
			f.Add(i, 0, "a", "b", value)
		}
	}
	f.Fuzz(func(t *testing.T, i, method int, a, b, captured string) {
		i = int(uint(i) % uint(len(documents)))
		d := definitions[i]
		m := &d.Methods[uint(method)%uint(len(d.Methods))]
		given := values{}
		for n, input := range append(slices.Clone(d.Inputs), m.Inputs...) {
			value := []string{a, b, captured}[n%3]
			switch {
			case input.Secret:
				value += canary
			case value == "" && input.Example != "":
				value = input.Example
			case len(input.Enum) > 0 && len(value)%2 == 0:
				value = input.Enum[len(value)%len(input.Enum)].Value
			}
			given[input.Name] = connectorauth.Secret(value)
		}
		began := time.Now()
		v := &visitor{t: t, captured: captured, callback: url.Values{}}
		if !strings.Contains(captured, canary) { // a region is no secret
			v.callback.Set("location", captured)
		}
		v.prepare(m)
		v.visit(d, m, given, a, b)
		require.Less(t, time.Since(began), 30*time.Second+10*time.Millisecond*time.Duration(len(a)+len(b)+len(captured))/1000)
		for _, text := range v.urls {
			u, err := url.Parse(text)
			require.NoError(t, err)
			require.True(t, judges[i].has(u), "%s leads to %s", d.Name, text)
		}
	})
}

// prepare makes a token response and a callback that have all captures of a method.
func (v *visitor) prepare(m *definition.Method) {
	response := map[string]any{"access_token": "T", "token_type": "Bearer", "refresh_token": "R", "expires_in": 3600, "token": "T"}
	var value any
	if json.Unmarshal([]byte(v.captured), &value) != nil {
		value = v.captured
	}
	response["v"] = map[string]any{"w": value}
	if s, ok := m.Scheme.(*definition.OAuth2); ok {
		for _, capture := range s.Captures {
			v.callback.Set(capture.Path, v.captured)
			first, inner, nested := strings.Cut(capture.Path, ".")
			response[first] = value
			if nested {
				response[first] = map[string]any{inner: value}
			}
		}
	}
	text, err := json.Marshal(response)
	require.NoError(v.t, err)
	v.response = string(text)
}

// RoundTrip notes where a request goes.
func (v *visitor) RoundTrip(req *http.Request) (*http.Response, error) {
	v.note(req.URL.String())
	if req.Body != nil {
		io.Copy(io.Discard, req.Body)
		req.Body.Close()
	}
	return fakehttp.Respond(200, v.response), nil
}

func (v *visitor) note(u string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.urls = append(v.urls, u)
}

// ok reports whether err is nil, and looks at the error.
func (v *visitor) ok(err error) bool {
	if err != nil {
		require.NotContains(v.t, err.Error(), canary)
	}
	return err == nil
}

// visit connects an account, and tries to lead its requests to what others say.
func (v *visitor) visit(d *definition.Definition, m *definition.Method, given values, others ...string) {
	client := &http.Client{Transport: v}
	program := &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		v.note(req.URL.Scheme + "://" + strings.TrimSuffix(strings.ToLower(req.URL.Host), ":443")) // user and fragment are the program's
		return fakehttp.Respond(200, ""), nil
	})}
	c, err := d.Connect(definition.Connection{
		Method: m.Name, Values: given, HTTPClient: client, Shared: new(connectorauth.Shared), Client: definition.Client{ID: "id", Secret: "secret"},
	})
	if !v.ok(err) {
		return
	}
	ctx := v.t.Context()
	switch account := c.Credential().(type) {
	case *connectorauth.OAuth2:
		if authURL, pending, err := account.Begin(ctx, "https://app.example/callback"); v.ok(err) {
			v.note(authURL)
			u, err := url.Parse(authURL)
			require.NoError(v.t, err)
			v.callback.Set("code", "c")
			v.callback.Set("state", u.Query().Get("state"))
			v.ok(account.Finish(ctx, pending, v.callback))
			v.ok(account.Renew(ctx))
		}
	case *connectorauth.OAuth1:
		v.response = "oauth_token=T&oauth_token_secret=S&oauth_callback_confirmed=true"
		if authURL, pending, err := account.Begin(ctx, "https://app.example/callback"); v.ok(err) {
			v.note(authURL)
			v.ok(account.Finish(ctx, pending, url.Values{"oauth_token": {"T"}, "oauth_verifier": {v.captured}}))
		}
	}
	api := connectorauth.NewClient(c.Connector(), program)
	for _, name := range append(slices.Sorted(maps.Keys(d.BaseURLs)), "") {
		if base, err := c.BaseURL(ctx, name); v.ok(err) {
			v.note(base)
			others = append(others, base)
		}
	}
	if _, ok := c.Connector().(connectorauth.None); ok {
		return // which carries nothing
	}
	for _, other := range append(others, v.captured) {
		for _, u := range []string{other, "https://" + other, other + "/x"} {
			if resp, err := api.Get(u); err == nil {
				require.NoError(v.t, resp.Body.Close())
			}
		}
	}
	switch account := c.Credential().(type) {
	case *connectorauth.OAuth2:
		v.ok(account.Revoke(ctx))
	case *connectorauth.Custom:
		v.ok(account.Renew(ctx))
		v.ok(account.Revoke(ctx))
	}
}

// The visitor of FuzzAccount comes as far as a definition leads.
func TestVisitorComesWhereTheDefinitionLeads(t *testing.T) {
	for i, document := range shapes()[:2] { // of OAuth2, and of a login
		d := parse(t, string(document))
		v := &visitor{t: t, captured: "https://a.example.com", callback: url.Values{}}
		v.prepare(&d.Methods[0])
		v.visit(d, &d.Methods[0], values{"x": "b"})
		want := []string{"https://a.example.com/api", "https://b.login.example.com/" + []string{"revoke", "login"}[i]}
		require.Subset(t, v.urls, want)
	}
}
