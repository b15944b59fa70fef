package dialect_test

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

// This provider puts the token response into "data", counts lifetimes in
// milliseconds, and tells where the account's API is.
func ExampleOAuth2() {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	p.Inject(p.TokenURL, authtest.Always, authtest.EditAnswer(func(response map[string]any) {
		response["data"] = map[string]any{"token": response["access_token"], "ttl": 3600000}
		response["api_domain"] = "https://eu.example.com"
		delete(response, "access_token")
		delete(response, "expires_in")
	}))

	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID:     p.ClientID,
		ClientSecret: connectorauth.Secret(p.ClientSecret),
		TokenURL:     p.TokenURL,
		Grant:        connectorauth.ClientCredentials{},
		Dialect: dialect.OAuth2{
			Response: dialect.Response{
				AccessToken:  "data.token",
				Expiry:       "data.ttl",
				ExpiryFormat: dialect.ExpiryMilliseconds,
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	token, err := c.Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(time.Until(token.Expiry).Round(time.Minute), token.Extra("api_domain"))
	// Output: 1h0m0s https://eu.example.com
}

// Slack sends the user's token beside the token of the bot, wants commas between
// scopes, and rejects a token with status 200.
func ExampleOAuth2_slack() {
	_ = dialect.OAuth2{
		ScopeSeparator: ",",
		AuthNames:      map[string]string{"scope": "user_scope"},
		Response: dialect.Response{
			AccessToken:  "authed_user.access_token",
			RefreshToken: "authed_user.refresh_token",
			Expiry:       "authed_user.expires_in",
			Scope:        "authed_user.scope",
			AnyTokenType: true,
		},
		Rejections: []dialect.Rejection{
			{Path: "error", Value: "token_expired"},
			{Path: "error", Value: "invalid_auth"},
		},
	}
}

// Facebook takes token requests by GET and has no refresh tokens: an access token
// is exchanged for a token with a longer life before the access token expires.
func ExampleOAuth2_facebook() {
	exchange := dialect.TokenExchange{GrantType: "fb_exchange_token", Name: "fb_exchange_token"}
	_ = connectorauth.OAuth2Config{
		ClientAuth:  connectorauth.ClientSecretPost,
		RenewBefore: 10 * 24 * time.Hour,
		Dialect: dialect.OAuth2{
			ScopeSeparator:    ",",
			TokenEncoding:     dialect.EncodeGet,
			LongLived:         exchange,
			Extend:            exchange,
			InvalidGrantCodes: []string{"190"},
			Rejections:        []dialect.Rejection{{Status: 400, Path: "error.code", Value: "190"}},
		},
	}
}

// Zoom's server-to-server applications use client credentials under another name.
func ExampleOAuth2_zoom() {
	_ = connectorauth.OAuth2Config{
		TokenURL: "https://zoom.us/oauth/token",
		Grant:    connectorauth.ClientCredentials{},
		Dialect: dialect.OAuth2{
			GrantType:   "account_credentials",
			TokenParams: url.Values{"account_id": {"your account ID"}},
		},
	}
}

// QuickBooks names the company in the callback. The token of the connector has the
// name as Extra("realmId").
func ExampleOAuth2_quickBooks() {
	_ = dialect.OAuth2{CallbackValues: []string{"realmId"}}
}

// Shopify wants the access token in the header X-Shopify-Access-Token.
func ExamplePlacement() {
	_ = dialect.OAuth2{Placement: dialect.Placement{Name: "X-Shopify-Access-Token"}}
}
