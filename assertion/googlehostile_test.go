package assertion_test

import (
	"encoding/json"
	"fmt"
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
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// external is the file of a federated workload at server.
func external(server string, change map[string]any) map[string]any {
	members := map[string]any{
		"type": "external_account", "audience": "//iam.googleapis.com/pool", "subject_token_type": assertion.TypeJWT,
		"token_url": server + "/exchange", "service_account_impersonation_url": server + "/impersonate",
		"credential_source": map[string]any{"file": "/dev/null"},
	}
	for name, value := range change {
		members[name] = value
	}
	return members
}

// What a file says and nobody heeds is an error, because the file would mean another
// token.
func TestGoogleFilesThatSayMoreAreRefused(t *testing.T) {
	account := map[string]any{"type": "service_account", "client_email": "r", "token_uri": "https://oauth2.googleapis.com/token", "private_key": string(pemOf(privates["RSA"])), "universe_domain": "example.goog"}
	home := "https://sts.googleapis.com"
	source := func(s map[string]any) map[string]any { return map[string]any{"credential_source": s} }
	for want, members := range map[string]map[string]any{
		`universe_domain is "example.goog"`: account,
		"universe_domain is":                external(home, map[string]any{"universe_domain": "example.goog"}),
		"token_lifetime_seconds":            external(home, map[string]any{"service_account_impersonation": map[string]any{"token_lifetime_seconds": 60}}),
		"workforce_pool_user_project":       external(home, map[string]any{"workforce_pool_user_project": "p"}),
		"client_id":                         external(home, map[string]any{"client_id": "c", "client_secret": "secret-word"}),
		"plain http":                        external(home, source(map[string]any{"url": "http://token.example.com/secret-word"})),
		"plain http is":                     external(home, source(map[string]any{"url": "http://93.184.216.34/"})),
		"headers":                           external(home, source(map[string]any{"url": "http://169.254.169.254/", "headers": map[string]any{"X": "secret-word\r\nY: z"}})),
		"headers: ":                         external(home, source(map[string]any{"url": "http://169.254.169.254/", "headers": map[string]any{"X y": "z"}})),
	} {
		_, err := assertion.NewGoogle(assertion.GoogleConfig{File: file(t, members), Scopes: []string{"s"}})
		if assert.ErrorContains(t, err, want) {
			assert.NotContains(t, err.Error(), "secret-word")
		}
	}
	for _, address := range []string{"http://169.254.169.254/x", "http://metadata.google.internal/x", "http://127.0.0.1:1/", "http://localhost/", "http://10.1.2.3/", "http://[fd00::1]/", "https://token.example.com/"} {
		_, err := assertion.NewGoogle(assertion.GoogleConfig{File: file(t, external(home, source(map[string]any{"url": address}))), Scopes: []string{"s"}})
		assert.NoError(t, err, address)
	}
}

func TestGoogleTokensLiveAsLongAsTheFileSays(t *testing.T) {
	var lifetime any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/exchange":
			io.WriteString(w, `{"access_token":"federated","token_type":"Bearer","expires_in":3600}`)
		case "/impersonate":
			var body map[string]any
			json.NewDecoder(r.Body).Decode(&body)
			lifetime = body["lifetime"]
			io.WriteString(w, `{"accessToken":"robot","expireTime":"`+time.Now().Add(time.Hour).Format(time.RFC3339)+`"}`)
		}
	}))
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte("pod"), 0o600))
	c := must(assertion.NewGoogle(assertion.GoogleConfig{
		File: file(t, external(server.URL, map[string]any{
			"credential_source":             map[string]any{"file": path},
			"service_account_impersonation": map[string]any{"token_lifetime_seconds": 600},
		})),
		Scopes: []string{"s"}, Hosts: []string{server.URL}, Shared: new(connectorauth.Shared),
	}))
	get(t, connectorauth.NewClient(c, nil), server.URL)
	assert.Equal(t, "600s", lifetime)
}

// The token of one service account is not taken for that of another.
func TestGoogleAccountsTakeNoTokenOfEachOther(t *testing.T) {
	server := platform(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "token")
	require.NoError(t, os.WriteFile(path, []byte("pod"), 0o600))
	store := new(tokenstore.Memory)
	connect := func(account string) *http.Client {
		return connectorauth.NewClient(must(assertion.NewGoogle(assertion.GoogleConfig{
			File:   file(t, external(server.URL, map[string]any{"credential_source": map[string]any{"file": path}, "service_account_impersonation_url": server.URL + "/impersonate" + account})),
			Scopes: []string{"scope/one"}, Hosts: []string{server.URL}, Shared: new(connectorauth.Shared), Store: store, Account: "google",
		})), nil)
	}
	get(t, connect(""), server.URL)
	get(t, connect(""), server.URL)
	_, err := connect("?other").Get(server.URL)
	assert.ErrorContains(t, err, "use another Account")
}

// A source that has no end is not read for ever, and an error shows neither its URL nor
// the token.
func TestGoogleSourcesAreBounded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		io.WriteString(w, strings.Repeat("x", 2<<20))
	}))
	t.Cleanup(server.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	for want, source := range map[string]map[string]any{
		"longer than":        {"file": "/dev/zero"},
		"is longer than":     {"url": server.URL + "/secret-word"},
		"connection refused": {"url": gone.URL + "/?code=secret-word"},
		"no token":           {"file": "/dev/null", "format": map[string]any{"type": "json", "subject_token_field_name": "x"}},
	} {
		if _, err := os.Stat("/dev/zero"); err != nil && want == "longer than" {
			continue
		}
		c := must(assertion.NewGoogle(assertion.GoogleConfig{
			File:   file(t, external(server.URL, map[string]any{"credential_source": source})),
			Scopes: []string{"s"}, Hosts: []string{server.URL}, Shared: new(connectorauth.Shared),
		}))
		_, err := connectorauth.NewClient(c, nil).Get(server.URL)
		if assert.Error(t, err) && want != "no token" {
			assert.ErrorContains(t, err, want)
		}
		assert.NotContains(t, err.Error(), "secret-word")
	}
}

// A federated token that Google no longer takes is not offered until it expires.
func TestGoogleTokenThatWasRevokedIsReplaced(t *testing.T) {
	exchanged := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/exchange":
			exchanged++
			fmt.Fprintf(w, `{"access_token":"federated%d","token_type":"Bearer","expires_in":3600}`, exchanged)
		case "/impersonate":
			if r.Header.Get("Authorization") != fmt.Sprintf("Bearer federated%d", max(exchanged, 2)) {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			io.WriteString(w, `{"accessToken":"robot","expireTime":"`+time.Now().Add(time.Hour).Format(time.RFC3339)+`"}`)
		}
	}))
	t.Cleanup(server.Close)
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte("pod"), 0o600))
	c := must(assertion.NewGoogle(assertion.GoogleConfig{
		File:   file(t, external(server.URL, map[string]any{"credential_source": map[string]any{"file": path}})),
		Scopes: []string{"s"}, Hosts: []string{server.URL}, Shared: new(connectorauth.Shared),
	}))
	get(t, connectorauth.NewClient(c, nil), server.URL)
	assert.Equal(t, 2, exchanged)
}
