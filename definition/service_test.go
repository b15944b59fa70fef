package definition_test

import (
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEventsNameTheServiceOfTheDefinition(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "oauth", "type": "OAuth2",
		"grant": {"clientCredentials": {}}, "tokenUrl": "https://login.example.com/token"}]}`)
	var events []connectorauth.Event
	c, err := d.Connect(definition.Connection{
		Client: definition.Client{ID: "id", Secret: "s"}, Shared: new(connectorauth.Shared), Account: "alice",
		HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
			return fakehttp.Respond(200, `{"access_token": "a", "token_type": "Bearer", "expires_in": 3600}`), nil
		})},
		Observe: func(e connectorauth.Event) { events = append(events, e) },
	})
	require.NoError(t, err)
	require.NoError(t, c.Credential().(*connectorauth.OAuth2).Renew(t.Context()))
	require.Len(t, events, 2)
	for _, e := range events {
		assert.Equal(t, "acme", e.Service)
		assert.Equal(t, "login.example.com", e.Endpoint)
		assert.Equal(t, "alice", e.Account)
	}
}
