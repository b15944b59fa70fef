package openapi_test

import (
	"fmt"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/openapi"
)

func ExampleImport() {
	document := []byte(`{
  "openapi": "3.1.0",
  "info": {"title": "Acme"},
  "servers": [{"url": "https://{shop}.example.com/api", "variables": {"shop": {"default": "my-shop"}}}],
  "security": [{"key": []}],
  "components": {"securitySchemes": {
    "key": {"type": "apiKey", "in": "header", "name": "Authorization"}
  }}
}`)
	draft, err := openapi.Import("acme.json", document, openapi.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, q := range draft.Questions {
		fmt.Println(q)
	}

	draft, err = openapi.Import("acme.json", document, openapi.Options{Answers: map[string]string{"prefix:key": "Bearer"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	method := draft.Definition.Methods[0]
	key := method.Scheme.(*definition.APIKey)
	fmt.Printf("%s %s: %q\n", draft.Definition.BaseURL, key.Placement.Name, key.Placement.Prefix+key.Key)
	for _, input := range append(draft.Definition.Inputs, method.Inputs...) {
		fmt.Printf("%s: %s, secret: %t\n", input.Name, input.Title, input.Secret)
	}
	// Output:
	// acme.json:7:12: components.securitySchemes.key: is a key in the header Authorization; what comes before the key?
	// https://{shop}.example.com/api Authorization: "Bearer {key}"
	// shop: shop, secret: false
	// key: API key, secret: true
}
