// Openid signs a person in with OpenID Connect. connectorauth leads the consent and keeps the
// tokens; github.com/coreos/go-oidc verifies the ID token, which connectorauth leaves
// unverified among the extra values of the token.
//
//	go run ./examples/openid -check
//	go run ./examples/openid -issuer https://accounts.google.com -id CLIENT_ID -secret CLIENT_SECRET
//
// The first form plays provider and person. The second form opens the browser; the client
// must be registered at the provider for a program on this machine.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/coreos/go-oidc/v3/oidc"
)

// A client is registered at a provider.
type client struct {
	issuer, id string
	secret     connectorauth.Secret
	http       *http.Client               // reaches the provider; nil: public addresses only
	open       func(authURL string) error // in place of a browser; nil: the browser
}

func main() {
	var c client
	flag.StringVar(&c.issuer, "issuer", "", "issuer identifier of the provider")
	flag.StringVar(&c.id, "id", "", "client ID")
	secret := flag.String("secret", "", "client secret; empty for a public client")
	check := flag.Bool("check", false, "play provider and person")
	flag.Parse()
	c.secret = connectorauth.Secret(*secret)
	if *check {
		p := newProvider()
		defer p.close()
		c = p.client()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := signIn(ctx, c, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// signIn leads a person through the consent, and prints who that is.
func signIn(ctx context.Context, c client, out io.Writer) error {
	finder, err := discovery.New(discovery.Config{HTTPClient: c.http})
	if err != nil {
		return err
	}
	server, err := finder.Server(ctx, c.issuer)
	if err != nil {
		return err
	}
	nonce := rand.Text() // binds the ID token to this consent, so each consent has a config of its own
	config := connectorauth.OAuth2Config{
		ClientID: c.id, ClientSecret: c.secret, Scopes: []string{oidc.ScopeOpenID, "email"},
		Grant: connectorauth.AuthorizationCode{Params: url.Values{"nonce": {nonce}}},
	}
	if err := server.Fill(&config); err != nil {
		return err
	}
	connector, err := connectorauth.NewOAuth2(config)
	if err != nil {
		return err
	}
	if err := consent.Loopback(ctx, connector, consent.LoopbackOptions{Open: c.open, Pages: consent.Pages{Name: "Example"}}); err != nil {
		return err
	}

	idToken, err := verify(ctx, c, server, connector, nonce)
	if err != nil {
		return err
	}
	var claims struct {
		Email string `json:"email"`
	}
	if err := idToken.Claims(&claims); err != nil {
		return err
	}
	fmt.Fprintf(out, "Signed in as %s, %s of %s\n", claims.Email, idToken.Subject, idToken.Issuer)
	return nil
}

// verify verifies the ID token of the account (OpenID Connect Core section 3.1.3.7).
func verify(ctx context.Context, c client, server *discovery.Server, connector *connectorauth.OAuth2, nonce string) (*oidc.IDToken, error) {
	token, err := connector.Token(ctx)
	if err != nil {
		return nil, err
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("the provider gave no ID token; the scope openid asks for one")
	}
	if c.http != nil {
		ctx = oidc.ClientContext(ctx, c.http)
	}
	provider, err := oidc.NewProvider(ctx, server.Issuer) // with the keys of the provider
	if err != nil {
		return nil, err
	}
	idToken, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: c.id}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if idToken.Nonce != nonce {
		return nil, errors.New("the ID token is of another consent")
	}
	if idToken.AccessTokenHash != "" {
		return idToken, idToken.VerifyAccessToken(token.AccessToken)
	}
	return idToken, nil
}
