package pages

import (
	"strconv"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// A value that was given as a secret is one, also if the definition has changed its mind.
func TestFormsShowNothingThatWasASecret(t *testing.T) {
	d, err := definition.Parse("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "methods": [{"name": "key", "type": "ApiKey", "baseUrl": "https://api.acme.example",
		"key": "{apiKey}", "placement": {"name": "X-Api-Key"}, "inputs": [{"name": "apiKey", "title": "API key"}]}]}`), definition.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := formOf(d, &d.Methods[0], nil, definition.Account{Definition: "acme", Method: "key", Secrets: map[string]connectorauth.Secret{"apiKey": "CANARY"}})
	if err != nil || len(f.Fields) != 1 {
		t.Fatal(f, err)
	}
	if field := f.Fields[0]; field.Value != "" || !field.Secret || !field.Stored || field.Required {
		t.Fatalf("%+v", field)
	}
}

// A choice that is gone is no other choice: browsers would show, and send, the first.
func TestAChoiceThatIsGoneIsAskedAgain(t *testing.T) {
	d, err := definition.Parse("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "inputs": [{"name": "region", "title": "Region", "enum": ["eu", "us"]}],
		"methods": [{"name": "key", "type": "ApiKey", "baseUrl": "https://{region}.acme.example", "key": "{apiKey}", "placement": {"name": "X-Api-Key"},
		"inputs": [{"name": "apiKey", "secret": true}]}]}`), definition.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for region, want := range map[string]string{"us": "us", "mars": ""} {
		f, err := formOf(d, &d.Methods[0], nil, definition.Account{Definition: "acme", Method: "key", Values: map[string]string{"region": region}})
		if err != nil || f.Fields[0].Value != want {
			t.Fatal(f, err)
		}
		f.Fields[0].show("mars")
		if f.Fields[0].Value != "" {
			t.Fatal(f)
		}
	}
}

// A program with many owners does not remember without end.
func TestOffersAreBounded(t *testing.T) {
	var o offers
	m := new(definition.Method)
	for i := range maxOffers + 1 {
		o.put(offer{strconv.Itoa(i), m}, true)
		if len(o.known) > maxOffers {
			t.Fatal(i)
		}
	}
	if ready, known := o.get(offer{strconv.Itoa(maxOffers), m}); !ready || !known {
		t.Fatal("the last answer is gone")
	}
}
