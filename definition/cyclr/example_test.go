package cyclr_test

import (
	"context"
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
