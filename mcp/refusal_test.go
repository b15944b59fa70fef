package mcp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The token is for the server, whatever the program requests first.
func TestTokenGoesToTheServerOnly(t *testing.T) {
	w := newWorld(t)
	account := must(mcp.New(w.config(new(tokenstore.Memory))))
	require.NoError(t, w.consent(t.Context(), account))
	sent := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sent++ }))
	t.Cleanup(other.Close)
	client := connectorauth.NewClient(must(account.Connector(t.Context())), nil)
	_, err := client.Get(other.URL)
	assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	assert.Zero(t, sent)
}

// over returns a Finder whose requests respond answers, by a part of the URL.
func (w *world) over(respondTo func(req *http.Request) *http.Response) *discovery.Finder {
	return must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if resp := respondTo(req); resp != nil {
			return resp, nil
		}
		return w.Client().Transport.RoundTrip(req)
	})}}))
}

// A server that takes other code challenges only is refused by name.
func TestPlainCodeChallengesAreRefused(t *testing.T) {
	w := newWorld(t)
	config := w.config(new(tokenstore.Memory))
	config.Finder = w.over(func(req *http.Request) *http.Response {
		if "http://"+req.URL.Host != w.old.URL {
			return nil
		}
		return respond(http.StatusOK, fmt.Sprintf(`{"issuer": %q, "authorization_endpoint": %q, "token_endpoint": %q, "code_challenge_methods_supported": ["plain"]}`,
			w.old.URL, w.old.AuthURL, w.old.TokenURL))
	})
	_, _, err := must(mcp.New(config)).Begin(t.Context(), callbackURL)
	assert.ErrorContains(t, err, "MCP clients must refuse")
}

// Legacy is for a server without metadata: not for one whose challenge points to metadata that are
// missing, and not for an authorization server elsewhere.
func TestLegacyIsNoWayAroundMetadata(t *testing.T) {
	w := newWorld(t)
	config := w.config(new(tokenstore.Memory))
	config.Legacy = true
	config.Finder = w.over(func(req *http.Request) *http.Response {
		if strings.Contains(req.URL.Path, "/oauth-protected-resource") {
			return respond(http.StatusNotFound, "")
		}
		return nil
	})
	_, _, err := must(mcp.New(config)).Begin(t.Context(), callbackURL)
	require.ErrorContains(t, err, "oauth-protected-resource/mcp: status 404")
	config.Finder = w.over(func(req *http.Request) *http.Response {
		if "http://"+req.URL.Host == w.old.URL {
			return respond(http.StatusNotFound, "")
		}
		return nil
	})
	_, _, err = must(mcp.New(config)).Begin(t.Context(), callbackURL)
	require.ErrorContains(t, err, w.old.URL+"/.well-known/oauth-authorization-server: status 404")
}
