// Clientcredentials calls an API without a person, with OAuth2's client credentials
// grant (RFC 6749 section 4.4). The first request obtains a token. A request after
// the token's expiry obtains the next token.
//
//	go run ./examples/clientcredentials
package main

import (
	"log"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

func main() {
	p := authtest.New(authtest.Config{}) // in place of a real service
	defer p.Close()

	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID:     p.ClientID,
		ClientSecret: connectorauth.Secret(p.ClientSecret),
		TokenURL:     p.TokenURL,
		Scopes:       []string{"orders.read"},
		Grant:        connectorauth.ClientCredentials{},
		Observe: func(e connectorauth.Event) {
			log.Printf("%v, valid until %v", e.Kind, e.Expiry)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	client := connectorauth.NewClient(connector, nil)

	for range 3 {
		resp, err := client.Get(p.BearerURL)
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
		log.Println(resp.Status)
		p.ExpireAccessTokens() // as if the token's lifetime had passed
	}
}
