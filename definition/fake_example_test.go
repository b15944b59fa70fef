package definition_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
)

// A test leads all hosts of a definition to a server of its own, and changes no URL.
func Example_fake() {
	fake := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"id": 7, "name": "`+r.Host+`"}`)
	}))
	defer fake.Close()
	transport := fake.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, fake.Listener.Addr().String())
	}
	transport.TLSClientConfig.ServerName = "example.com" // which the certificate of the server names
	client := &http.Client{Transport: transport}

	d, err := definition.Parse("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://{shop}.acme.test",
		"inputs": [{"name": "shop", "format": "label"}], "methods": [{"name": "open", "type": "None"}],
		"test": {"request": "GET /me", "id": "/id", "label": "{/name}"}}`), definition.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := d.Connect(definition.Connection{
		Values:     map[string]connectorauth.Secret{"shop": "books"},
		HTTPClient: client, // for tokens and logins
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(account.Check(context.Background(), client)) // and the same client for requests
	// Output: {7 books.acme.test} <nil>
}
