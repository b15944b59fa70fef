package discovery_test

import (
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const protected = "/.well-known/oauth-protected-resource"

// rejected is a 401 with challenges.
func rejected(challenges ...string) *http.Response {
	return &http.Response{StatusCode: 401, Header: http.Header{"Www-Authenticate": challenges}}
}

// RFC 9728 sections 3.1 and 5.1.
func TestPlacesOfResources(t *testing.T) {
	challenge := `Bearer error="invalid_token", resource_metadata="` + home + openID + `"`
	for _, test := range []struct {
		resource string
		resp     *http.Response
		places   []string
	}{
		{home, nil, []string{home + protected}},
		{home + "/", nil, []string{home + protected}},
		{home + "/tenant", nil, []string{home + protected + "/tenant", home + protected}},
		{home + "/tenant/", nil, []string{home + protected + "/tenant", home + protected}},
		{home + "/a/b%20c", nil, []string{home + protected + "/a/b%20c", home + protected}},
		{home + "?a=b", nil, []string{home + protected + "?a=b", home + protected}},
		{home + "/tenant?a=b", nil, []string{home + protected + "/tenant?a=b", home + protected}},
		{home + "/tenant", rejected(), []string{home + protected + "/tenant", home + protected}},
		{home + "/tenant", rejected(`Bearer realm="a"`), []string{home + protected + "/tenant", home + protected}},
		{home + "/tenant", rejected(challenge), []string{home + openID}},
		{home + "/tenant", rejected(`Basic realm="resource_metadata=no"`, `DPoP algs="ES256", Resource_Metadata="`+home+openID+`"`), []string{home + openID}},
	} {
		for i := range test.places {
			w := newWeb(t, test.places[i], serve(map[string]any{"resource": test.resource, "authorization_servers": []string{fakehttp.Foreign}}))
			resource, err := w.finder.Resource(t.Context(), test.resource, test.resp)
			require.NoError(t, err, "%s at %s", test.resource, test.places[i])
			assert.Equal(t, []string{fakehttp.Foreign}, resource.AuthorizationServers)
			assert.Equal(t, test.places[:i+1], w.asked)
		}
		w := newWeb(t, "nowhere", nil)
		_, err := w.finder.Resource(t.Context(), test.resource, test.resp)
		require.Error(t, err)
		assert.Equal(t, test.places, w.asked, test.resource)
	}
}

func TestResourceIsCompared(t *testing.T) {
	for _, test := range []struct {
		asked, named string
		fine         bool
	}{
		{home + "/tenant", home + "/tenant", true},
		{home + "/tenant", home + "/tenant/", true},
		{home + "/tenant/", home + "/tenant", true},
		{home + "/tenant", home, true},
		{home + "/tenant", home + "/", true},
		{home + "/tenant", "https://API.example.test:443/tenant", true},
		{home + "/tenant?a=b", home + "/tenant", true},
		{home + "/tenant?a=b", home + "/tenant?a=b", true},
		{home + "/tenant", home + "/tenant/more", false},
		{home + "/tenant", home + "/ten", false},
		{home + "/tenant", home + "/tenant?a=b", false},
		{home + "/tenant", home + "/Tenant", false},
		{home + "/tenant", home + "/x/../tenant", false},
		{home + "/tenant", fakehttp.Foreign + "/tenant", false},
		{home + "/tenant", fakehttp.OtherPort + "/tenant", false},
		{home + "/tenant", fakehttp.PlainHTTP + "/tenant", false},
		{home + "/tenant", "", false},
	} {
		w := newWeb(t, home+openID, serve(map[string]any{"resource": test.named}))
		_, err := w.finder.Resource(t.Context(), test.asked, rejected(`Bearer resource_metadata="`+home+openID+`"`))
		assert.Equal(t, test.fine, err == nil, "%v: %v", test, err)
	}
}

func TestResourcesThatAreRefused(t *testing.T) {
	for resource, resp := range map[string]*http.Response{
		"":                       nil,
		"http://api.example":     nil,
		home + "#a":              nil,
		home + "/a/../b":         nil,
		home:                     rejected(`Bearer resource_metadata="http://api.example.test/m"`),
		home + "/":               rejected(`Bearer resource_metadata="https://127.0.0.1/m"`),
		home + "/a":              rejected(`Bearer resource_metadata="/relative"`),
		home + "/b":              rejected(`Bearer resource_metadata="javascript:alert(1)"`),
		"https://u:p@a.example/": nil,
	} {
		w := newWeb(t, "nowhere", nil)
		_, err := w.finder.Resource(t.Context(), resource, resp)
		assert.Error(t, err, resource)
		assert.Empty(t, w.asked, resource)
	}
	for _, issuer := range []string{"http://login.example", "https://localhost/", "https://login.example?a", "https://login.example/../x", ""} {
		w := newWeb(t, home+protected, serve(map[string]any{"resource": home, "authorization_servers": []string{fakehttp.Foreign, issuer}}))
		_, err := w.finder.Resource(t.Context(), home, nil)
		assert.ErrorContains(t, err, "authorization_servers", issuer)
	}
}

// From the 401 of an API to a token, as a client does that knows the API's URL alone.
func TestFromTheAPIToAToken(t *testing.T) {
	p := authtest.NewProvider(t)
	resp, err := p.Client().Get(p.BearerURL)
	require.NoError(t, err)
	resp.Body.Close()
	finder := finderOf(t, p)
	resource, err := finder.Resource(t.Context(), p.BearerURL, resp)
	require.NoError(t, err)
	server, err := finder.Server(t.Context(), resource.AuthorizationServers[0])
	require.NoError(t, err)
	config := connectorauth.OAuth2Config{ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret)}
	resource.Fill(&config)
	require.NoError(t, server.Fill(&config))
	assert.Equal(t, []string{p.URL}, config.Hosts)
	assert.Equal(t, []string{"read", "write"}, config.Scopes)
	c, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)
	authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1:9/callback")
	require.NoError(t, err)
	callback, err := p.Authorize(authURL)
	require.NoError(t, err)
	require.NoError(t, c.Finish(t.Context(), pending, callback.Query()))
	status := get(t, c, p, p.BearerURL)
	assert.Equal(t, 200, status)
	own := connectorauth.OAuth2Config{Hosts: []string{"api.example.com"}, Scopes: []string{"one"}}
	resource.Fill(&own)
	assert.Equal(t, []string{"api.example.com"}, own.Hosts, "what the config has, stays")
	assert.Equal(t, []string{"one"}, own.Scopes)
}

// A program may change the Scopes that Fill gave, and the metadata are shared.
func TestScopesOfAResourceAreTheConfigsOwn(t *testing.T) {
	w := newWeb(t, home+protected, serve(map[string]any{"resource": home, "scopes_supported": []string{"read"}}))
	resource, err := w.finder.Resource(t.Context(), home, nil)
	require.NoError(t, err)
	var config connectorauth.OAuth2Config
	resource.Fill(&config)
	config.Scopes[0] = "write"
	again, err := w.finder.Resource(t.Context(), home, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"read"}, again.ScopesSupported)
}

// get makes a request to the API and returns the status.
func get(t *testing.T, c connectorauth.Connector, p *authtest.Provider, url string) int {
	t.Helper()
	resp, err := connectorauth.NewClient(c, p.Client()).Get(url)
	require.NoError(t, err)
	resp.Body.Close()
	return resp.StatusCode
}
