package fapi_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/fapi"
)

// A config that is good enough for most services is not good enough for a bank.
func ExampleCheck() {
	config := connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "production-secret", TokenURL: "https://bank.example.com/token",
		Grant: connectorauth.AuthorizationCode{AuthURL: "https://bank.example.com/authorize"},
	}
	findings, err := fapi.Check(context.Background(), config, nil) // nil: no metadata
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range findings {
		fmt.Printf("%s  %s: %s\n", f.Clause, f.Field, f.Advice)
	}
	// Output:
	// 5.3.3.2  Grant: PushedAuthorizationRequestURL: set the provider's endpoint for pushed authorization requests (RFC 9126)
	// 5.3.3.2  Grant: Issuer: set the issuer identifier of the metadata: see discovery.Server.Fill
	// 5.3.3.1  ClientAuth: use assertion.NewClientAuth with a private key, ClientAuthTLS or ClientAuthSelfSignedTLS
	// 5.3.3.1  Proof: use assertion.NewDPoP, or a client certificate
}

// The config with what the findings asked for: a key in place of the secret, and DPoP.
func ExampleCheck_mended() {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader) // a program has a key that is registered
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := assertion.NewKey(assertion.KeyConfig{Signer: private})
	if err != nil {
		fmt.Println(err)
		return
	}
	auth, err := assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: "https://bank.example.com"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	proof, err := assertion.NewDPoP(assertion.DPoPConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	findings, err := fapi.Check(context.Background(), connectorauth.OAuth2Config{
		ClientID: "client", ClientAuth: auth, Proof: proof, TokenURL: "https://bank.example.com/token",
		Grant: connectorauth.AuthorizationCode{
			AuthURL:                       "https://bank.example.com/authorize",
			PushedAuthorizationRequestURL: "https://bank.example.com/par",
			Issuer:                        "https://bank.example.com",
		},
	}, nil)
	fmt.Println(len(findings), "findings", err)
	// Output: 0 findings <nil>
}
