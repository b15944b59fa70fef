package catalog_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/url"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/catalog"
	"github.com/connectorauth/connectorauth/definition"
)

// lead changes the path of each request: the provider has paths of its own.
type lead struct {
	paths map[string]string // the provider's, by the service's
	base  http.RoundTripper
}

func (l lead) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Path = l.paths[r.URL.Path]
	return l.base.RoundTrip(r)
}

// hubspotAt returns a client that leads the requests of the service to the provider.
func hubspotAt(p *authtest.Provider) *http.Client {
	path := func(address string) string { u, _ := url.Parse(address); return u.Path }
	return &http.Client{Transport: lead{
		paths: map[string]string{"/oauth/v1/token": path(p.TokenURL), "/account-info/v3/details": path(p.BearerURL)},
		base:  p.Client().Transport,
	}}
}

// authorize is the account owner, who presses Allow at the provider.
func authorize(p *authtest.Provider, authURL string) (callback *url.URL, err error) {
	u, err := url.Parse(authURL)
	if err != nil {
		return nil, err
	}
	fmt.Println(u.Host, u.Query().Get("scope"))
	return p.Authorize(p.AuthURL + "?" + u.RawQuery)
}

// A test leads a consent at a service, and the requests after the consent, to a provider in
// memory. The definition stays as it is.
func Example_consent() {
	provider := authtest.New(authtest.Config{InMemory: true, TLS: true, ClientID: "mine"})
	defer provider.Close()
	client := hubspotAt(provider)

	hubspot, err := catalog.Find("hubspot", catalog.Options{Scopes: []string{"oauth", "crm.objects.contacts.read"}})
	if err != nil {
		log.Fatal(err)
	}
	account, err := hubspot.Connect(definition.Connection{
		Client: definition.Client{ID: "mine", Secret: connectorauth.Secret(provider.ClientSecret)}, HTTPClient: client,
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, oauth := context.Background(), account.Credential().(*connectorauth.OAuth2)
	authURL, pending, err := oauth.Begin(ctx, "http://127.0.0.1:8080/callback")
	if err != nil {
		log.Fatal(err)
	}
	callback, err := authorize(provider, authURL)
	if err != nil {
		log.Fatal(err)
	}
	if err := oauth.Finish(ctx, pending, callback.Query()); err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(account.Connector(), client).Get("https://api.hubapi.com/account-info/v3/details")
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// app.hubspot.com oauth crm.objects.contacts.read
	// 200 OK
}
