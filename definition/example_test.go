package definition_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/egress"
)

func Example() {
	d, err := definition.Parse("acme.json", []byte(`{
		"connectorauth": 1, "name": "acme",
		"inputs": [{"name": "subdomain", "title": "Subdomain", "format": "label", "example": "mycompany"}],
		"baseUrl": "https://{subdomain}.example.com/api",
		"methods": [{"name": "key", "type": "ApiKey",
			"inputs": [{"name": "apiKey", "title": "API key", "secret": true}],
			"key": "{apiKey}", "placement": {"name": "X-Key"}}]
	}`), definition.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = d.Connect(definition.Connection{Values: map[string]connectorauth.Secret{"subdomain": "https://mycompany.example.com"}})
	fmt.Println(err)

	account, err := d.Connect(definition.Connection{Values: map[string]connectorauth.Secret{"subdomain": "mycompany", "apiKey": "k"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(account.Connector())
	// Output:
	// definition: acme
	// Subdomain: use lower-case letters, digits and hyphens only, such as mycompany
	// API key: is missing
	// connectorauth.APIKey
}

func ExampleParse() {
	_, err := definition.Parse("acme.json", []byte(`{
  "connectorauth": 1, "name": "acme",
  "inputs": [{"name": "shop", "format": "label"}],
  "baseUrl": "https://{shop}.co.uk",
  "methods": [{"name": "key", "type": "ApiKey", "kee": "{shop}"}]
}`), definition.Options{})
	fmt.Println(err)
	// Output:
	// acme.json:4:14: baseUrl: everybody can register names that end in .co.uk; use a longer suffix
	// acme.json:5:49: methods[0].kee: is no member here; did you mean key?
}

// A product that people host themselves: the account owner says where.
func Example_selfHosted() {
	d, err := definition.Parse("gitlab.json", []byte(`{
		"connectorauth": 1, "name": "gitlab", "title": "GitLab",
		"inputs": [{"name": "site", "title": "Address", "format": "origin", "anyHost": true, "example": "https://gitlab.example.com"}],
		"baseUrl": "{site}/api/v4",
		"methods": [{"name": "token", "type": "ApiKey",
			"inputs": [{"name": "token", "title": "Access token", "secret": true}],
			"key": "{token}", "placement": {"name": "Private-Token"}}]
	}`), definition.Options{AnyHost: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	guard, err := egress.New(egress.Config{}) // Hosts and Prefixes allow hosts of the program's own network
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := d.Connect(definition.Connection{
		Values:     map[string]connectorauth.Secret{"site": "https://gitlab.example.com:8443", "token": "t"},
		HTTPClient: &http.Client{Transport: guard}, // and the same for NewClient
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	base, err := account.BaseURL(context.Background(), "")
	fmt.Println(base, err)

	// A transport that reaches private addresses sends nothing.
	other := connectorauth.NewClient(account.Connector(), &http.Client{Transport: http.DefaultTransport})
	_, err = other.Get(base + "/user")
	fmt.Println(err)
	// Output:
	// https://gitlab.example.com:8443/api/v4 <nil>
	// Get "https://gitlab.example.com:8443/api/v4/user": definition: the account may lead to any host, and the transport of the client lets requests reach private addresses; use a transport of egress.New, or none
}
