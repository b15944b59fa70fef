package cyclr_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/cyclr"
)

func Example() {
	draft, err := cyclr.Import("acme.json", []byte(`{
		"Name": "Acme", "BaseUrl": "https://{{Subdomain}}.example.com/api",
		"Authentication": [{"AuthName": "API Key", "AuthType": "ApiKey", "AuthScheme": "X-Acme-Key"}],
		"Parameters": [{"TargetType": "MergeField", "TargetName": "Subdomain", "Name": "Subdomain", "IsAccountConnectorProperty": true}]
	}`), cyclr.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(draft.Questions), "open questions")
	document, err := draft.Definition.Document()
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := definition.Parse("acme.json", document, definition.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := cyclr.ReadAccount(d, "", []byte(`{"AuthValue": "k", "Properties": [{"Name": "Subdomain", "Value": "mycompany"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	connected, err := d.Connect(definition.Connection{Method: account.Method, Values: account.Values})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(connected.BaseURL(context.Background(), ""))
	// Output:
	// 0 open questions
	// https://mycompany.example.com/api <nil>
}

// Export writes a connector for Cyclr, and says what is lost on the way.
func ExampleExport() {
	d, err := definition.Parse("acme.json", []byte(`{
		"connectorauth": 1, "name": "acme", "title": "Acme", "baseUrl": "https://api.example.com",
		"methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"in": "body", "name": "api_key"},
			"inputs": [{"name": "apiKey", "title": "API key", "secret": true}]}],
		"test": {"request": "GET /me", "id": "/id"}
	}`), definition.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	document, lost, err := cyclr.Export(d, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(json.Valid(document))
	for _, text := range lost {
		fmt.Println(text)
	}
	// Output:
	// true
	// methods[0].placement: is more than the name of a header; use a script with before_action
	// test: choose a method of the connector as the Post Install Test Auth Method
}
