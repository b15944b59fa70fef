package catalog_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/catalog"
	"github.com/connectorauth/connectorauth/definition"
)

// service is a service within the program: examples reach no network.
type service func(*http.Request) string

func (s service) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(s(r))), Request: r}, nil
}

func ExampleFind() {
	network := &http.Client{Transport: service(func(r *http.Request) string {
		return fmt.Sprintf("%s %s with %s", r.Method, r.URL, r.Header.Get("Authorization"))
	})}

	stripe, err := catalog.Find("stripe", catalog.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := stripe.Connect(definition.Connection{Method: "key", Values: map[string]connectorauth.Secret{"apiKey": "sk_1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := connectorauth.NewClient(account.Connector(), network)
	resp, err := client.Get("https://api.stripe.com/v1/account")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	fmt.Println(string(text))
	// Output: GET https://api.stripe.com/v1/account with Bearer sk_1
}

func ExampleSearch() {
	for _, service := range catalog.Search("zendesk", catalog.Options{}) {
		fmt.Println(service.Name, service.BaseURL, service.Types)
	}
	// Output: zendesk https://{subdomain}.zendesk.com [OAuth2 Basic]
}

// A search that finds nothing on the first shelf may find a draft, which has one witness.
func ExampleSearch_drafts() {
	found := catalog.Search("pushover", catalog.Options{})
	if len(found) == 0 {
		found = catalog.Search("pushover", catalog.Options{Drafts: true})
	}
	for _, service := range found {
		fmt.Println(service.Title, "is a draft:", service.Draft)
	}
	// Output: Pushover is a draft: true
}

func ExampleByHost() {
	for _, service := range catalog.ByHost("https://acme.zendesk.com/api/v2/tickets", catalog.Options{}) {
		fmt.Println(service.Title)
	}
	// Output: Zendesk
}

// The services of the first shelf, for a page of a program.
func ExampleList() {
	services := catalog.List(catalog.Options{})
	fmt.Println(len(services) > 250, slices.IsSortedFunc(services, func(a, b catalog.Entry) int { return strings.Compare(a.Name, b.Name) }))
	// Output: true true
}

// All definitions at once, for the Definitions of an accounts.Registry. A program keeps the
// Set.
func ExampleLoad() {
	set, err := catalog.Load(catalog.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	stripe, err := set.Lookup("stripe")
	if err != nil {
		fmt.Println(err)
		return
	}
	fields, err := stripe.Form("key", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, field := range fields {
		fmt.Println(field.Name, field.Title)
	}
	// Output: apiKey API key
}
