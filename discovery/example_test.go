package discovery_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A client that is registered by hand: the metadata complete the config.
func ExampleFinder_Server() {
	p := authtest.New(authtest.Config{}) // stands for the provider
	defer p.Close()
	finder, err := discovery.New(discovery.Config{HTTPClient: p.Client()}) // empty in a program: public addresses only
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := finder.Server(context.Background(), p.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	config := connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), Grant: connectorauth.ClientCredentials{},
	}
	if err := server.Fill(&config); err != nil {
		fmt.Println(err)
		return
	}
	connector, err := connectorauth.NewOAuth2(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := connectorauth.NewClient(connector, p.Client()).Get(p.BearerURL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

// A client that registers itself, at a server that is known by its issuer alone.
func ExampleAccount() {
	ctx := context.Background()
	p := authtest.New(authtest.Config{}) // stands for the provider
	defer p.Close()
	store := new(tokenstore.Memory)                                                            // a database in a program
	keys := []tokenstore.Key{{ID: "2026", Secret: []byte("32 random bytes, and not these..")}} // from the program's secrets

	finder, err := discovery.New(discovery.Config{HTTPClient: p.Client()})
	if err != nil {
		fmt.Println(err)
		return
	}
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: store, Keys: keys,
		Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "Acme"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := discovery.NewAccount(discovery.AccountConfig{
		Finder: finder, Registrar: registrar, Issuer: p.URL,
		OAuth2: connectorauth.OAuth2Config{Store: store, Account: "alice"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	// Package consent does the following in a web application: an Account is a consent.Flow.
	authURL, pending, err := account.Begin(ctx, "http://127.0.0.1:8080/callback")
	if err != nil {
		fmt.Println(err)
		return
	}
	callback, err := p.Authorize(authURL) // the person, in the browser
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := account.Finish(ctx, pending, callback.Query()); err != nil {
		fmt.Println(err)
		return
	}

	connector, err := account.Connector(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := connectorauth.NewClient(connector, p.Client()).Get(p.BearerURL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

// The API says where its metadata are, and the metadata say who issues tokens.
func ExampleFinder_Resource() {
	p := authtest.New(authtest.Config{}) // stands for the API and its authorization server
	defer p.Close()
	resp, err := p.Client().Get(p.BearerURL) // 401
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	finder, err := discovery.New(discovery.Config{HTTPClient: p.Client()})
	if err != nil {
		fmt.Println(err)
		return
	}
	resource, err := finder.Resource(context.Background(), p.BearerURL, resp)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resource.Resource == p.BearerURL, resource.AuthorizationServers[0] == p.URL, resource.ScopesSupported)
	// Output: true true [read write]
}

func ExampleNewClientDocument() {
	document, err := discovery.NewClientDocument("https://app.example.com/oauth/client.json", discovery.ClientMetadata{
		ClientName:   "Acme",
		RedirectURIs: []string{"https://app.example.com/connect/callback"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	http.Handle("/oauth/client.json", document)
	config := connectorauth.OAuth2Config{ClientID: document.ClientID()}
	fmt.Println(config.ClientID)
	// Output: https://app.example.com/oauth/client.json
}
