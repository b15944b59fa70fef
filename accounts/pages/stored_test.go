package pages

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

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

// Where the memory is full, the answers that count no more make room for those that do. Where most
// answers count, there would be little room, so all go.
func TestOffersThatCountStay(t *testing.T) {
	for fresh, want := range map[int]int{maxOffers / 4: maxOffers/4 + 2, maxOffers / 2: 1} {
		synctest.Test(t, func(t *testing.T) {
			var o offers
			m := new(definition.Method)
			fill := func(kind string, n int) {
				for i := range n {
					o.put(offer{kind + strconv.Itoa(i), m}, true)
				}
			}
			fill("first", 1)
			time.Sleep(offerTime / 2)
			fill("old", maxOffers-fresh-1)
			time.Sleep(offerTime / 2)
			fill("new", fresh) // with the first of which "first" goes
			time.Sleep(offerTime / 2)
			fill("last", 2) // with the second of which the memory is full
			if len(o.known) != want {
				t.Fatal(fresh, len(o.known))
			}
			if _, known := o.get(offer{"new0", m}); known != (want > 1) {
				t.Fatal(fresh, known)
			}
			if ready, known := o.get(offer{"last1", m}); !ready || !known {
				t.Fatal(fresh, "the last answer is gone")
			}
		})
	}
}

// Answers about a few methods go too, and with them the methods of former definitions.
func TestOffersOfBeforeGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o offers
		for range 3 {
			o.put(offer{"o1", new(definition.Method)}, true)
			time.Sleep(2 * offerTime)
		}
		if len(o.known) != 1 {
			t.Fatal(len(o.known))
		}
	})
}
