// Basic calls an API with a user name and password.
package main

import (
	"log"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

func main() {
	p := authtest.New(authtest.Config{}) // stands in for the service
	defer p.Close()

	connector, err := connectorauth.NewBasic(connectorauth.BasicConfig{
		Username: p.Username,
		Password: connectorauth.Secret(p.Password),
		Hosts:    []string{p.URL}, // a connector that may be given any URL should say where it belongs
	})
	if err != nil {
		log.Fatal(err)
	}
	client := connectorauth.NewClient(connector, nil)

	resp, err := client.Get(p.BasicURL)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	log.Println(resp.Status)

	_, err = client.Get("https://elsewhere.example/")
	log.Println("another host:", err)
}
