package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
)

// A path is a kind of request whose instructions are counted.
type path struct {
	name      string
	n         int // requests of the shorter of the two runs: some hundred million instructions
	connector func() (connectorauth.Connector, error)
	header    map[string]string // beside three headers of each request
	body      []byte            // or nil for a GET
}

// paths are the hottest paths of the library.
var paths = []path{
	{name: "bearer", n: 40_000, connector: func() (connectorauth.Connector, error) { return bearer() }},
	{name: "bearer with hosts", n: 40_000, connector: func() (connectorauth.Connector, error) { return bearer("login.example.com", "api.example.com") }},
	{name: "API key", n: 40_000, connector: key(connectorauth.APIKeyConfig{Prefix: "Bearer "})},
	{name: "API key in the query", n: 20_000, connector: key(connectorauth.APIKeyConfig{In: dialect.InQuery, Name: "api_key"})},
	{
		name: "API key in a cookie", n: 20_000, header: map[string]string{"Cookie": "theme=dark"},
		connector: key(connectorauth.APIKeyConfig{In: dialect.InCookie, Name: "api_key"}),
	},
	{
		name: "API key in a form", n: 10_000, header: form, body: []byte("file=vacation.jpg&size=original"),
		connector: key(connectorauth.APIKeyConfig{In: dialect.InBody, Name: "api_key"}),
	},
	{name: "an empty hook", n: 20_000, connector: func() (connectorauth.Connector, error) {
		c, err := key(connectorauth.APIKeyConfig{Prefix: "Bearer "})()
		if err != nil {
			return nil, err
		}
		return connectorauth.WithHooks(c, connectorauth.Hooks{BeforeRequest: func(*connectorauth.Exchange) error { return nil }}), nil
	}},
	{name: "OAuth1 HMAC-SHA1", n: 8_000, connector: func() (connectorauth.Connector, error) {
		return connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "client", ClientSecret: "secret", Token: "token", TokenSecret: "secret"})
	}},
	{name: "fields into JSON", n: 10_000, connector: fields, header: object, body: orders(1)},
	{name: "fields into 57 kB of JSON", n: 100, connector: fields, header: object, body: orders(285)},
}

const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"

// The headers of requests with a body.
var (
	form   = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	object = map[string]string{"Content-Type": "application/json"}
)

// key returns a function that makes a connector with the API key token.
func key(config connectorauth.APIKeyConfig) func() (connectorauth.Connector, error) {
	config.Key = token
	return func() (connectorauth.Connector, error) { return connectorauth.NewAPIKey(config) }
}

// bearer returns a connector with an OAuth2 token that lives.
func bearer(hosts ...string) (connectorauth.Connector, error) {
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token",
		Grant: connectorauth.ClientCredentials{}, Hosts: hosts,
	})
	if err != nil {
		return nil, err
	}
	return c, c.SetToken(context.Background(), &oauth2.Token{AccessToken: token, Expiry: time.Now().Add(time.Hour)})
}

// fields returns a connector that puts two fields into each body.
func fields() (connectorauth.Connector, error) {
	return connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
		Fields: []connectorauth.AuthField{{Key: "user_token", Value: "secret"}, {Key: "company_id", Type: dialect.FieldInteger, Value: "4711"}},
	})
}

// orders returns a JSON object of n orders, about 200 bytes each.
func orders(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"orders": [`)
	for i := range n {
		if i > 0 {
			b.WriteString(",\n  ")
		}
		fmt.Fprintf(&b, `{"id": %d, "sku": "A-%05d", "title": "Blue \"mountain\" caf\u00e9 mug", "price": 12.50, `, i, i)
		b.WriteString(`"tags": ["mug", "blue", "kitchen"], "address": {"city": "Zürich", "zip": "8000", "note": null}, "gift": false}`)
	}
	b.WriteString(`], "total": 3.75e3}`)
	return b.Bytes()
}

// wire is a base RoundTripper without a network: a request costs one response, and the
// reading of the body.
type wire struct{}

func (wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
		req.Body.Close()
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
}

// sender returns a function that sends one request of the path through base.
func (p path) sender(base http.RoundTripper) (func() error, error) {
	c, err := p.connector()
	if err != nil {
		return nil, err
	}
	rt := c.Wrap(base)
	req, err := http.NewRequest("GET", "https://api.example.com/v1/photos?file=vacation.jpg&size=original&page=2", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "benchmark")
	req.Header.Set("X-Request-Id", "0123456789abcdef")
	for name, value := range p.header {
		req.Header.Set(name, value)
	}
	if p.body != nil {
		req.Method = "POST"
		req.ContentLength = int64(len(p.body))
	}
	return func() error {
		if p.body != nil {
			req.Body = io.NopCloser(bytes.NewReader(p.body))
		}
		_, err := rt.RoundTrip(req)
		return err
	}, nil
}

// send sends n requests of the named path.
func send(name string, n int) {
	for _, p := range paths {
		if !strings.EqualFold(p.name, name) {
			continue
		}
		once, err := p.sender(wire{})
		for range n {
			if err == nil {
				err = once()
			}
		}
		if err != nil {
			log.Fatal(err)
		}
		return
	}
	log.Fatalf("there is no path %q", name)
}
