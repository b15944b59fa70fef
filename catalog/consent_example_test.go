package catalog_test

import (
	"context"
	"fmt"
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

// A test leads a consent at a service, and the requests after the consent, to a provider in
// memory. The definition stays as it is.
func Example_consent() {
	provider := authtest.New(authtest.Config{InMemory: true, TLS: true, ClientID: "mine"})
	defer provider.Close()
	own := func(address string) *url.URL { u, _ := url.Parse(address); return u }
	client := &http.Client{Transport: lead{
		paths: map[string]string{"/oauth/v1/token": own(provider.TokenURL).Path, "/account-info/v3/details": own(provider.BearerURL).Path},
		base:  provider.Client().Transport,
	}}

	hubspot, err := catalog.Find("hubspot", catalog.Options{Scopes: []string{"oauth", "crm.objects.contacts.read"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := hubspot.Connect(definition.Connection{
		Client:     definition.Client{ID: "mine", Secret: connectorauth.Secret(provider.ClientSecret)},
		HTTPClient: client, // for tokens
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	oauth := account.Credential().(*connectorauth.OAuth2)
	browser, pending, err := oauth.Begin(ctx, "http://127.0.0.1:8080/callback")
	if err != nil {
		fmt.Println(err)
		return
	}
	at := own(browser)
	fmt.Println(at.Host, at.Query().Get("scope"))
	callback, err := provider.Authorize(provider.AuthURL + "?" + at.RawQuery) // the account owner presses Allow
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := oauth.Finish(ctx, pending, callback.Query()); err != nil {
		fmt.Println(err)
		return
	}
	resp, err := connectorauth.NewClient(account.Connector(), client).Get("https://api.hubapi.com/account-info/v3/details")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// app.hubspot.com oauth crm.objects.contacts.read
	// 200 OK
}
