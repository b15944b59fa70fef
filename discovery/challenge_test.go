package discovery_test

import (
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The API is asked without credentials, and any status is a response, a redirect included.
func TestChallengeOfAnAPI(t *testing.T) {
	p := authtest.NewProvider(t)
	finder := finderOf(t, p)
	resp, err := finder.Challenge(t.Context(), p.BearerURL)
	require.NoError(t, err)
	assert.Equal(t, 401, resp.StatusCode)
	resource, err := finder.Resource(t.Context(), p.BearerURL, resp)
	require.NoError(t, err)
	assert.Equal(t, []string{p.URL}, resource.AuthorizationServers)

	resp, err = finder.Challenge(t.Context(), p.RedirectURL(302, p.OpenURL))
	require.NoError(t, err)
	assert.Equal(t, 302, resp.StatusCode)
	assert.Empty(t, p.Requests(p.OpenURL), "no redirect is followed")

	p.Close()
	_, err = finder.Challenge(t.Context(), p.BearerURL+"?key=secret")
	failed := new(discovery.Error)
	require.ErrorAs(t, err, &failed)
	assert.True(t, failed.Temporary())
	assert.NotContains(t, err.Error(), "secret")
	_, err = finder.Challenge(t.Context(), "http://api.example.com")
	assert.Error(t, err)
}

// A challenge with resource_metadata may mean that the metadata have changed (RFC 9728 section
// 5.2).
func TestChallengeReadsMetadataAnew(t *testing.T) {
	w := newWeb(t, home+openID, serve(map[string]any{"resource": home}))
	told := rejected(`Bearer resource_metadata="` + home + openID + `"`)
	for range 2 {
		_, err := w.finder.Resource(t.Context(), home, told)
		require.NoError(t, err)
	}
	assert.Len(t, w.asked, 2)
	w = newWeb(t, home+protected, serve(map[string]any{"resource": home}))
	for range 2 {
		_, err := w.finder.Resource(t.Context(), home, rejected(`Bearer realm="a"`))
		require.NoError(t, err)
	}
	assert.Len(t, w.asked, 1)
}

// Fallback serves where each place has status 404, and nowhere else.
func TestFallbackWhereThereAreNoMetadata(t *testing.T) {
	fallback := &discovery.Server{Issuer: home, AuthorizationEndpoint: home + "/authorize", TokenEndpoint: home + "/token"}
	for status, want := range map[int]bool{404: true, 500: false, 403: false, 200: false} {
		w := newWeb(t, home+"/.well-known/oauth-authorization-server", text(status, "text/html", "no"))
		config := discovery.AccountConfig{
			Finder: w.finder, Issuer: home, Fallback: fallback,
			OAuth2: connectorauth.OAuth2Config{ClientID: "c", Store: new(tokenstore.Memory), Account: "alice", Hosts: []string{home}},
		}
		account, err := discovery.NewAccount(config)
		require.NoError(t, err)
		authURL, _, err := account.Begin(t.Context(), callbackURL)
		assert.Equal(t, want, err == nil, "%d: %v", status, err)
		if want {
			assert.Contains(t, authURL, home+"/authorize?")
		}
		config.Fallback = &discovery.Server{Issuer: fakehttp.Foreign}
		_, err = discovery.NewAccount(config)
		assert.ErrorContains(t, err, "Fallback")
	}
	assert.False(t, (&discovery.Error{StatusCode: http.StatusGone}).Missing())
}

// The requests of a Fallback go where those of the Finder go.
func TestFallbackHasTheClientOfTheFinder(t *testing.T) {
	pushed := 0
	finder := must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if req.URL.Path != "/par" {
			return fakehttp.Respond(http.StatusNotFound, ""), nil
		}
		pushed++
		resp := fakehttp.Respond(http.StatusCreated, `{"request_uri": "urn:example:1", "expires_in": 60}`)
		resp.Header.Set("Content-Type", "application/json")
		return resp, nil
	})}}))
	fallback := discovery.Server{
		Issuer: home, AuthorizationEndpoint: home + "/authorize", TokenEndpoint: home + "/token",
		PushedAuthorizationRequestEndpoint: home + "/par", RequirePushedAuthorizationRequests: true,
	}
	account := must(discovery.NewAccount(discovery.AccountConfig{
		Finder: finder, Issuer: home, Fallback: &fallback,
		OAuth2: connectorauth.OAuth2Config{ClientID: "c", Store: new(tokenstore.Memory), Account: "alice", Hosts: []string{home}},
	}))
	_, _, err := account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	assert.Equal(t, 1, pushed)
}
