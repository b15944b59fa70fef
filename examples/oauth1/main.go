// Oauth1 takes an account owner through OAuth 1.0a's three steps and calls the
// API with the token.
package main

import (
	"context"
	"log"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

func main() {
	ctx := context.Background()
	p := authtest.New(authtest.Config{}) // stands in for the service
	defer p.Close()

	connector, err := connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID:        p.ClientID, // also called consumer key
		ClientSecret:    connectorauth.Secret(p.ClientSecret),
		RequestTokenURL: p.RequestTokenURL,
		AuthorizeURL:    p.AuthorizeURL,
		AccessTokenURL:  p.AccessTokenURL,
	})
	if err != nil {
		log.Fatal(err)
	}

	// A web application would redirect the browser to authURL and keep pending in
	// the session; the query of the callback comes back from the service.
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
