package connectorauth_test

import (
	"cmp"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/providers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDialectsOfProviders(t *testing.T) {
	for _, name := range providers.Names(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := providers.Read(t, name)
			p.Run(t, func(t *testing.T, fake *authtest.Provider) {
				config := providerConfig(t, p, fake)
				c, err := connectorauth.NewOAuth2(config)
				require.NoError(t, err)
				p.Live(t, fake, providers.Account{
					Connector: c, Credential: c, Scopes: config.Scopes, Client: fake.Client(), Revokes: config.RevokeURL != "",
					API: func() string { return fake.BearerURL }, Consent: func(authURL string) string { return authURL },
				})
			})
		})
	}
}

// providerConfig returns the config of a connector, for the client of fake.
func providerConfig(t *testing.T, p *providers.Provider, fake *authtest.Provider) connectorauth.OAuth2Config {
	config := connectorauth.OAuth2Config{
		ClientID: fake.ClientID, ClientSecret: connectorauth.Secret(fake.ClientSecret), ClientAuth: p.Config.ClientAuth,
		TokenURL: strings.ReplaceAll(cmp.Or(p.Config.TokenURL, "{tokenUrl}"), "{tokenUrl}", fake.TokenURL),
		Scopes:   p.Config.Scopes, HTTPClient: fake.Client(), Shared: new(connectorauth.Shared),
	}
	if p.Config.ClientAuth == "" {
		config.ClientAuth = nil
	}
	if config.Scopes == nil {
		config.Scopes = []string{"read", "write"}
	}
	if p.Revokes {
		config.RevokeURL = fake.RevokeURL
	}
	switch p.Config.Grant {
	case "authorization_code":
		config.Grant = connectorauth.AuthorizationCode{AuthURL: fake.AuthURL, Params: p.Config.AuthParams, DisablePKCE: p.Config.DisablePKCE}
	case "client_credentials":
		config.Grant = connectorauth.ClientCredentials{}
	}
	var err error
	if p.Config.RenewBefore != "" {
		config.RenewBefore, err = time.ParseDuration(p.Config.RenewBefore)
		require.NoError(t, err)
	}
	if p.Config.Dialect != nil {
		text := strings.NewReplacer("{tokenUrl}", fake.TokenURL, "{url}", fake.URL).Replace(string(p.Config.Dialect))
		dec := json.NewDecoder(strings.NewReader(text))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(&config.Dialect))
		again, err := json.Marshal(config.Dialect)
		require.NoError(t, err)
		assert.JSONEq(t, text, string(again), "the dialect is written as it was read")
	}
	return config
}
