package pages_test

import (
	"bytes"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/pages"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// newRegistry returns the registry of a program that connects accounts of a single service.
func newRegistry() (*accounts.Registry, error) {
	acme, err := definition.Parse("acme.json", []byte(`{
		"connectorauth": 1, "name": "acme", "title": "Acme", "baseUrl": "https://api.acme.example",
		"methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "inputs": [{"name": "apiKey", "title": "API key", "secret": true}]}]
	}`), definition.Options{})
	if err != nil {
		return nil, err
	}
	set, err := definition.NewSet(acme)
	if err != nil {
		return nil, err
	}
	return accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set }, Index: new(accounts.Memory), Store: new(tokenstore.Memory),
		Keys: []tokenstore.Key{{ID: "2026", Secret: bytes.Repeat([]byte{7}, 32)}},
	})
}

// The pages are for people who are signed in, and so is the JSON API, which is asked here for
// a service.
func ExampleNew() {
	registry, err := newRegistry() // see package accounts
	if err != nil {
		log.Fatal(err)
	}
	handler, err := pages.New(pages.Config{
		URL:      "https://app.example/accounts",
		Keys:     []connectorauth.Secret{connectorauth.Secret(bytes.Repeat([]byte{7}, 32))}, // 32 random bytes
		Registry: registry,
		Owner: func(r *http.Request) (string, error) { // who is signed in
			user, _, ok := r.BasicAuth()
			if !ok {
				return "", consent.ErrNotAllowed
			}
			return user, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/accounts/", handler)

	r := httptest.NewRequest(http.MethodGet, "https://app.example/accounts/api/services?q=acm", nil)
	for range 2 {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
		r.SetBasicAuth("ada", "password") // the person signs in
	}
	// Output:
	// 403 {"reason":"not_allowed","message":"Sign in first, then try again."}
	// 200 {"services":[{"name":"acme","title":"Acme","methods":[{"name":"key","title":"key","default":true}]}],"more":false}
}

// A program speaks French: the texts of English say what there is to translate, and an
// absent text is English.
func ExampleEnglish() {
	english := pages.English()
	fmt.Println(english["connect.to"])
	french := pages.Messages{"connect.to": "Connecter [{service}|un compte]"}
	config := pages.Config{Messages: map[string]pages.Messages{"fr": french}}
	fmt.Println(len(config.Messages["fr"]), "of many texts are translated:", len(english) > 100)
	// Output:
	// Connect [{service}|an account]
	// 1 of many texts are translated: true
}
