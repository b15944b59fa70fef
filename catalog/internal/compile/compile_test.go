package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/connectorauth/connectorauth/catalog/check"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// seed has one record of each kind.
const seed = `[
  {"slug": "two", "title": "Two", "complete": true, "base_url": {"v": "https://api.example.com/", "by": ["amp"], "host_by": ["airbyte"]},
   "methods": [
     {"type": "ApiKey", "confidence": 2, "in": "header", "name": {"v": "Authorization", "by": ["amp", "airbyte"]}, "prefix": {"v": "Bearer  ", "by": ["amp", "airbyte"]}},
     {"type": "Basic", "confidence": 1, "username": {"v": "{apiKey}", "by": ["grant"]}, "password": {"v": "", "by": ["grant"]}}],
   "test": {"method": "GET", "url": "https://www.example.com/me", "ok": [200], "id": {"v": "/id", "by": ["amp"]}, "by": ["amp"]}},
  {"slug": "prefixes", "title": "Prefixes", "base_url": {"v": "https://api.example.com", "by": ["amp", "airbyte"]},
   "methods": [{"type": "ApiKey", "in": "header", "name": {"v": "Authorization", "by": ["amp", "airbyte"]}, "prefix": {"v": "Bearer ", "by": ["amp"], "alt": [{"v": "Token ", "by": ["airbyte"]}]}}]},
  {"slug": "old", "title": "Old", "base_url": {"v": "https://api.example.com", "by": ["oauthd"]},
   "methods": [{"type": "OAuth2", "grant": "authorization_code", "authorize_url": {"v": "https://example.com/a", "by": ["oauthd"]}, "token_url": {"v": "https://example.com/t", "by": ["oauthd"]}}]},
  {"slug": "unknown", "title": "Unknown", "base_url": {"v": "https://api.example.com", "by": ["power"]},
   "methods": [{"type": "ApiKey", "in": "header", "name": {"v": "Authorization", "by": ["power"]}}]},
  {"slug": "consent", "title": "Consent", "maintained": true, "base_url": {"v": "https://{shop}.myshopify.com", "by": ["amp"]},
   "inputs": [{"name": "shop", "kind": "label", "title": "shop"}],
   "methods": [{"type": "OAuth2", "grant": "authorization_code", "authorize_url": {"v": "https://{shop}.myshopify.com/a", "by": ["amp"]}, "token_url": {"v": "https://{shop}.myshopify.com/t", "by": ["amp"]},
     "client_auth_seen": {"body": ["amp"]}, "placement": {"v": {"in": "query", "name": "token", "prefix": ""}, "by": ["oauthd"], "alt": [{"v": "Bearer", "by": ["amp"]}]},
     "auth_params": {"prompt": {"v": "login", "by": ["amp"]}, "access_type": {"v": "offline", "by": ["amp"]}}, "scope_separator": {"v": "+", "by": ["amp"]}, "refresh": {"v": true, "by": ["amp"]}}]},
  {"slug": "stray", "title": "Stray", "maintained": true, "base_url": {"v": "https://api.example.com", "by": ["amp"]},
   "inputs": [{"name": "site", "kind": "host"}],
   "methods": [{"type": "OAuth2", "grant": "authorization_code", "authorize_url": {"v": "https://{site}/a", "by": ["amp"]}, "token_url": {"v": "https://{site}/t", "by": ["amp"]}}]},
  {"slug": "login", "title": "Login", "maintained": true, "base_url": {"v": "https://{site}/api", "by": ["amp"]}, "inputs": [{"name": "site", "kind": "host", "default": {"v": "not a host", "by": ["amp"]}}],
   "methods": [{"type": "Session", "login": {"v": {"method": "POST", "url": "https://{site}/login", "encoding": "json", "fields": {"user": "{email}", "password": "{password}"}}, "by": ["amp"]},
     "token_path": {"v": "/data/token", "by": ["amp"]}, "placement": {"v": {"in": "header", "name": "Authorization", "prefix": ""}, "by": ["amp"]}}]},
  {"slug": "free", "title": "Free", "maintained": true, "base_url": {"v": "https://api.example.com", "by": ["amp"]}, "inputs": [{"name": "site", "kind": "host"}],
   "methods": [{"type": "Session", "login": {"v": {"method": "POST", "url": "https://{site}/login", "encoding": "json", "fields": {"user": "{email}", "password": "{password}"}}, "by": ["amp"]},
     "token_path": {"v": "/token", "by": ["amp"]}, "placement": {"v": {"in": "header", "name": "X-Token", "prefix": ""}, "by": ["amp"]}}]},
  {"slug": "client", "title": "Client", "maintained": true, "base_url": {"v": "https://api.example.com", "by": ["amp"]},
   "methods": [{"type": "OAuth2", "grant": "client_credentials", "token_url": {"v": "https://example.com/t", "by": ["amp"]}, "client_auth": {"v": "basic", "by": ["amp"]}, "scopes_seen": {"v": ["a b", "{bad}"], "by": ["amp"]}}]},
  {"slug": "read", "title": "Read", "maintained": true, "base_url": {"v": "https://api.example.com", "by": ["amp"]},
   "methods": [{"type": "AuthFields", "in": "body", "name": {"v": "token", "by": ["amp"]}, "encoding": {"v": "json", "by": ["amp"]}, "and": {"v": [{"in": "body", "name": "user", "credential": "user_key"}], "by": ["amp"]}}]},
  {"slug": "own", "title": "Own", "maintained": true, "base_url": {"v": "https://{site}/api", "by": ["amp"]}, "inputs": [{"name": "site", "kind": "host"}],
   "methods": [{"type": "OAuth2", "grant": "authorization_code", "authorize_url": {"v": "https://{site}/a", "by": ["amp"]}, "token_url": {"v": "https://{site}/t", "by": ["amp"]},
     "client_auth": {"v": "basic", "by": ["amp"], "alt": [{"v": "body", "by": ["arctic"]}]}, "client_auth_seen": {"basic": ["amp"], "body": ["goth", "arctic"]}}]},
  {"slug": "dead", "title": "Dead", "base_url": {"v": "https://api.example.com", "by": ["amp"]}, "methods": []},
  {"slug": "nowhere", "title": "Nowhere", "methods": []},
  {"slug": "ours", "title": "Ours", "base_url": {"v": "https://api.example.com", "by": ["amp"]}, "methods": [{"type": "ApiKey", "in": "query", "name": {"v": "key", "by": ["amp"]}}]}
]`

// compileSeed compiles the seed in a folder of its own, and returns the folder.
func compileSeed(t *testing.T, text string, overrides map[string]string) (string, error) {
	t.Helper()
	folder := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	write("seed.json", text)
	write("services/gone.json", `{"x-compiled": true}`)
	write("services/ours.json", `{"written": "by hand"}`)
	write("drafts/none.txt", "")
	for name, text := range overrides {
		write("overrides/"+name, text)
	}
	return folder, run(filepath.Join(folder, "seed.json"), "2026-11-27", folder)
}

var overrides = map[string]string{
	"out.json":  `{"dead": "dead: since 2020"}`,
	"read.json": `{"confirms": ["base_url", "fields.name"], "read": [{"url": "https://docs.example.com/api", "date": "2026-11-20", "says": "so"}]}`,
}

func TestEachRecordGoesToItsShelf(t *testing.T) {
	folder, err := compileSeed(t, seed, overrides)
	require.NoError(t, err)
	for shelf, want := range map[check.Shelf][]string{check.Service: {"ours", "read", "two"}, check.Draft: {"client", "consent", "login", "own", "prefixes"}} {
		files, err := filepath.Glob(filepath.Join(folder, string(shelf), "*.json"))
		require.NoError(t, err)
		var got []string
		for _, file := range files {
			name := filepath.Base(file)
			got = append(got, name[:len(name)-len(".json")])
			if name == "ours.json" {
				continue
			}
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Empty(t, check.File(shelf, name, text))
		}
		assert.Equal(t, want, got)
	}
	report, err := os.ReadFile(filepath.Join(folder, "left-out.md"))
	require.NoError(t, err)
	for _, line := range []string{
		"- `dead`: dead: since 2020\n",
		"- `nowhere`: no source says where the API is\n",
		"- `old`: no method is left (oauth: says one source alone, which nobody maintains: oauthd)\n",
		"- `unknown`: no method is left (key: what stands before the key in Authorization is not known)\n",
		"- `stray`: no method is left (oauth: accounts choose the host of the tokens or of the API alone, so that one would get what belongs to the other)\n",
		"- `free`: no method is left (login: accounts choose the host of the tokens or of the API alone, so that one would get what belongs to the other)\n",
		"- `two`, basic: no witness says where the service is and what requests carry\n",
		"- `consent`, auth_params: prompt is the choice of one source\n",
		"- `login`, inputs: the default of site is no value that the input takes\n",
	} {
		assert.Contains(t, string(report), line)
	}
}

func TestHostsAreNotCalledURLs(t *testing.T) {
	for title, want := range map[string]string{"Base URL": "Host", "Host Url": "Host", "Vault URL": "Vault host", "Instance uri": "Instance host", "API Root URL": "API Root host", "Issuer": "Host", "Site": "Site", "Server Name": "Server Name"} {
		assert.Equal(t, want, hostTitle(title))
	}
}

// compiledTo returns a definition of the compiled seed as JSON.
func compiledTo(t *testing.T, folder, file string) (d map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, file))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &d))
	return d
}

func TestFactsBecomeMembers(t *testing.T) {
	folder, err := compileSeed(t, seed, overrides)
	require.NoError(t, err)
	two := compiledTo(t, folder, "services/two.json")
	assert.Equal(t, "https://api.example.com", two["baseUrl"])
	assert.Equal(t, map[string]any{"test": "https://www.example.com"}, two["baseUrls"])
	assert.Equal(t, map[string]any{"prefix": "Bearer "}, two["methods"].([]any)[0].(map[string]any)["placement"])
	consent := compiledTo(t, folder, "drafts/consent.json")
	m := consent["methods"].([]any)[0].(map[string]any)
	assert.Equal(t, map[string]any{"authorizationCode": map[string]any{"authUrl": "https://{shop}.myshopify.com/a", "params": map[string]any{"access_type": []any{"offline"}}}}, m["grant"])
	assert.NotContains(t, m, "dialect")
	assert.Equal(t, []any{".myshopify.com"}, consent["inputs"].([]any)[0].(map[string]any)["suffixes"])
	client := compiledTo(t, folder, "drafts/client.json")["methods"].([]any)[0].(map[string]any)
	assert.Equal(t, []any{"a", "b"}, client["scopes"])
	assert.Equal(t, "{clientSecret}", client["clientSecret"])
	own := compiledTo(t, folder, "drafts/own.json")["methods"].([]any)[0].(map[string]any)
	assert.Equal(t, "{clientSecret}", own["clientSecret"], "a secret of the program would go to any host")
	assert.NotContains(t, own["inputs"].([]any)[0], "hidden")
	assert.Equal(t, "client_secret_post", own["clientAuth"], "two of those who disagree say so")
	read := compiledTo(t, folder, "services/read.json")["x-sources"].(map[string]any)
	assert.Equal(t, map[string]any{"amp": "2026-08", "documentation": "2026-11-20"}, read["witnesses"])
}

func TestOverridesKeepWhatTheSourcesSay(t *testing.T) {
	folder, err := compileSeed(t, seed, map[string]string{"client.json": `{"note": "so",
	  "methods": {"client": {"token_url": {"v": "https://example.com/new", "by": ["amp"]}}},
	  "definition": {"methods": {"client": {"renewBefore": "1h"}}}}`})
	require.NoError(t, err)
	d := compiledTo(t, folder, "drafts/client.json")
	m := d["methods"].([]any)[0].(map[string]any)
	assert.Equal(t, "https://example.com/new", m["tokenUrl"])
	assert.Equal(t, "1h", m["renewBefore"])
	known := d["x-sources"].(map[string]any)["methods"].(map[string]any)["client"].(map[string]any)
	assert.Equal(t, "https://example.com/t", known["token"].(map[string]any)["was"])
}

func TestAnOverrideSaysWhy(t *testing.T) {
	for text, want := range map[string]string{
		`{"set": {"title": "T"}}`:                                                                               "says neither what was read nor, in note, why",
		`{"note": "so", "confirms": ["base"]}`:                                                                  "confirms: no fact base",
		`{"note": "so", "confirms": ["oauth.token_url"]}`:                                                       "confirms: no method oauth",
		`{"note": "so", "set": {"test": {"url": null, "path": "/you"}}}`:                                        "set.test: asks GET https://api.example.com/you, where the sources ask GET https://www.example.com/me; say in by who says so",
		`{"note": "so", "set": {"base_url": {"v": "https://api.example.com", "by": ["amp", "documentation"]}}}`: "read: the documentation says \"https://api.example.com\", and no page of the documentation is there",
		`{"notes": "so"}`: `unknown field "notes"`,
		`{"note": "so", "definition": {"baseUrl": "none"}}`: "baseUrl: ",
	} {
		_, err := compileSeed(t, seed, map[string]string{"two.json": text})
		require.ErrorContains(t, err, want)
	}
	folder, err := compileSeed(t, seed, map[string]string{"two.json": `{"note": "so", "definition": {"baseUrl": "none"}}`})
	require.Error(t, err)
	assert.FileExists(t, filepath.Join(folder, "services", "gone.json"), "a run that fails changes nothing")
	_, err = compileSeed(t, seed, map[string]string{"nobody.json": `{"out": "so"}`})
	require.EqualError(t, err, "overrides: the seed has no nobody")
}

// asks is a record whose test wants a scope that no source asks for.
const asks = `[{"slug": "asks", "title": "Asks", "maintained": true, "base_url": {"v": "https://api.example.com", "by": ["amp", "goth"]},
  "methods": [
    {"type": "OAuth2", "grant": "authorization_code", "authorize_url": {"v": "https://example.com/a", "by": ["amp", "goth"]}, "token_url": {"v": "https://example.com/t", "by": ["amp", "goth"]}, "scopes_seen": {"v": ["read", "me"], "by": ["amp"]},
     "auth_params": {%s}, "token_params": {%s}},
    {"type": "ApiKey", "in": "header", "name": {"v": "X-Key", "by": ["amp", "goth"]}}],
  "test": {"method": "GET", "path": "/me", "ok": [200], "by": ["amp", "goth"]}}]`

func TestTheScopesOfATestAreAskedFor(t *testing.T) {
	folder, err := compileSeed(t, fmt.Sprintf(asks, "", ""), map[string]string{"asks.json": `{"set": {"test": {"scopes": {"v": ["me", "openid"], "by": ["goth", "documentation"]}}},
	  "read": [{"url": "https://docs.example.com/me", "date": "2026-11-20", "says": "so"}]}`})
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(folder, "services", "asks.json"))
	require.NoError(t, err)
	assert.Empty(t, check.File(check.Service, "asks.json", text))
	d := compiledTo(t, folder, "services/asks.json")
	oauth := d["methods"].([]any)[1].(map[string]any)
	assert.Equal(t, []any{"read", "me", "openid"}, oauth["scopes"])
	sources := d["x-sources"].(map[string]any)
	assert.Equal(t, map[string]any{"v": "me openid", "by": []any{"goth", "documentation"}}, sources["testScopes"])
	assert.Equal(t, map[string]any{"v": "read me openid", "by": []any{"amp", "goth", "documentation"}}, sources["methods"].(map[string]any)["oauth"].(map[string]any)["scopes"])
}

// nested is a record whose token response has its members in body.
const nested = `[{"slug": "nested", "title": "Nested", "maintained": true, "base_url": {"v": "https://api.example.com", "by": ["amp"]},
  "methods": [{"type": "OAuth2", "grant": "authorization_code", "authorize_url": {"v": "https://example.com/a", "by": ["amp"]}, "token_url": {"v": "https://example.com/t", "by": ["amp"]},
    "refresh": {"v": true, "by": ["amp"]}, "refresh_extra": {"action": {"v": "requesttoken", "by": ["amp"]}}, "response_paths": {"root": {"v": "body", "by": ["amp"]}}}]}]`

func TestATokenResponseInAMember(t *testing.T) {
	folder, err := compileSeed(t, nested, nil)
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(folder, "drafts", "nested.json"))
	require.NoError(t, err)
	assert.Empty(t, check.File(check.Draft, "nested.json", text))
	dialect := compiledTo(t, folder, "drafts/nested.json")["methods"].([]any)[0].(map[string]any)["dialect"]
	assert.Equal(t, map[string]any{
		"refreshParams": map[string]any{"action": []any{"requesttoken"}},
		"response":      map[string]any{"accessToken": "body.access_token", "refreshToken": "body.refresh_token", "scope": "body.scope", "expiry": "body.expires_in"},
	}, dialect)
}

func TestParametersThatAreNoChoiceStay(t *testing.T) {
	for _, c := range []struct{ authorize, token, want string }{
		{authorize: `"response_mode": {"v": "form_post", "by": ["amp"]}`, want: "form_post"},
		{authorize: `"response_mode": {"v": "query", "by": ["amp"]}`},
		{authorize: `"prompt": {"v": "login", "by": ["amp"]}`},
		{authorize: `"prompt": {"v": "consent", "by": ["amp"]}`},
		{authorize: `"prompt": {"v": "consent", "by": ["amp"]}, "access_type": {"v": "offline", "by": ["goth"]}`, want: "consent"},
		{authorize: `"prompt": {"v": "login", "by": ["amp", "goth"]}`, want: "login"},
		{authorize: `"response_type": {"v": "code", "by": ["amp", "goth"]}`},
		{token: `"response_type": {"v": "code", "by": ["amp", "goth"]}`, want: "code"},
		{token: `"action": {"v": "requesttoken", "by": ["amp"]}`, want: "requesttoken"},
		{token: `"grant_type": {"v": "authorization_code", "by": ["amp"]}`},
		{token: `"client_id": {"v": "{client}", "by": ["amp", "goth"]}`},
	} {
		folder, err := compileSeed(t, fmt.Sprintf(asks, c.authorize, c.token), nil)
		require.NoError(t, err)
		m := compiledTo(t, folder, "services/asks.json")["x-sources"].(map[string]any)["methods"].(map[string]any)["oauth"].(map[string]any)
		var got []any
		for _, member := range []string{"authorizeParams", "tokenParams"} {
			list, _ := m[member].(map[string]any)
			for _, f := range list {
				got = append(got, f.(map[string]any)["v"])
			}
		}
		if c.want == "" {
			assert.Empty(t, got, c)
		} else {
			assert.Contains(t, got, c.want, c)
		}
	}
}

// few is a record in which one of three sources says how a token request is written.
const few = `[{"slug": "few", "title": "Few", "base_url": {"v": "https://api.example.com", "by": ["amp", "goth"]},
  "methods": [{"type": "OAuth2", "grant": "authorization_code", "authorize_url": {"v": "https://example.com/a", "by": ["amp", "goth", "grant"]}, "token_url": {"v": "https://example.com/t", "by": ["amp", "goth", "grant"]},
    "token_encoding": {"v": "json", "by": ["grant"]}}]}]`

func TestWhatAnOverrideDecidesStaysThoughFewSourcesSaySo(t *testing.T) {
	dialect := func(overrides map[string]string) any {
		folder, err := compileSeed(t, few, overrides)
		require.NoError(t, err)
		return compiledTo(t, folder, "services/few.json")["methods"].([]any)[0].(map[string]any)["dialect"]
	}
	assert.Nil(t, dialect(nil))
	assert.Equal(t, map[string]any{"tokenEncoding": "json"}, dialect(map[string]string{
		"few.json": `{"methods": {"oauth": {"token_encoding": {"v": "json", "by": ["grant"]}}}, "note": "Forms are refused."}`,
	}))
}
