package check_test

import (
	"fmt"

	"github.com/connectorauth/connectorauth/catalog/check"
)

// A contributor has written where the key goes, and not who says so.
func ExampleFile() {
	problems := check.File(check.Draft, "acme.json", []byte(`{
		"connectorauth": 1, "name": "acme", "title": "Acme",
		"links": [{"title": "Documentation", "url": "https://docs.example.com/api"}],
		"baseUrl": "https://api.example.com",
		"methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}",
			"inputs": [{"name": "apiKey", "title": "API key", "secret": true}]}]
	}`))
	for _, problem := range problems {
		fmt.Println(problem)
	}
	// Output: acme.json: x-sources is missing; say who says what of the service, and when
}
