package script_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/script"
)

// A connector with a script. A program compiles a script once, for all accounts and
// requests.
func ExampleWrap() {
	api := echo() // prints what arrives
	defer api.Close()

	compiled, err := script.Compile(`function before_action() {
		method_request.account = script_parameters.account;
	}`)
	if err != nil {
		log.Fatal(err) // names line and column
	}
	key, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "the-key"})
	if err != nil {
		log.Fatal(err)
	}
	connector, err := script.Wrap(key, compiled, script.Options{Parameters: map[string]any{"account": 4711}})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, nil).Post(api.URL+"/orders", "application/json", strings.NewReader(`{"id": 1}`))
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// POST /orders the-key {"id": 1,"account":4711}
	// 200 OK
}

// A mistake has the line and the column of the script.
func ExampleCompile() {
	_, err := script.Compile("function before_action() {\n\treturn true\n")
	fmt.Println(err)
	// Output: script: line 3, column 1: SyntaxError: unexpected token in expression: ''
}
