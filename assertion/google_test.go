package assertion_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func file(t *testing.T, members map[string]any) connectorauth.Secret {
	t.Helper()
	text, err := json.Marshal(members)
	require.NoError(t, err)
	return connectorauth.Secret(text)
}

func TestGoogleServiceAccount(t *testing.T) {
	var form map[string][]string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			r.ParseForm()
			form = r.PostForm
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"access_token":"google","token_type":"Bearer","expires_in":3599}`)
			return
		}
		io.WriteString(w, r.Header.Get("Authorization"))
	}))
	t.Cleanup(server.Close)
	c, err := assertion.NewGoogle(assertion.GoogleConfig{
		File: file(t, map[string]any{
			"type": "service_account", "client_email": "robot@project.iam", "private_key": string(pemOf(privates["RSA"])),
			"private_key_id": "key7", "token_uri": server.URL + "/token", "universe_domain": "googleapis.com",
		}),
		Scopes: []string{"scope/one", "scope/two"}, Subject: "alice@example.com", Hosts: []string{server.URL},
	})
	require.NoError(t, err)
	assert.Equal(t, "Bearer google", get(t, connectorauth.NewClient(c, nil), server.URL))
	assert.Equal(t, []string{"urn:ietf:params:oauth:grant-type:jwt-bearer"}, form["grant_type"])
	assert.NotContains(t, form, "client_id")
	header, claims := decoded(t, form["assertion"][0])
	assert.Equal(t, map[string]any{"alg": "RS256", "typ": "JWT", "kid": "key7"}, header)
	assert.Equal(t, "robot@project.iam", claims["iss"])
	assert.Equal(t, "alice@example.com", claims["sub"])
	assert.Equal(t, "scope/one scope/two", claims["scope"])
	assert.Equal(t, server.URL+"/token", claims["aud"])
	assert.Equal(t, 3600.0, claims["exp"].(float64)-claims["iat"].(float64))
}

// platform starts what a federated workload talks to: the platform, the token exchange,
// the service account, and an API.
func platform(t *testing.T) *httptest.Server {
	tokens := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/metadata":
			tokens++
			assert.Equal(t, "True", r.Header.Get("Metadata"))
			io.WriteString(w, `{"access_token":"platform`+strings.Repeat("+", tokens)+`"}`)
		case "/exchange":
			assert.NotContains(t, r.PostForm, "client_id")
			assert.Equal(t, "//iam.googleapis.com/pool", r.PostForm.Get("audience"))
			assert.Equal(t, assertion.TypeJWT, r.PostForm.Get("subject_token_type"))
			io.WriteString(w, `{"access_token":"federated-by-`+r.PostForm.Get("subject_token")+`","issued_token_type":"`+assertion.TypeAccessToken+`","token_type":"Bearer","expires_in":3600}`)
		case "/impersonate":
			body, _ := io.ReadAll(r.Body)
			assert.JSONEq(t, `{"scope":["scope/one"],"lifetime":"3600s"}`, string(body))
			io.WriteString(w, `{"accessToken":"robot-`+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+`","expireTime":"`+time.Now().Add(time.Hour).Format(time.RFC3339)+`"}`)
		default:
			io.WriteString(w, r.Header.Get("Authorization"))
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestGoogleFederatedWorkload(t *testing.T) {
	server := platform(t)
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte("pod\n"), 0o600))
	for _, test := range []struct {
		source        map[string]any
		impersonation string
		want          string
	}{
		{map[string]any{"file": path}, "", "Bearer federated-by-pod"},
		{map[string]any{"file": path}, server.URL + "/impersonate", "Bearer robot-federated-by-pod"},
		{map[string]any{"url": server.URL + "/metadata", "headers": map[string]any{"Metadata": "True"}, "format": map[string]any{"type": "json", "subject_token_field_name": "access_token"}}, "", "Bearer federated-by-platform+"},
	} {
		c, err := assertion.NewGoogle(assertion.GoogleConfig{
			File: file(t, map[string]any{
				"type": "external_account", "audience": "//iam.googleapis.com/pool", "subject_token_type": assertion.TypeJWT,
				"token_url": server.URL + "/exchange", "service_account_impersonation_url": test.impersonation, "credential_source": test.source,
			}),
			Scopes: []string{"scope/one"}, Hosts: []string{server.URL}, Shared: new(connectorauth.Shared),
		})
		require.NoError(t, err)
		assert.Equal(t, test.want, get(t, connectorauth.NewClient(c, nil), server.URL))
	}
}

func TestGoogleFilesAreChecked(t *testing.T) {
	external := func(change func(map[string]any)) map[string]any {
		members := map[string]any{
			"type": "external_account", "audience": "a", "subject_token_type": assertion.TypeJWT, "token_url": "https://sts.googleapis.com/v1/token",
			"credential_source": map[string]any{"file": "/var/run/token"},
		}
		change(members)
		return members
	}
	source := func(s map[string]any) map[string]any {
		return external(func(m map[string]any) { m["credential_source"] = s })
	}
	for want, members := range map[string]map[string]any{
		`the type is "authorized_user"`:     {"type": "authorized_user"},
		"File: private_key: ":               {"type": "service_account", "client_email": "r", "token_uri": "https://oauth2.googleapis.com/token", "private_key": "secret-word"},
		"File: has no client_email":         {"type": "service_account"},
		"File: token_uri: ":                 {"type": "service_account", "token_uri": "http://oauth2.googleapis.com/token"},
		"token_uri: is not a URL of google": {"type": "service_account", "token_uri": "https://googleapis.com.evil.example/token"},
		"token_url: is not a URL of google": external(func(m map[string]any) { m["token_url"] = "https://evilgoogleapis.com/token" }),
		"impersonation_url: is not a URL":   external(func(m map[string]any) { m["service_account_impersonation_url"] = "https://evil.example/" }),
		"has no audience":                   external(func(m map[string]any) { delete(m, "audience") }),
		"needs a file or a url":             source(map[string]any{}),
		"only a file or a url is read":      source(map[string]any{"environment_id": "aws1"}),
		"url is not a URL of http":          source(map[string]any{"url": "file:///etc/passwd"}),
		"format is neither":                 source(map[string]any{"file": "x", "format": map[string]any{"type": "json"}}),
	} {
		_, err := assertion.NewGoogle(assertion.GoogleConfig{File: file(t, members), Scopes: []string{"s"}})
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "secret-word")
	}
	_, err := assertion.NewGoogle(assertion.GoogleConfig{File: "{secret-word"})
	assert.ErrorContains(t, err, "is not the JSON of a Google account; give the content of the file")
	assert.ErrorContains(t, err, "Scopes: is empty")
	assert.NotContains(t, err.Error(), "secret-word")
	assert.NotContains(t, err.Error(), "the type is", "a problem that follows from the first")
	_, err = assertion.NewGoogle(assertion.GoogleConfig{Scopes: []string{"s"}})
	assert.EqualError(t, err, "connectorauth: GoogleConfig: File: is empty")
}

func TestGoogleFileInBase64IsRead(t *testing.T) {
	text := file(t, map[string]any{
		"type": "service_account", "client_email": "r", "token_uri": "https://oauth2.googleapis.com/token", "private_key": string(pemOf(privates["RSA"])),
	})
	_, err := assertion.NewGoogle(assertion.GoogleConfig{
		File: connectorauth.Secret(base64.StdEncoding.EncodeToString([]byte(text))), Scopes: []string{"s"},
	})
	require.NoError(t, err)
}
