package digestauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/digestauth"
)

// orders starts a server that asks for Digest, and prints what of the credentials is no secret.
func orders() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		credentials := r.Header.Get("Authorization")
		if credentials == "" {
			w.Header().Set("WWW-Authenticate", `Digest realm="orders", qop="auth", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Println(strings.Contains(credentials, `username="user"`), strings.Contains(credentials, "nc=00000001"))
	}))
}

// The first request brings the challenge, and is sent again with credentials.
func ExampleNew() {
	server := orders()
	defer server.Close()

	connector, err := digestauth.New(digestauth.Config{Username: "user", Password: "password"})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := connectorauth.NewClient(connector, server.Client()).Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// true true
	// 200 OK
}

// A definition whose accounts bring a user name and a password for Digest.
func ExampleKind() {
	server := orders()
	defer server.Close()
	d, err := definition.Parse("acme.json", []byte(`{
		"connectorauth": 1, "name": "acme", "baseUrl": "`+server.URL+`",
		"methods": [{"name": "digest", "type": "Digest", "username": "{user}", "password": "{password}",
			"inputs": [{"name": "user"}, {"name": "password", "secret": true}]}]
	}`), definition.Options{Kinds: []definition.Kind{digestauth.Kind()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := d.Connect(definition.Connection{Values: map[string]connectorauth.Secret{"user": "user", "password": "p"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := connectorauth.NewClient(account.Connector(), nil).Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// true true
	// 200 OK
}
