// Basic calls an API with a user name and a password (RFC 7617).
//
//	go run ./examples/basic
package main

import (
	"log"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

func main() {
	p := authtest.New(authtest.Config{}) // in place of a real service
	defer p.Close()

	connector, err := connectorauth.NewBasic(connectorauth.BasicConfig{
		Username: p.Username,
		Password: connectorauth.Secret(p.Password),
		Hosts:    []string{p.URL}, // the password goes to no other host, whatever URL the program calls
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
