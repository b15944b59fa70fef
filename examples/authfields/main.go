// Authfields calls an API with credentials inside the body of each request.
//
//	go run ./examples/authfields
package main

import (
	"fmt"
	"log"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

func main() {
	p := authtest.New(authtest.Config{Fields: map[string]any{"user_token": "s3cret", "company_id": 4711}})
	defer p.Close()

	connector, err := connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
		Fields: []connectorauth.AuthField{
			{Name: "API token", Key: "user_token", Type: dialect.FieldPassword, Value: "s3cret"},
			{Name: "Company number", Key: "company_id", Type: dialect.FieldInteger, Value: "4711"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, field := range connector.Fields() { // a program shows a form with these fields to the account owner
		fmt.Printf("field of the form: %s\n", field.Name)
	}
	client := connectorauth.NewClient(connector, nil)

	// The connector adds the fields to the JSON object, and changes no other byte.
	resp, err := client.Post(p.FieldsURL, "application/json", strings.NewReader(`{"order": 7}`))
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	log.Println(resp.Status)

	_, err = client.Get(p.FieldsURL)
	log.Println("a GET has no body for the fields:", err)
}
