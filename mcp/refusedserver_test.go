package mcp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServersThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.set(func() { w.resource = "https://mcp.example.com/mcp" })
	_, _, err := must(mcp.New(w.config(new(tokenstore.Memory)))).Begin(t.Context(), callbackURL)
	failed := new(discovery.Error)
	require.ErrorAs(t, err, &failed)
	assert.ErrorContains(t, err, "RFC 9728 section 3.3")
	w.set(func() { w.resource = "" })

	// Without S256 in the metadata, and without metadata.
	for place, path := range map[string]string{"code challenges": "none", "status 404": "nowhere"} {
		config := w.config(new(tokenstore.Memory))
		config.Finder = must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: without(path)}}))
		_, _, err := must(mcp.New(config)).Begin(t.Context(), callbackURL)
		assert.ErrorContains(t, err, place)
	}
	assert.Zero(t, w.old.Stats().Registrations)

	// Nothing on this machine, unless the program says so.
	config := w.config(new(tokenstore.Memory))
	config.Finder = must(discovery.New(discovery.Config{}))
	_, _, err = must(mcp.New(config)).Begin(t.Context(), callbackURL)
	refused := new(egress.Error)
	assert.ErrorAs(t, err, &refused)
}

// without is a network whose authorization servers say nothing of code challenges ("none"), or
// have no metadata ("nowhere").
type without string

func (w without) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasPrefix(req.URL.Path, "/.well-known/o") && !strings.Contains(req.URL.Path, "protected") {
		req = req.Clone(req.Context())
		body := `{"issuer": "http://` + req.URL.Host + `", "authorization_endpoint": "http://` + req.URL.Host + `/a", "token_endpoint": "http://` + req.URL.Host + `/t"}`
		status := http.StatusOK
		if w == "nowhere" {
			status = http.StatusNotFound
		}
		return respond(status, body), nil
	}
	return http.DefaultTransport.RoundTrip(req)
}
