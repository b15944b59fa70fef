package authtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/connectorauth/connectorauth/authtest"
)

// The account owner consents. The application gets a token and calls the API.
func Example() {
	p := authtest.New(authtest.Config{TLS: true})
	defer p.Close()

	config := oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret,
		Endpoint:    oauth2.Endpoint{AuthURL: p.AuthURL, TokenURL: p.TokenURL, AuthStyle: oauth2.AuthStyleInHeader},
		RedirectURL: "http://127.0.0.1/callback",
		Scopes:      []string{"read"},
	}
	verifier := oauth2.GenerateVerifier()
	callback, err := p.Authorize(config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, p.Client())
	token, err := config.Exchange(ctx, callback.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		log.Fatal(err)
	}

	resp, err := config.Client(ctx, token).Get(p.BearerURL + "/items")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	var who authtest.Identity
	if err := json.NewDecoder(resp.Body).Decode(&who); err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, who.User, "granted", who.Scope)
	fmt.Println(p.Stats().TokenRequests, "token request")
	// Output:
	// 200 user@example.com granted read
	// 1 token request
}

// The token endpoint is busy for a single request. Later responses have a member
// that RFC 6749 does not know.
func ExampleProvider_Inject() {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	p.Inject(p.TokenURL, 1, authtest.Answer(503, http.Header{"Retry-After": {"2"}}, ""))
	p.Inject(p.TokenURL, authtest.Always, authtest.EditAnswer(func(answer map[string]any) {
		answer["instance_url"] = "https://eu1.example.com"
	}))

	config := clientcredentials.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret,
		TokenURL: p.TokenURL, AuthStyle: oauth2.AuthStyleInHeader,
	}
	_, err := config.Token(context.Background())
	fmt.Println("failed:", err != nil)
	token, err := config.Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Extra("instance_url"))
	// Output:
	// failed: true
	// https://eu1.example.com
}

// Requests returns the requests as received.
func ExampleProvider_Requests() {
	p := authtest.New(authtest.Config{APIKey: "k+1"})
	defer p.Close()
	resp, err := p.Client().Get(p.KeyQueryURL + "/items?api_key=k%2B1")
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	for _, r := range p.Requests(p.KeyQueryURL) {
		fmt.Println(r.Method, r.URL, resp.StatusCode)
	}
	// Output:
	// GET /api/key/query/items?api_key=k%2B1 200
}
