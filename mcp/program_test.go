package mcp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the program names takes the place of what the server says, and stays as it was at New.
func TestProgramNamesScopesResourcesAndHosts(t *testing.T) {
	w := newWorld(t)
	var got []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Get("Authorization")) }))
	t.Cleanup(other.Close)
	config := w.config(new(tokenstore.Memory))
	config.OAuth2.Scopes = []string{"write"}
	config.OAuth2.Resources = []string{"https://api.example.com"}
	config.OAuth2.Hosts = []string{other.URL}
	account := must(mcp.New(config))
	config.OAuth2.Scopes[0], config.OAuth2.Resources[0], config.OAuth2.Hosts[0] = "read", "https://other.example.com", "https://other.example.com"

	authURL, pending, err := account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	query := must(url.Parse(authURL)).Query()
	assert.Equal(t, "write", query.Get("scope"))
	assert.Equal(t, []string{"https://api.example.com"}, query["resource"])
	require.NoError(t, account.Finish(t.Context(), pending, must(w.old.Authorize(authURL)).Query()))
	assert.Equal(t, []string{"https://api.example.com"}, asked(w.old, "resource"))

	connector := must(account.Connector(t.Context()))
	client := connectorauth.NewClient(connector, nil)
	resp, err := client.Get(other.URL)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, []string{"Bearer " + must(connector.Token(t.Context())).AccessToken}, got)
	_, err = client.Get(w.URL + "/mcp")
	assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed, "not one of Hosts")
}

// A ScopeFilter of one account changes nothing for another, not even one that works in place.
func TestScopeFilterIsOfOneAccount(t *testing.T) {
	w := newWorld(t)
	w.set(func() { w.bare = true })
	config := w.config(new(tokenstore.Memory))
	config.ScopeFilter = func(wanted []string) []string {
		return slices.DeleteFunc(wanted, func(scope string) bool { return scope == "read" })
	}
	for _, want := range []string{"write", "read write"} {
		assert.Equal(t, want, scopes(t, must(mcp.New(config))))
		config.ScopeFilter, config.OAuth2.Account = nil, "bob"
	}
}

// The bound of the scopes counts the spaces between them.
func TestManyShortScopesAreTooMany(t *testing.T) {
	w := newWorld(t)
	for count, fine := range map[int]bool{4096: true, 4097: false} { // 4097 bytes with as many spaces
		w.set(func() { w.bare = true; w.supported = strings.Split(strings.Repeat("a", count), "") })
		_, _, err := must(mcp.New(w.config(new(tokenstore.Memory)))).Begin(t.Context(), callbackURL)
		if fine {
			assert.NoError(t, err, count)
		} else {
			assert.ErrorContains(t, err, "more scopes", count)
		}
	}
}
