package catalog_test

import (
	"fmt"

	"github.com/connectorauth/connectorauth/catalog"
	"github.com/connectorauth/connectorauth/definition"
)

// A program changes what it knows better, here a URL, and parses the changed document. The
// document in a file of the program pins the definition: a later catalogue changes nothing.
func Example_change() {
	d, err := catalog.Find("hubspot", catalog.Options{Scopes: []string{"oauth", "tickets"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	oauth := d.Methods[0].Scheme.(*definition.OAuth2)
	oauth.TokenURL = "https://api.hubapi.com/oauth/2026-03/token"
	oauth.FormerTokenURL = "https://api.hubapi.com/oauth/v1/token" // accounts keep their tokens
	document, err := d.Document()
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err = definition.Parse("hubspot.json", document, definition.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := definition.NewSet(d) // for accounts.Config.Definitions
	if err != nil {
		fmt.Println(err)
		return
	}
	mine, err := set.Lookup("hubspot")
	if err != nil {
		fmt.Println(err)
		return
	}
	oauth = mine.Methods[0].Scheme.(*definition.OAuth2)
	fmt.Println(oauth.TokenURL, oauth.Scopes[1].Name)
	// Output: https://api.hubapi.com/oauth/2026-03/token tickets
}
