package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// family has services of one authorization server, of which one is known well.
const family = `[
  {"slug": "known", "title": "Known", "base_url": {"v": "https://api.example.com", "by": ["amp"]},
   "methods": [{"type": "OAuth2", "grant": "authorization_code", "confidence": 3, "authorize_url": {"v": "https://example.com/new", "by": ["amp", "grant", "arctic"]}, "token_url": {"v": "https://example.com/t", "by": ["amp", "grant", "arctic"]},
     "revoke_url": {"v": "https://example.com/r", "by": ["arctic", "grant"]}, "client_auth_seen": {"body": ["grant"]},
     "auth_params": {"access_type": {"v": "offline", "by": ["amp"]}, "prompt": {"v": "consent", "by": ["amp", "grant"]}, "audience": {"v": "known", "by": ["amp", "grant"]}}}]},
  {"slug": "files", "title": "Files", "base_url": {"v": "https://files.example.com", "by": ["goth"]},
   "methods": [{"type": "OAuth2", "grant": "authorization_code", "confidence": 1, "authorize_url": {"v": "https://example.com/old", "by": ["goth"]}, "token_url": {"v": "https://example.com/t", "by": ["goth"]},
     "revoke_url": {"v": "https://example.com/gone", "by": ["oauthd"]}}]},
  {"slug": "mail", "title": "Mail", "base_url": {"v": "https://mail.example.com", "by": ["goth"]},
   "methods": [{"type": "OAuth2", "grant": "authorization_code", "confidence": 1, "authorize_url": {"v": "https://login.example.net/a", "by": ["goth"]}, "token_url": {"v": "https://example.com/t", "by": ["goth"]},
     "client_auth": {"v": "basic", "by": ["goth"]}, "auth_params": {"access_type": {"v": "online", "by": ["goth"]}}}]},
  {"slug": "silent", "title": "Silent", "base_url": {"v": "https://api.example.org", "by": ["activepieces"]},
   "methods": [{"type": "OAuth2", "grant": "authorization_code", "confidence": 1, "authorize_url": {"v": "https://example.org/a", "by": ["activepieces"]}, "token_url": {"v": "https://example.org/t", "by": ["activepieces"]}}]},
  {"slug": "says", "title": "Says", "base_url": {"v": "https://api.example.org", "by": ["activepieces"]},
   "methods": [{"type": "OAuth2", "grant": "authorization_code", "confidence": 1, "authorize_url": {"v": "https://example.org/a", "by": ["activepieces"]}, "token_url": {"v": "https://example.org/t2", "by": ["activepieces"]},
     "client_auth": {"v": "basic", "by": ["activepieces"]}, "client_auth_seen": {"basic": ["activepieces"]}}]},
  {"slug": "variable", "title": "Variable", "base_url": {"v": "https://{baseUrl}/v1", "by": ["activepieces"]}, "inputs": [{"name": "baseUrl", "kind": "host"}],
   "methods": [{"type": "ApiKey", "in": "header", "name": {"v": "X-Key", "by": ["activepieces"]}}]},
  {"slug": "asked", "title": "Asked", "base_url": {"v": "https://{baseUrl}/v1", "by": ["activepieces"]}, "inputs": [{"name": "baseUrl", "kind": "host", "title": "Base URL"}],
   "methods": [{"type": "ApiKey", "in": "header", "name": {"v": "X-Key", "by": ["activepieces"]}}]}
]`

// method returns the first method of a compiled draft, and its facts.
func methodOf(t *testing.T, folder, name string) (m, known map[string]any) {
	t.Helper()
	d := compiledTo(t, folder, "drafts/"+name+".json")
	return d["methods"].([]any)[0].(map[string]any), d["x-sources"].(map[string]any)["methods"].(map[string]any)["oauth"].(map[string]any)
}

func TestServicesOfOneAuthorizationServerShareFacts(t *testing.T) {
	folder, err := compileSeed(t, family, nil)
	require.NoError(t, err)
	files, known := methodOf(t, folder, "files")
	grant := files["grant"].(map[string]any)["authorizationCode"].(map[string]any)
	assert.Equal(t, map[string]any{"access_type": []any{"offline"}, "prompt": []any{"consent"}}, grant["params"], "without them there is no refresh token; the audience is another one")
	assert.Equal(t, "https://example.com/old", grant["authUrl"], "as the source says")
	assert.Equal(t, "client_secret_post", files["clientAuth"])
	assert.Equal(t, "https://example.com/r", files["revokeUrl"])
	assert.Equal(t, "https://example.com/gone", known["revoke"].(map[string]any)["was"])
	assert.Equal(t, []any{"grant"}, known["client"].(map[string]any)["by"])
	mail, _ := methodOf(t, folder, "mail")
	assert.Equal(t, map[string]any{"authUrl": "https://login.example.net/a", "params": map[string]any{"access_type": []any{"online"}}}, mail["grant"].(map[string]any)["authorizationCode"], "what the source itself says stays, and another host takes nothing")
	assert.NotContains(t, mail, "clientAuth")
}

func TestASourceThatSaysNothingOfTheClientDoesAsItAlwaysDoes(t *testing.T) {
	folder, err := compileSeed(t, family, nil)
	require.NoError(t, err)
	m, known := methodOf(t, folder, "silent")
	assert.Equal(t, "client_secret_post", m["clientAuth"])
	assert.Equal(t, []any{"activepieces"}, known["client"].(map[string]any)["by"])
	m, _ = methodOf(t, folder, "says")
	assert.NotContains(t, m, "clientAuth")
}

func TestAVariableOfTheSourceIsNoQuestionForPeople(t *testing.T) {
	folder, err := compileSeed(t, family, nil)
	require.NoError(t, err)
	assert.NoFileExists(t, filepath.Join(folder, "drafts", "variable.json"))
	assert.FileExists(t, filepath.Join(folder, "drafts", "asked.json"))
	report, err := os.ReadFile(filepath.Join(folder, "left-out.md"))
	require.NoError(t, err)
	assert.Contains(t, string(report), "- `variable`: the source has a variable of its code in place of the host, which no form asks for\n")
}
