package accounts_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// An account from the form to a request, and to its end.
func Example() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") != "k" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"id": 7, "email": "ada@example.com"}`)
	}))
	defer api.Close()
	d, err := definition.Parse("acme.json", []byte(`{
		"connectorauth": 1, "name": "acme", "baseUrl": "`+api.URL+`",
		"methods": [{"name": "key", "type": "ApiKey", "inputs": [{"name": "apiKey", "title": "API key", "secret": true}],
			"key": "{apiKey}", "placement": {"name": "X-Key"}}],
		"test": {"request": "GET /me", "id": "/id", "label": "{/email}"}
	}`), definition.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := definition.NewSet(d)
	if err != nil {
		fmt.Println(err)
		return
	}
	registry, err := accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set },
		Index:       new(accounts.Memory),
		Store:       new(tokenstore.Memory),
		Keys:        []tokenstore.Key{{ID: "2026", Secret: bytes.Repeat([]byte{7}, 32)}}, // 32 random bytes
	})
	if err != nil {
		fmt.Println(err)
		return
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
		fmt.Println(err)
		return
	}
	resp, err := client.Get(api.URL + "/orders")
	if err != nil {
		fmt.Println(err)
		return
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
