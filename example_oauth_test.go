package connectorauth_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// The account owner consents once; requests are signed from then on.
func ExampleNewOAuth1() {
	p := authtest.New(authtest.Config{TLS: true})
	defer p.Close()
	ctx := context.Background()

	connector, err := connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret),
		RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL,
		HTTPClient: p.Client(),
	})
	if err != nil {
		log.Fatal(err)
	}
	authURL, pending, err := connector.Begin(ctx, "http://127.0.0.1:8080/callback")
	if err != nil {
		log.Fatal(err)
	}
	callback, err := p.Authorize(authURL) // in place of the account owner's browser
	if err != nil {
		log.Fatal(err)
	}
	if err := connector.Finish(ctx, pending, callback.Query()); err != nil {
		log.Fatal(err)
	}

	resp, err := connectorauth.NewClient(connector, p.Client()).Get(p.OAuth1URL + "?q=a&q=b")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

// The account owner consents once. The token is kept in a store under the
// account's name, and renewed when it expires.
func ExampleNewOAuth2() {
	p := authtest.New(authtest.Config{TLS: true})
	defer p.Close()
	ctx := context.Background()

	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant:      connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
		Store:      new(tokenstore.Memory),
		Account:    "tenant 7",
		HTTPClient: p.Client(),
	})
	if err != nil {
		log.Fatal(err)
	}
	// In the handler that sends the browser to the provider: keep pending in the session.
	authURL, pending, err := connector.Begin(ctx, "http://127.0.0.1:8080/callback")
	if err != nil {
		log.Fatal(err)
	}
	callback, err := p.Authorize(authURL) // in place of the account owner's browser
	if err != nil {
		log.Fatal(err)
	}
	if err := connector.Finish(ctx, pending, callback.Query()); err != nil { // in the handler of the callback
		log.Fatal(err)
	}

	p.ExpireAccessTokens() // the request is rejected, the token renewed, and the request sent once more
	resp, err := connectorauth.NewClient(connector, p.Client()).Get(p.BearerURL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, p.Stats().TokenRequests)
	// Output: 200 2
}

// A program acts for itself.
func ExampleNewOAuth2_clientCredentials() {
	p := authtest.New(authtest.Config{TLS: true})
	defer p.Close()

	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret),
		TokenURL:   p.TokenURL,
		Grant:      connectorauth.ClientCredentials{},
		HTTPClient: p.Client(),
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, p.Client()).Get(p.BearerURL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

// For the services that offer nothing better.
func ExampleNewOAuth2_password() {
	p := authtest.New(authtest.Config{TLS: true})
	defer p.Close()

	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret),
		TokenURL:   p.TokenURL,
		Grant:      connectorauth.PasswordCredentials{Username: p.Username, Password: connectorauth.Secret(p.Password)},
		ClientAuth: connectorauth.ClientSecretPost,
		HTTPClient: p.Client(),
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, p.Client()).Get(p.BearerURL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output: 200
}

// The API wants a second factor for a request (RFC 9470). The account owner consents once
// more, and the provider is told what to ask for.
func ExampleOAuth2_Asking() {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	p.Inject(p.BearerURL, 1, authtest.Answer(401, http.Header{
		"Www-Authenticate": {`Bearer error="insufficient_user_authentication", acr_values="mfa"`},
	}, ""))
	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := leadConsent(p, connector); err != nil { // the first consent: see the example of NewOAuth2
		log.Fatal(err)
	}

	_, err = connectorauth.NewClient(connector, nil).Get(p.BearerURL + "/payments")
	var stepUp *connectorauth.StepUpError
	if !errors.As(err, &stepUp) {
		log.Fatal(err)
	}
	authURL, _, err := connector.Asking(stepUp.Authorization).Begin(context.Background(), "http://127.0.0.1:8080/callback")
	if err != nil {
		log.Fatal(err)
	}
	u, err := url.Parse(authURL)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Query().Get("acr_values"))
	// Output: mfa
}

// leadConsent leads an account owner through the consent.
func leadConsent(p *authtest.Provider, connector *connectorauth.OAuth2) error {
	ctx := context.Background()
	authURL, pending, err := connector.Begin(ctx, "http://127.0.0.1:8080/callback")
	if err != nil {
		return err
	}
	callback, err := p.Authorize(authURL)
	if err != nil {
		return err
	}
	return connector.Finish(ctx, pending, callback.Query())
}
