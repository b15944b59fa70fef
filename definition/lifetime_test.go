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

// A token that only a token that is still valid can extend is extended days before its
// end, where the program says nothing else.
func TestRenewBeforeOfADefinition(t *testing.T) {
	for name, test := range map[string]struct {
		members string
		program time.Duration
		want    time.Duration // before the expiry
	}{
		"the definition's": {`, "renewBefore": "120h"`, 0, 120 * time.Hour},
		"the program's":    {`, "renewBefore": "120h"`, 24 * time.Hour, 24 * time.Hour},
		"neither's":        {``, 0, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "oauth", "type": "OAuth2",
					"grant": {"clientCredentials": {}}, "tokenUrl": "https://login.example.com/token"`+test.members+`}]}`)
				tokens := 0
				shared := new(connectorauth.Shared)
				c, err := d.Connect(definition.Connection{
					Client: definition.Client{ID: "id", Secret: "s"}, Shared: shared, RenewBefore: test.program,
					HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
						tokens++
						return fakehttp.Respond(200, `{"access_token": "a", "token_type": "Bearer", "expires_in": 5184000}`), nil
					})},
				})
				require.NoError(t, err)
				const lifetime = 5184000 * time.Second
				sent(t, c, "GET", "/", "")
				time.Sleep(lifetime - test.want - test.want/4)
				sent(t, c, "GET", "/", "")
				synctest.Wait()
				assert.Equal(t, 1, tokens)
				time.Sleep(test.want/2 + test.want/4)
				sent(t, c, "GET", "/", "")
				synctest.Wait()
				assert.Equal(t, 2, tokens)
				require.NoError(t, shared.Shutdown(t.Context()))
			})
		})
	}
	assert.Contains(t, mistakes(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "key", "type": "ApiKey", "key": "x", "renewBefore": "1h"}]}`),
		"methods[0].renewBefore: is for tokens and sessions")
}
