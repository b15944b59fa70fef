package definition_test

import (
	"fmt"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/dialect"
)

func ExampleDefinition_Document() {
	d := &definition.Definition{
		Name: "acme", BaseURL: "https://api.example.com",
		Methods: []definition.Method{{
			Name: "key", Inputs: []definition.Input{{Name: "apiKey", Secret: true}},
			Credential: definition.Credential{Scheme: &definition.APIKey{Key: "{apiKey}", Placement: dialect.Placement{Name: "X-Key"}}},
		}},
	}
	document, err := d.Document()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(document))
	// Output:
	// {
	//   "connectorauth": 1,
	//   "name": "acme",
	//   "baseUrl": "https://api.example.com",
	//   "methods": [
	//     {
	//       "name": "key",
	//       "inputs": [
	//         {
	//           "name": "apiKey",
	//           "secret": true
	//         }
	//       ],
	//       "type": "ApiKey",
	//       "key": "{apiKey}",
	//       "placement": {
	//         "name": "X-Key"
	//       }
	//     }
	//   ]
	// }
}

func ExampleLint() {
	advice, err := definition.Lint("acme.json", []byte(`{
  "connectorauth": 1, "name": "acme", "title": "Acme",
  "baseUrl": "https://api.example.com",
  "links": [{"url": "https://docs.example.com/keys"}],
  "inputs": [{"name": "key", "title": "API key", "secret": true}],
  "methods": [{"name": "key", "type": "ApiKey", "key": "{key}", "placement": {"in": "query", "name": "api_key"}}],
  "test": {"request": "GET /me", "id": "/id"}
}`), definition.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, finding := range advice {
		fmt.Println(finding)
	}
	// Output:
	// acme.json:6:78: methods[0].placement: puts a secret into URLs, which end up in logs; use a header if the service takes one
}
