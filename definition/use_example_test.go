package definition_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing/fstest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// A service that knows one key.
var acmeAPI = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Key") != "k" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	fmt.Fprint(w, `{"id": 7, "email": "ada@example.com"}`)
}))

// From a file to an account that works, and back from what the program has kept.
func Example_account() {
	acmeAPI.Start()
	defer acmeAPI.Close()
	set, err := definition.Load(fstest.MapFS{"acme.json": {Data: []byte(`{
		"connectorauth": 1, "name": "acme", "baseUrl": "` + acmeAPI.URL + `",
		"methods": [{"name": "key", "type": "ApiKey",
			"inputs": [{"name": "apiKey", "title": "API key", "secret": true}, {"name": "team", "default": "sales"}],
			"key": "{apiKey}", "placement": {"name": "X-Key"}}],
		"test": {"request": "GET /me", "id": "/id", "label": "{/email}"}
	}`)}}, definition.Options{}, "*.json")
	if err != nil {
		fmt.Println(err) // every mistake of every file
		return
	}
	d, err := set.Lookup("acme")
	if err != nil {
		fmt.Println(err)
		return
	}
	fields, err := d.Form("key", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range fields {
		fmt.Println(f.Title, f.Value, f.Required())
	}

	for _, typed := range []connectorauth.Secret{"wrong", "k"} {
		account, err := d.Connect(definition.Connection{Method: "key", Values: map[string]connectorauth.Secret{"apiKey": typed}})
		if err != nil {
			fmt.Println(err)
			return
		}
		identity, err := account.Check(context.Background(), nil)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(identity.ID, identity.Label)
		kept := account.Account() // Encode writes the account for a store
		fmt.Printf("%+v\n", kept)
		again, err := set.Connect(kept, definition.Connection{})
		fmt.Println(again.Connector(), err)
	}
	// Output:
	// API key  true
	// team sales false
	// definition: acme: the service refused the credential (status 401); check API key
	// 7 ada@example.com
	// {Definition:acme Revision:1 Method:key Values:map[team:sales] Secrets:map[apiKey:[redacted]] Scopes:[] Server:<nil>}
	// connectorauth.APIKey <nil>
}

func ExampleLoad() {
	_, err := definition.Load(fstest.MapFS{
		"acme.json": {Data: []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "a", "type": "None"}]}`)},
		"beta.json": {Data: []byte(`{"connectorauth": 1, "name": "beta", "baseUrl": "https://api.example.com", "methods": [{"name": "a", "type": "Non"}]}`)},
		"copy.json": {Data: []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "a", "type": "None"}]}`)},
	}, definition.Options{}, "*.json")
	fmt.Println(err)
	// Output:
	// beta.json:1:110: methods[0].type: "Non" is none of ApiKey, Basic, AuthFields, OAuth1, OAuth2, Session, JWT, None; did you mean None?
	// copy.json:1:30: name: "acme", revision 1, is there twice: see acme.json
}

func ExampleFolder() {
	files := fstest.MapFS{"acme.json": {Data: []byte(`{"connectorauth": 1, "name": "acme", "title": "Acme", "baseUrl": "https://api.example.com", "methods": [{"name": "a", "type": "None"}]}`)}}
	folder, err := definition.NewFolder(definition.FolderConfig{
		Files: files, Patterns: []string{"*.json"}, // os.DirFS("definitions")
		Observe: func(err error) { fmt.Println("changed:", err) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	files["acme.json"] = &fstest.MapFile{Data: []byte(`{"connectorauth": 1,`)}
	folder.Reload() // or Set, which notices by itself
	for _, d := range folder.Set().Definitions() {
		fmt.Println(d.Title)
	}
	// Output:
	// changed: acme.json:1:21: the document ends too early
	// Acme
}

func ExampleConnected_Merge() {
	d, err := definition.Parse("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://{subdomain}.example.com",
		"inputs": [{"name": "subdomain", "format": "label"}], "methods": [{"name": "a", "type": "None"}]}`), definition.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := d.Connect(definition.Connection{Values: map[string]connectorauth.Secret{"subdomain": "mycompany"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(account.Merge("Orders of {{subdomain}}"))
	fmt.Println(account.Merge("Orders of {{Subdomian}}"))
	// Output:
	// Orders of mycompany <nil>
	//  definition: acme: Merge: byte 10: "Subdomian" is no input of method a; did you mean subdomain?
}
