// Apikey calls an API with an API key in the header X-Api-Key.
//
//	API_KEY=... go run ./examples/apikey https://api.example.com/v1/items
//
// Without a URL, the program starts a test provider and calls the provider.
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

func main() {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	url, key := p.KeyHeaderURL, p.APIKey
	if len(os.Args) > 1 {
		url, key = os.Args[1], os.Getenv("API_KEY")
	}

	connector, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{
		Key:  connectorauth.Secret(key),
		Name: "X-Api-Key",
	})
	if err != nil {
		log.Fatal(err)
	}
	client := connectorauth.NewClient(connector, http.DefaultClient)

	resp, err := client.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	log.Println(resp.Status)
}
