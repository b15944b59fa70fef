package definition_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// startAcme starts a service that knows one key, and returns its definition.
func startAcme() (*httptest.Server, *definition.Definition, error) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") != "k" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"id": 7, "email": "ada@example.com"}`)
	}))
	d, err := definition.Parse("acme.json", []byte(`{
		"connectorauth": 1, "name": "acme", "baseUrl": "`+api.URL+`",
		"methods": [{"name": "key", "type": "ApiKey",
			"inputs": [{"name": "apiKey", "title": "API key", "secret": true}, {"name": "team", "default": "sales"}],
			"key": "{apiKey}", "placement": {"name": "X-Key"}}],
		"test": {"request": "GET /me", "id": "/id", "label": "{/email}"}
	}`), definition.Options{})
	return api, d, err
}

// What to ask of the account owner, and whether the values work.
func Example_account() {
	api, d, err := startAcme()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer api.Close()
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
		fmt.Println(account.Check(context.Background(), nil))
	}
	// Output:
	// API key  true
	// team sales false
	// { } definition: acme: the service refused the credential (status 401); check API key
	// {7 ada@example.com} <nil>
}

// A program keeps what an account has given, and connects the account again after a restart.
func ExampleNewSet() {
	api, d, err := startAcme()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer api.Close()
	account, err := d.Connect(definition.Connection{Values: map[string]connectorauth.Secret{"apiKey": "k"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := account.Account().Encode() // has the secrets: for a store that is sealed
	if err != nil {
		fmt.Println(err)
		return
	}

	set, err := definition.NewSet(d) // the definitions of the program
	if err != nil {
		fmt.Println(err)
		return
	}
	kept, err := definition.DecodeAccount(text)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", kept)
	again, err := set.Connect(kept, definition.Connection{})
	fmt.Println(again.Connector(), err)
	// Output:
	// {Definition:acme Revision:1 Method:key Values:map[team:sales] Secrets:map[apiKey:[redacted]] Scopes:[] Server:<nil>}
	// connectorauth.APIKey <nil>
}

// Status, Renew, Revoke and the consent are methods of the credential's own type.
func ExampleConnected_Credential() {
	d, err := definition.Parse("acme.json", []byte(`{
		"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com",
		"methods": [{"name": "oauth", "type": "OAuth2", "tokenUrl": "https://login.example.com/token",
			"grant": {"authorizationCode": {"authUrl": "https://login.example.com/authorize"}}}]
	}`), definition.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := d.Connect(definition.Connection{Client: definition.Client{ID: "client", Secret: "secret"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	oauth, ok := account.Credential().(*connectorauth.OAuth2)
	if !ok {
		return
	}
	status, err := oauth.Status(context.Background())
	fmt.Println(status.State, err)
	authURL, _, err := oauth.Begin(context.Background(), "http://127.0.0.1:8080/callback")
	fmt.Println(strings.HasPrefix(authURL, "https://login.example.com/authorize?"), err)
	// Output:
	// not_connected <nil>
	// true <nil>
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
