package main

import (
	"context"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/mcp"
)

// complete sets what a scenario wants of the client beyond the usual.
func complete(ctx context.Context, config *mcp.Config, scenario string, given settings) (err error) {
	c := &config.OAuth2
	switch scenario {
	case "auth/dpop", "auth/dpop-nonce":
		c.Proof, err = assertion.NewDPoP(assertion.DPoPConfig{})
		return err
	case "auth/client-credentials-basic":
		c.Grant = connectorauth.ClientCredentials{}
	case "auth/client-credentials-jwt", "auth/wif-jwt-bearer", "auth/enterprise-managed-authorization":
	default:
		if given.ClientID != "" { // registered by hand
			c.ClientID, c.ClientSecret, config.Issuer = given.ClientID, given.ClientSecret, given.Issuer
		}
		return nil
	}
	c.ClientID, c.ClientSecret = given.ClientID, given.ClientSecret
	resource, err := config.Finder.Resource(ctx, config.URL, nil)
	if err != nil {
		return err
	}
	config.Issuer = resource.AuthorizationServers[0] // the suite tells the issuer in no other way
	switch scenario {
	case "auth/client-credentials-jwt":
		c.Grant = connectorauth.ClientCredentials{}
		key, err := assertion.NewKey(assertion.KeyConfig{Private: given.PrivateKey, Algorithm: assertion.Algorithm(given.Algorithm)})
		if err != nil {
			return err
		}
		c.ClientAuth, err = assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: config.Issuer}})
		return err
	case "auth/wif-jwt-bearer":
		c.Grant, err = assertion.NewJWTBearer(assertion.JWTBearerConfig{
			Subject:   "workload",
			Assertion: func(context.Context) (connectorauth.Secret, error) { return given.WorkloadJWT, nil },
		})
	case "auth/enterprise-managed-authorization":
		c.Grant, err = enterprise(config.Issuer, resource.Resource, given)
	}
	return err
}

// enterprise returns the grant of a company's identity provider: the id_token of the login
// becomes an assertion for one authorization server and one MCP server.
func enterprise(issuer, resource string, given settings) (connectorauth.Grant, error) {
	exchange, err := assertion.NewTokenExchange(assertion.TokenExchangeConfig{
		Subject: assertion.AsToken(assertion.TypeIDToken, func(context.Context) (connectorauth.Secret, error) {
			return given.IDPIDToken, nil
		}),
		RequestedType: assertion.TypeIDJAG,
		Audiences:     []string{issuer}, Resources: []string{resource}, Name: "alice",
	})
	if err != nil {
		return nil, err
	}
	provider, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: given.IDPClientID, TokenURL: given.IDPTokenEndpoint, ClientAuth: connectorauth.ClientAuthNone, Grant: exchange,
		Hosts: []string{issuer},
	})
	if err != nil {
		return nil, err
	}
	return assertion.NewJWTBearer(assertion.JWTBearerConfig{Subject: "alice", Assertion: assertion.FromConnector(provider)})
}
