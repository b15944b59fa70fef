package connectorauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A challenge of a place that has seen no credential asks for nothing.
func TestStepUpOfAForeignOriginIsAResponse(t *testing.T) {
	base := fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "api.example.test" {
			resp := fakehttp.Respond(302, "")
			resp.Header.Set("Location", "https://evil.example/x")
			return resp, nil
		}
		resp := fakehttp.Respond(401, "evil")
		resp.Header.Set("WWW-Authenticate", `Bearer error="insufficient_user_authentication", acr_values="evil"`)
		return resp, nil
	})
	c := must(connectorauth.NewOAuth2(config2{
		ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{},
		HTTPClient: &http.Client{Transport: tokenEndpoint()}, Shared: new(connectorauth.Shared),
	}))
	resp, err := connectorauth.NewClient(c, &http.Client{Transport: base}).Get("https://api.example.test/a")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 401, resp.StatusCode)
}

// What an API quotes as an authentication class is not asked for if the class is the token.
func TestStepUpForgetsACredentialAmongACRs(t *testing.T) {
	base := fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(401, "")
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		resp.Header.Set("WWW-Authenticate", `Bearer error="insufficient_user_authentication", acr_values="`+token+` mfa", max_age=60, error_description="no `+token+`"`)
		return resp, nil
	})
	c := must(connectorauth.NewOAuth2(config2{
		ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{},
		HTTPClient: &http.Client{Transport: tokenEndpoint()}, Shared: new(connectorauth.Shared),
	}))
	_, err := c.Wrap(base).RoundTrip(must(http.NewRequest("GET", home, nil)))
	var stepUp *connectorauth.StepUpError
	require.ErrorAs(t, err, &stepUp)
	assert.Equal(t, []string{"mfa"}, stepUp.Authorization.ACRValues)
	code := must(connectorauth.NewOAuth2(config2{ClientID: "c", TokenURL: "https://p.example/t", Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/a"}}))
	authURL, _, err := code.Asking(stepUp.Authorization).Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	assert.Equal(t, "mfa", must(url.Parse(authURL)).Query().Get("acr_values"))
}
