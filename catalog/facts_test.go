package catalog_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/catalog"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func firstShelf(t *testing.T) []*definition.Definition {
	t.Helper()
	set, err := catalog.Load(catalog.Options{AnyHost: true})
	require.NoError(t, err)
	return set.Definitions()
}

// Google shows an error page instead of a consent that asks for nothing.
func TestEachConsentOfGoogleAsksForAScope(t *testing.T) {
	for _, d := range firstShelf(t) {
		for _, m := range d.Methods {
			s, ok := m.Scheme.(*definition.OAuth2)
			if !ok || s.Grant.AuthorizationCode == nil {
				continue
			}
			if strings.HasPrefix(s.Grant.AuthorizationCode.AuthURL, "https://accounts.google.com/") {
				assert.NotEmpty(t, s.Scopes, d.Name)
			}
		}
	}
}

// takePasswords are the services that give a user name and a password for the API, or take
// those of the person. Others give an ID and a secret by other names, and refuse the
// password that a form with the title Password would get.
var takePasswords = []string{"bulksms", "clicksend", "configcat", "pipeliner", "smaily", "teamwork"}

func TestAFormAsksForAPasswordWhereTheServiceTakesOne(t *testing.T) {
	for _, d := range firstShelf(t) {
		for _, m := range d.Methods {
			if _, ok := m.Scheme.(*definition.Basic); !ok {
				continue
			}
			for _, input := range m.Inputs {
				if input.Title == "Password" {
					assert.Contains(t, takePasswords, d.Name)
				}
			}
		}
	}
}

// tested returns the service with a key in place of its methods, so that a test needs no
// consent.
func tested(t *testing.T, name string) *definition.Connected {
	t.Helper()
	d, err := catalog.Find(name, catalog.Options{})
	require.NoError(t, err)
	text, err := d.Document()
	require.NoError(t, err)
	var document map[string]any
	require.NoError(t, json.Unmarshal(text, &document))
	document["methods"] = []any{map[string]any{
		"name": "key", "type": "ApiKey", "key": "{key}", "inputs": []any{map[string]any{"name": "key", "title": "Key", "secret": true}},
	}}
	text, err = json.Marshal(document)
	require.NoError(t, err)
	d, err = definition.Parse(name+".json", text, definition.Options{})
	require.NoError(t, err)
	c, err := d.Connect(definition.Connection{Values: map[string]connectorauth.Secret{"key": "k"}})
	require.NoError(t, err)
	return c
}

// Some services say no with the status 200, which is no proof that an account works.
func TestANoWithStatus200IsANo(t *testing.T) {
	for name, bodies := range map[string][2]string{
		"flickr": {`{"stat": "fail", "code": 98, "message": "Invalid auth token"}`, `{"user": {"id": "1@N01", "username": {"_content": "ada"}}, "stat": "ok"}`},
		"slack":  {`{"ok": false, "error": "invalid_auth"}`, `{"ok": true, "user_id": "U1"}`},
		"vk":     {`{"error": {"error_code": 5, "error_msg": "no"}}`, `{"response": [{"id": 1}]}`},
		"deezer": {`{"error": {"type": "OAuthException", "message": "no", "code": 300}}`, `{"id": 1}`},
	} {
		c := tested(t, name)
		for i, body := range bodies {
			_, err := c.Check(t.Context(), &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
				return fakehttp.Respond(200, body), nil
			})})
			if i == 0 {
				assert.Error(t, err, name)
			} else {
				assert.NoError(t, err, name)
			}
		}
	}
}

// Without perms, Flickr may not know what to ask the person for.
func TestTheConsentOfFlickrNamesThePermission(t *testing.T) {
	d, err := catalog.Find("flickr", catalog.Options{})
	require.NoError(t, err)
	u, err := url.Parse(d.Methods[0].Scheme.(*definition.OAuth1).AuthorizeURL)
	require.NoError(t, err)
	assert.Equal(t, "read", u.Query().Get("perms"))
}

// Facts of one service come from several programs, of which one may know an API that has
// ended or has clients of its own: its host knows no token of the others' token URL, and the
// consent refuses its scopes.
func TestFactsOfAnotherAPIAreNotMixedIn(t *testing.T) {
	for name, want := range map[string]struct{ base, scope string }{
		"mailru": {"https://oauth.mail.ru", "userinfo"},
		"wechat": {"https://api.weixin.qq.com/sns", "snsapi_login"},
		"uber":   {"https://api.uber.com", "profile"},
		"vk":     {"https://api.vk.com", "offline"},
	} {
		d, err := catalog.Find(name, catalog.Options{})
		require.NoError(t, err)
		assert.Equal(t, want.base, d.BaseURL)
		var scopes []string
		for _, scope := range d.Methods[0].Scheme.(*definition.OAuth2).Scopes {
			scopes = append(scopes, scope.Name)
		}
		assert.Equal(t, []string{want.scope}, scopes, name)
	}
}

// These services give a token nothing without a scope, or refuse a consent that asks for
// nothing, so that the test fails with the defaults.
func TestConsentsAskForWhatTheirTestsNeed(t *testing.T) {
	for name, want := range map[string]string{"calendly": "users:read", "gorgias": "account:read", "vend": "users:read"} {
		d, err := catalog.Find(name, catalog.Options{})
		require.NoError(t, err)
		var scopes []string
		for _, m := range d.Methods {
			if s, ok := m.Scheme.(*definition.OAuth2); ok {
				for _, scope := range s.Scopes {
					scopes = append(scopes, scope.Name)
				}
			}
		}
		assert.Contains(t, scopes, want, name)
	}
}
