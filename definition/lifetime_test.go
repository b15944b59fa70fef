package definition_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// A definition says how long the refresh tokens of a service last, and Status tells when
// the account owner is asked again.
func TestRefreshLifetimeOfADefinition(t *testing.T) {
	for name, test := range map[string]struct {
		members string
		want    time.Duration
	}{
		"lifetime":        {`"refreshLifetime": "2400h"`, 2400 * time.Hour},
		"without a use":   {`"refreshIdle": "48h"`, 48 * time.Hour},
		"what ends first": {`"refreshLifetime": "2400h", "refreshIdle": "48h"`, 48 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "oauth", "type": "OAuth2",
					"grant": {"authorizationCode": {"authUrl": "https://login.example.com/authorize"}}, "tokenUrl": "https://login.example.com/token", `+test.members+`}]}`)
				token := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
					return fakehttp.Respond(200, `{"access_token": "a", "token_type": "Bearer", "refresh_token": "new"}`), nil
				})
				c, err := d.Connect(definition.Connection{
					Client: definition.Client{ID: "id", Secret: "s"}, HTTPClient: &http.Client{Transport: token}, Shared: new(connectorauth.Shared),
				})
				require.NoError(t, err)
				account := c.Credential().(*connectorauth.OAuth2)
				require.NoError(t, account.SetToken(t.Context(), &oauth2.Token{AccessToken: "a", RefreshToken: "r"}))
				require.NoError(t, account.Renew(t.Context()))
				status, err := account.Status(t.Context())
				require.NoError(t, err)
				assert.Equal(t, test.want, time.Until(status.ReauthBy))
			})
		})
	}
}
