package definition_test

import (
	"cmp"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/providers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// live leads an account through its life.
func (r *row) live(t *testing.T, d *definition.Definition, p *providers.Provider, fake *authtest.Provider) {
	w := &world{fake: fake, to: map[string]string{r.api: fake.BearerURL}}
	for _, token := range r.token {
		u, path, _ := strings.Cut(token, " ")
		w.to[u] = fake.TokenURL + path
	}
	if r.auth != "" {
		w.to[r.auth] = fake.AuthURL
	}
	if r.revoke != "" {
		w.to[r.revoke] = fake.RevokeURL
	}
	connection := definition.Connection{
		Method: r.method, Values: maps.Clone(r.values), Client: definition.Client{ID: fake.ClientID, Secret: connectorauth.Secret(fake.ClientSecret)},
		HTTPClient: w.client(), Shared: new(connectorauth.Shared),
	}
	if p.Config.Grant == "client_credentials" { // by a registration of the account owner
		connection.Client = definition.Client{}
		connection.Values["clientId"], connection.Values["clientSecret"] = connectorauth.Secret(fake.ClientID), connectorauth.Secret(fake.ClientSecret)
	}
	var err error
	connection.RenewBefore, err = time.ParseDuration(cmp.Or(p.Config.RenewBefore, "0s"))
	require.NoError(t, err)
	c, err := d.Connect(connection)
	require.NoError(t, err)
	p.Live(t, fake, providers.Account{
		Connector: c.Connector(), Credential: c.Credential().(*connectorauth.OAuth2), Scopes: r.scopes, Client: w.client(), Revokes: r.revoke != "",
		API: func() string {
			base, err := c.BaseURL(t.Context(), "")
			if assert.NoError(t, err) {
				assert.Equal(t, r.api, base+r.path)
			}
			return r.api
		},
		Consent: w.consent(t),
	})
	for _, header := range w.headers[r.api] {
		for name, value := range r.header {
			assert.Equal(t, value, header.Get(name), name)
		}
	}
	w.requireAsked(t)
}
