package dialect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
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

// A dialect can be read from JSON: here, of a provider that separates scopes by
// commas and wants the access token in a header of its own.
func ExampleOAuth2_json() {
	p := authtest.New(authtest.Config{})
	defer p.Close()

	var d dialect.OAuth2
	if err := json.Unmarshal([]byte(`{
		"scopeSeparator": ",",
		"placement": {"name": "X-Access-Token"}
	}`), &d); err != nil {
		log.Fatal(err)
	}
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant:   connectorauth.ClientCredentials{},
		Scopes:  []string{"read", "write"},
		Dialect: d,
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(c, nil).Get(p.OpenURL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	header := p.Requests(p.OpenURL)[0].Header
	fmt.Println("X-Access-Token:", len(header["X-Access-Token"]), "Authorization:", len(header["Authorization"]))
	token, err := c.Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Extra("scope"))
	// Output:
	// X-Access-Token: 1 Authorization: 0
	// read,write
}

// A program changes the dialect of a provider for one account: the copy shares no slice and
// no map with the original.
func ExampleOAuth2_Clone() {
	acme := dialect.OAuth2{InvalidGrantCodes: []string{"token_revoked"}}
	changed := acme.Clone()
	changed.InvalidGrantCodes[0] = "expired"
	fmt.Println(acme.InvalidGrantCodes, changed.InvalidGrantCodes)
	// Output: [token_revoked] [expired]
}
