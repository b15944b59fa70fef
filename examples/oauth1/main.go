// Oauth1 runs the three steps of OAuth 1.0a (RFC 5849 section 2) and calls the API
// with the token: temporary credentials, consent of the account owner, token.
//
//	go run ./examples/oauth1
package main

import (
	"context"
	"log"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

func main() {
	ctx := context.Background()
	p := authtest.New(authtest.Config{}) // in place of a real service
	defer p.Close()

	connector, err := connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID:        p.ClientID, // the provider may say "consumer key"
		ClientSecret:    connectorauth.Secret(p.ClientSecret),
		RequestTokenURL: p.RequestTokenURL,
		AuthorizeURL:    p.AuthorizeURL,
		AccessTokenURL:  p.AccessTokenURL,
	})
	if err != nil {
		log.Fatal(err)
	}

	// A web application redirects the browser to authURL and keeps pending in the
	// session. The provider then redirects the browser to the callback, with a query
	// for Finish.
	authURL, pending, err := connector.Begin(ctx, "http://127.0.0.1/callback")
	if err != nil {
		log.Fatal(err)
	}
	callback, err := p.Authorize(authURL) // the account owner consents
	if err != nil {
		log.Fatal(err)
	}
	if err := connector.Finish(ctx, pending, callback.Query()); err != nil {
		log.Fatal(err)
	}

	resp, err := connectorauth.NewClient(connector, nil).Get(p.OAuth1URL + "?status=open&status=new")
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	log.Println(resp.Status)
}
