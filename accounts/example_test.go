package accounts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// acme starts an API that takes the key k, and returns the definition of the service.
func acme() (*httptest.Server, *definition.Definition, error) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") != "k" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"id": 7, "email": "ada@example.com"}`)
	}))
	d, err := definition.Parse("acme.json", []byte(`{
		"connectorauth": 1, "name": "acme", "baseUrl": "`+api.URL+`",
		"methods": [{"name": "key", "type": "ApiKey", "inputs": [{"name": "apiKey", "title": "API key", "secret": true}],
			"key": "{apiKey}", "placement": {"name": "X-Key"}}],
		"test": {"request": "GET /me", "id": "/id", "label": "{/email}"}
	}`), definition.Options{})
	return api, d, err
}

// newRegistry returns a registry with one definition. Most programs have a SQL for an Index.
func newRegistry(d *definition.Definition) (*accounts.Registry, error) {
	set, err := definition.NewSet(d)
	if err != nil {
		return nil, err
	}
	return accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set },
		Index:       new(accounts.Memory),
		Store:       new(tokenstore.Memory),
		Keys:        []tokenstore.Key{{ID: "2026", Secret: bytes.Repeat([]byte{7}, 32)}}, // 32 random bytes
	})
}

// An account from the form to a request, and to its end.
func Example() {
	api, d, err := acme() // stands for a service and its definition
	if err != nil {
		log.Fatal(err)
	}
	defer api.Close()
	registry, err := newRegistry(d) // see the example of New
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	for _, typed := range []connectorauth.Secret{"wrong", "k"} {
		account, err := registry.Connect(ctx, accounts.Request{
			ID: "first", Owner: "user-17", Definition: "acme", Values: map[string]connectorauth.Secret{"apiKey": typed},
		})
		fmt.Println(account.Status, account.Label, err)
	}
	client, err := registry.Client(ctx, "first")
	if err != nil {
		log.Fatal(err)
	}
	resp, err := client.Get(api.URL + "/orders")
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	fmt.Println(registry.Disconnect(ctx, "first"))
	// Output:
	//   definition: acme: the service refused the credential (status 401); check API key
	// ok ada@example.com <nil>
	// 200 OK
	// false <nil>
}

// A registry needs definitions, an index, a store and keys. A Memory and a
// tokenstore.Memory serve one process, and end with the process.
func ExampleNew() {
	api, d, err := acme() // stands for a service and its definition
	if err != nil {
		log.Fatal(err)
	}
	defer api.Close()
	set, err := definition.NewSet(d)
	if err != nil {
		log.Fatal(err)
	}
	registry, err := accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set },                               // or the Set of a *definition.Folder
		Index:       new(accounts.Memory),                                                // or NewSQL, for several processes
		Store:       new(tokenstore.Memory),                                              // or tokenstore.NewSQL
		Keys:        []tokenstore.Key{{ID: "2026", Secret: bytes.Repeat([]byte{7}, 32)}}, // 32 random bytes
	})
	if err != nil {
		log.Fatal(err) // names every field that is wrong
	}

	request := accounts.Request{
		Owner: "user-17", Definition: "acme", Values: map[string]connectorauth.Secret{"apiKey": "k"},
	}
	first, err := registry.Connect(context.Background(), request)
	if err != nil {
		log.Fatal(err)
	}
	_, err = registry.Connect(context.Background(), request) // an owner has each account once
	var duplicate *accounts.DuplicateError
	fmt.Println(first.Label, errors.As(err, &duplicate))
	// Output: ada@example.com true
}

// A program that keeps the ID before the account is connected makes the ID itself.
func ExampleNewID() {
	id := accounts.NewID()
	fmt.Println(len(id), "characters, version", id[14:15])
	// Output: 36 characters, version 7
}
