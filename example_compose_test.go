package connectorauth_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/egress"
)

// The gateway of the service wants a key, and the API behind the gateway a token.
func ExampleJoin() {
	p := authtest.New(authtest.Config{})
	defer p.Close()

	key, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "gateway", Name: "Ocp-Apim-Subscription-Key"})
	if err != nil {
		log.Fatal(err)
	}
	token, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.ClientCredentials{},
	})
	if err != nil {
		log.Fatal(err)
	}
	both, err := connectorauth.Join(key, token)
	if err != nil {
		log.Fatal(err) // two credentials for one place
	}
	resp, err := connectorauth.NewClient(both, nil).Get(p.BearerURL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, p.Requests(p.BearerURL)[0].Header["Ocp-Apim-Subscription-Key"])
	// Output: 200 [gateway]
}

// The account owner has typed the address of the service, so requests go through a guard,
// whatever client the rest of the program makes.
func ExampleWithBase() {
	guard, err := egress.New(egress.Config{})
	if err != nil {
		log.Fatal(err)
	}
	key, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "secret"})
	if err != nil {
		log.Fatal(err)
	}
	connector := connectorauth.WithBase(key, func(http.RoundTripper) http.RoundTripper { return guard })

	_, err = connectorauth.NewClient(connector, nil).Get("https://169.254.169.254/latest/meta-data/")
	var refused *egress.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Host, refused.Reason)
	}
	// Output: 169.254.169.254 leads to a metadata service
}

// The service has a host for each region, and says at the login where the account is. No
// other region sees the credential.
func ExampleWithHosts() {
	service := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	eu, us := httptest.NewServer(service), httptest.NewServer(service)
	defer eu.Close()
	defer us.Close()

	key, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "secret", Hosts: []string{eu.URL, us.URL}})
	if err != nil {
		log.Fatal(err)
	}
	connector := connectorauth.WithHosts(key, func(context.Context) ([]string, error) {
		return []string{eu.URL}, nil // a program reads the account's region
	})
	client := connectorauth.NewClient(connector, nil)
	resp, err := client.Get(eu.URL)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	_, err = client.Get(us.URL)
	fmt.Println(resp.StatusCode, errors.Is(err, connectorauth.ErrHostNotAllowed))
	// Output: 200 true
}
