package authtest_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth/authtest"
)

// message sends a request with a JSON body and returns status and members of the response.
func message(t *testing.T, p *authtest.Provider, method, to, token, body string) (int, map[string]any) {
	t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	status, _, text := exchange(t, p, method, to, "application/json", body, header)
	var members map[string]any
	if text != "" {
		require.NoError(t, json.Unmarshal([]byte(text), &members), text)
	}
	return status, members
}

func TestMetadataNameTheEndpoints(t *testing.T) {
	p := authtest.New(authtest.Config{SendIssuer: true})
	t.Cleanup(p.Close)
	for _, place := range []string{p.MetadataURL, p.OpenIDMetadataURL} {
		status, members := message(t, p, "GET", place, "", "")
		assert.Equal(t, 200, status)
		assert.Equal(t, p.URL, members["issuer"])
		assert.Equal(t, p.TokenURL, members["token_endpoint"])
		assert.Equal(t, p.RegisterURL, members["registration_endpoint"])
		assert.Equal(t, true, members["authorization_response_iss_parameter_supported"])
		status, _, _ = exchange(t, p, "GET", place+"/tenant", "", "", nil)
		assert.Equal(t, 404, status, "no issuer has a path")
	}
	status, members := message(t, p, "GET", p.ResourceMetadataURL+"/api/bearer/orders", "", "")
	assert.Equal(t, 200, status)
	assert.Equal(t, p.BearerURL+"/orders", members["resource"])
	assert.Equal(t, []any{p.URL}, members["authorization_servers"])
	status, _, _ = exchange(t, p, "GET", p.ResourceMetadataURL, "", "", nil)
	assert.Equal(t, 404, status)
}

// An application registers itself, obtains a token, is changed, and is forgotten.
func TestRegisteredApplication(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{RegistrationToken: "initial"})
	status, _ := message(t, p, "POST", p.RegisterURL, "", `{"redirect_uris": ["https://app.example/callback"]}`)
	assert.Equal(t, 401, status)
	status, client := message(t, p, "POST", p.RegisterURL, "initial", `{"redirect_uris": ["https://app.example/callback"], "client_name": "Acme"}`)
	require.Equal(t, 201, status)
	assert.Equal(t, "Acme", client["client_name"])
	assert.Equal(t, "client_secret_basic", client["token_endpoint_auth_method"])
	assert.EqualValues(t, 0, client["client_secret_expires_at"])
	config.ClientID, config.ClientSecret, config.RedirectURL = client["client_id"].(string), client["client_secret"].(string), "https://app.example/callback"

	obtain := func() (*oauth2.Token, error) {
		callback, err := p.Authorize(config.AuthCodeURL("state"))
		if err != nil {
			return nil, err
		}
		return config.Exchange(ctx, callback.Query().Get("code"))
	}
	token, err := obtain()
	require.NoError(t, err)
	_, identity, _ := call(t, p.Client(), withBearer(get(t, p.BearerURL), token.AccessToken))
	assert.Equal(t, config.ClientID, identity.Client)
	post := *config
	post.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	_, err = post.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	assert.ErrorContains(t, err, "client_secret_basic")
	other := *config
	other.ClientID, other.ClientSecret = p.ClientID, p.ClientSecret
	_, err = other.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	assert.ErrorContains(t, err, "another application")

	manage, key := client["registration_client_uri"].(string), client["registration_access_token"].(string)
	status, _ = message(t, p, "GET", manage, "wrong", "")
	assert.Equal(t, 401, status)
	status, read := message(t, p, "GET", manage, key, "")
	assert.Equal(t, 200, status)
	assert.Equal(t, client, read)
	status, changed := message(t, p, "PUT", manage, key, `{"redirect_uris": ["https://app.example/other"]}`)
	assert.Equal(t, 200, status)
	assert.NotEqual(t, key, changed["registration_access_token"])
	_, err = p.Authorize(config.AuthCodeURL("state"))
	assert.ErrorContains(t, err, "redirect_uris")
	assert.Equal(t, 1, p.Stats().Registrations)

	p.ForgetClients()
	_, err = config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	assert.ErrorContains(t, err, "invalid_client")
	_, err = obtain()
	assert.ErrorContains(t, err, "client_id is missing or unknown")
	status, _ = message(t, p, "GET", manage, changed["registration_access_token"].(string), "")
	assert.Equal(t, 401, status, "RFC 7592 section 2")
}

func TestRegistrationsThatAreRefused(t *testing.T) {
	p := authtest.NewProvider(t)
	for body, code := range map[string]string{
		`[]`:                                 "invalid_client_metadata",
		`{}`:                                 "invalid_redirect_uri",
		`{"redirect_uris": ["/relative"]}`:   "invalid_redirect_uri",
		`{"redirect_uris": ["https://a#b"]}`: "invalid_redirect_uri",
		`{"redirect_uris": ["https://a"], "token_endpoint_auth_method": "private_key_jwt"}`: "invalid_client_metadata",
	} {
		status, members := message(t, p, "POST", p.RegisterURL, "", body)
		assert.Equal(t, 400, status, body)
		assert.Equal(t, code, members["error"], body)
	}
	status, header, _ := exchange(t, p, "GET", p.RegisterURL, "", "", nil)
	assert.Equal(t, 400, status)
	assert.Equal(t, "POST", header.Get("Allow"))
	_, client := message(t, p, "POST", p.RegisterURL, "", `{"redirect_uris": ["https://a"]}`)
	status, _ = message(t, p, "DELETE", client["registration_client_uri"].(string), client["registration_access_token"].(string), "")
	assert.Equal(t, 204, status)
}
