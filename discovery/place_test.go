package discovery_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
)

// A server on loopback may lead to another server on loopback, as in a test with two of them.
func TestLoopbackLeadsToLoopback(t *testing.T) {
	for _, test := range []struct {
		issuer, endpoint string
		fine             bool
	}{
		{"http://127.0.0.1:8080", "http://127.0.0.1:8081/register", true},
		{"http://127.0.0.1:8080", "http://localhost:8080/register", true},
		{"http://localhost", "https://[::1]/register", true},
		{"https://localhost:8443", "https://a.example/register", true},
		{"https://a.example", "https://localhost/register", false},
		{"https://localhost.example", "https://localhost/register", false},
	} {
		finder := must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			body := `{"issuer": "` + test.issuer + `", "registration_endpoint": "` + test.endpoint + `"}`
			if strings.HasPrefix(req.URL.Path, protected) {
				body = `{"resource": "` + test.issuer + `", "authorization_servers": ["` + test.endpoint + `"]}`
			}
			resp := fakehttp.Respond(200, body)
			resp.Header.Set("Content-Type", "application/json")
			return resp, nil
		})}}))
		_, err := finder.Server(t.Context(), test.issuer)
		assert.Equal(t, test.fine, err == nil, "server %v: %v", test, err)
		_, err = finder.Resource(t.Context(), test.issuer, nil)
		assert.Equal(t, test.fine, err == nil, "resource %v: %v", test, err)
		if !test.fine {
			assert.ErrorContains(t, err, "leads to loopback")
		}
	}
}

// The slash that issuers may differ by is the path, and nothing of a query or a fragment.
func TestIsOfToleratesASlashAsThePath(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{home, home, true},
		{home, home + "/", true},
		{home + "?", home + "?", true},
		{home + "?", home + "?/", false},
		{home + "?a", home + "?a/", false},
		{home + "#", home + "#/", false},
		{home + "#a", home + "#a/", false},
		{home + "/a", home + "/a/", false},
		{"", "/", false},
	} {
		assert.Equal(t, test.want, (&discovery.Server{Issuer: test.a}).IsOf(test.b), "%v", test)
		assert.Equal(t, test.want, (&discovery.Server{Issuer: test.b}).IsOf(test.a), "%v", test)
	}
}
