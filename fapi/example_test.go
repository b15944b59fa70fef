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
	config.ClientSecret = ""
	if config.ClientAuth, err = assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: "https://bank.example.com"}}); err != nil {
		fmt.Println(err)
		return
	}
	if config.Proof, err = assertion.NewDPoP(assertion.DPoPConfig{}); err != nil {
		fmt.Println(err)
		return
	}
	config.Grant = connectorauth.AuthorizationCode{
		AuthURL:                       "https://bank.example.com/authorize",
		PushedAuthorizationRequestURL: "https://bank.example.com/par",
		Issuer:                        "https://bank.example.com",
	}
	findings, err = fapi.Check(context.Background(), config, nil)
	fmt.Println(len(findings), "findings", err)
	// Output:
	// 5.3.3.2  Grant: PushedAuthorizationRequestURL: set the provider's endpoint for pushed authorization requests (RFC 9126)
	// 5.3.3.2  Grant: Issuer: set the issuer identifier of the metadata: see discovery.Server.Fill
	// 5.3.3.1  ClientAuth: use assertion.NewClientAuth with a private key, ClientAuthTLS or ClientAuthSelfSignedTLS
	// 5.3.3.1  Proof: use assertion.NewDPoP, or a client certificate
	// 0 findings <nil>
}
