package openapi_test

import (
	"fmt"

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
	text, err := draft.Definition.Document()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(text))
	// Output:
	// acme.json:7:12: components.securitySchemes.key: is a key in the header Authorization; what comes before the key?
	// {
	//   "connectorauth": 1,
	//   "name": "acme",
	//   "title": "Acme",
	//   "inputs": [
	//     {
	//       "name": "shop",
	//       "title": "shop",
	//       "example": "my-shop",
	//       "format": "label"
	//     }
	//   ],
	//   "baseUrl": "https://{shop}.example.com/api",
	//   "methods": [
	//     {
	//       "name": "key",
	//       "title": "API key",
	//       "inputs": [
	//         {
	//           "name": "key",
	//           "title": "API key",
	//           "secret": true
	//         }
	//       ],
	//       "type": "ApiKey",
	//       "key": "{key}",
	//       "placement": {
	//         "name": "Authorization",
	//         "prefix": "Bearer "
	//       }
	//     }
	//   ]
	// }
}
