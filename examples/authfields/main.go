// Authfields calls an API that wants its credentials inside each message.
package main

import (
	"fmt"
	"log"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

func main() {
	p := authtest.New(authtest.Config{Fields: map[string]any{"user_token": "s3cret", "company_id": 4711}})
	defer p.Close()

	connector, err := connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
		Fields: []connectorauth.AuthField{
			{Name: "API token", Key: "user_token", Type: connectorauth.FieldPassword, Value: "s3cret"},
			{Name: "Company number", Key: "company_id", Type: connectorauth.FieldInteger, Value: "4711"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, field := range connector.Fields() { // what to ask the account owner for
		fmt.Printf("asks for %s\n", field.Name)
	}
	client := connectorauth.NewClient(connector, nil)

	// The fields join the members that are there; all other bytes stay as they are.
	resp, err := client.Post(p.FieldsURL, "application/json", strings.NewReader(`{"order": 7}`))
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	log.Println(resp.Status)

	_, err = client.Get(p.FieldsURL)
	log.Println("a GET has nowhere to put them:", err)
}
