package discovery_test

import (
	"context"
	"fmt"
	"log"
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

// newAccount returns an account at a provider where the program registers itself.
func newAccount(p *authtest.Provider) (*discovery.Account, error) {
	store := new(tokenstore.Memory)                                        // a database in a program
	finder, err := discovery.New(discovery.Config{HTTPClient: p.Client()}) // empty in a program: public addresses only
	if err != nil {
		return nil, err
	}
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: store,
		Keys:    []tokenstore.Key{{ID: "2026", Secret: []byte("32 random bytes, and not these..")}}, // from the program's secrets
		Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "Acme"}},
	})
	if err != nil {
		return nil, err
	}
	return discovery.NewAccount(discovery.AccountConfig{
		Finder: finder, Registrar: registrar, Issuer: p.URL,
		OAuth2: connectorauth.OAuth2Config{Store: store, Account: "alice"},
	})
}

// A client that registers itself, at a server that is known by its issuer alone. Package
// consent does Begin and Finish in a web application: an Account is a consent.Flow.
func ExampleAccount() {
	ctx := context.Background()
	p := authtest.New(authtest.Config{}) // stands for the provider
	defer p.Close()
	account, err := newAccount(p) // see the example of NewAccount
	if err != nil {
		fmt.Println(err)
		return
	}
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

// The registration happens at the first consent, once for all accounts at the server.
func ExampleNewAccount() {
	p := authtest.New(authtest.Config{}) // stands for the provider
	defer p.Close()
	store := new(tokenstore.Memory)                                        // a database in a program
	finder, err := discovery.New(discovery.Config{HTTPClient: p.Client()}) // empty in a program: public addresses only
	if err != nil {
		log.Fatal(err)
	}
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: store,
		Keys:    []tokenstore.Key{{ID: "2026", Secret: []byte("32 random bytes, and not these..")}}, // from the program's secrets
		Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "Acme"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"alice", "bob"} {
		account, err := discovery.NewAccount(discovery.AccountConfig{
			Finder: finder, Registrar: registrar, Issuer: p.URL,
			OAuth2: connectorauth.OAuth2Config{Store: store, Account: name},
		})
		if err != nil {
			log.Fatal(err)
		}
		if _, _, err := account.Begin(context.Background(), "http://127.0.0.1:8080/callback"); err != nil {
			log.Fatal(err)
		}
		fmt.Println(name, p.Stats().Registrations)
	}
	// Output:
	// alice 1
	// bob 1
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
