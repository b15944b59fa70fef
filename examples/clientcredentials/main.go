// Clientcredentials calls an API as a machine, with OAuth2's client credentials
// grant. The token is obtained by the first request, and again when it expires.
package main

import (
	"log"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

func main() {
	p := authtest.New(authtest.Config{}) // stands in for the service
	defer p.Close()

	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID:     p.ClientID,
		ClientSecret: connectorauth.Secret(p.ClientSecret),
		TokenURL:     p.TokenURL,
		Scopes:       []string{"orders.read"},
		Grant:        connectorauth.ClientCredentials{},
		Observe: func(e connectorauth.Event) {
			log.Printf("%v, good until %v", e.Kind, e.Expiry)
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
		p.ExpireAccessTokens() // as if an hour had passed
	}
}
