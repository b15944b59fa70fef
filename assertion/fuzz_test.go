package assertion_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// visited responds to every request with a token, and keeps the hosts.
type visited struct{ hosts []string }

func (v *visited) RoundTrip(req *http.Request) (*http.Response, error) {
	v.hosts = append(v.hosts, req.URL.Hostname())
	const token = `{"access_token":"t","token_type":"Bearer","accessToken":"t","expireTime":"2999-01-01T00:00:00Z"}`
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(token)), Request: req,
	}, nil
}

// Whatever a file says, tokens go to Google or to loopback, and no error quotes a key.
func FuzzGoogleFile(f *testing.F) {
	key := strings.ReplaceAll(string(pemOf(privates["P-256"])), "\n", `\n`)
	const damaged = `-----BEGIN PRIVATE KEY-----\nc2VjcmV0LXdvcmQtc2VjcmV0LXdvcmQtc2VjcmV0LXdvcmQ=\n-----END PRIVATE KEY-----\n`
	service := `{"type":"service_account","client_email":"r","private_key":"` + key + `","private_key_id":"1","token_uri":"%"}`
	external := `{"type":"external_account","audience":"//a","subject_token_type":"urn:ietf:params:oauth:token-type:jwt","token_url":"%","service_account_impersonation_url":"%","credential_source":{"url":"http://169.254.169.254/t","headers":{"Metadata":"True"},"format":{"type":"json","subject_token_field_name":"access_token"}}}`
	for _, file := range []string{service, external, strings.Replace(service, key, damaged, 1)} {
		for _, to := range []string{
			"https://oauth2.googleapis.com/token", "https://accounts.google.com/o", "http://127.0.0.1:1/t", "http://oauth2.googleapis.com/token",
			"https://oauth2.googleapis.com.evil.example/", "https://evil.example/.googleapis.com", "https://u@evil.example/?.googleapis.com",
			"https://oauth2.googleapis.com@evil.example/", `https://evil.example\\.googleapis.com/`, "https://evil.example#.googleapis.com",
		} {
			f.Add(strings.ReplaceAll(file, "%", to))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		var file struct {
			Key    string                     `json:"private_key"`
			Source struct{ File, URL string } `json:"credential_source"`
		}
		_ = json.Unmarshal([]byte(text), &file) // what cannot be read has no key and no source
		seen, shared := new(visited), new(connectorauth.Shared)
		c, err := assertion.NewGoogle(assertion.GoogleConfig{
			File: connectorauth.Secret(text), Scopes: []string{"s"}, Shared: shared, HTTPClient: &http.Client{Transport: seen},
		})
		if err != nil {
			if len(file.Key) > 40 {
				require.NotContains(t, err.Error(), file.Key[20:40])
			}
			return
		}
		if file.Source.File != "" {
			return // any file of this machine
		}
		source := ""
		if u, err := url.Parse(file.Source.URL); err == nil {
			source = u.Hostname()
		}
		resp, err := connectorauth.NewClient(c, &http.Client{Transport: new(visited)}).Get("https://storage.googleapis.com/")
		if err == nil {
			resp.Body.Close()
			assert.NotEmpty(t, seen.hosts)
		}
		for _, host := range seen.hosts {
			switch {
			case host == source, host == "accounts.google.com", strings.HasSuffix(host, ".googleapis.com"):
			case host == "localhost", strings.HasSuffix(host, ".localhost"), strings.HasPrefix(host, "127."), host == "::1":
			default:
				t.Errorf("a request went to %q", host)
			}
		}
		require.NoError(t, shared.Shutdown(t.Context()))
	})
}
