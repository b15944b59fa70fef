// Quickstart makes a request with every auth type. A test provider stands in for
// real services. The program prints a line for each request, and exits with status
// 1 if a request fails.
//
//	go run ./examples/quickstart
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

func main() {
	p := authtest.New(authtest.Config{TLS: true, Fields: map[string]any{"token": "s3cret", "company": 4711}})
	ok := run(os.Stdout, p)
	p.Close()
	if !ok {
		os.Exit(1)
	}
}

// run makes the requests and reports whether all succeeded.
func run(out io.Writer, p *authtest.Provider) bool {
	key, secret := connectorauth.Secret(p.APIKey), connectorauth.Secret(p.ClientSecret)
	token, tokenSecret := p.IssueOAuth1Token()

	apiKey := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, Name: "X-Api-Key"}))
	basic := must(connectorauth.NewBasic(connectorauth.BasicConfig{
		Username: p.Username, Password: connectorauth.Secret(p.Password),
	}))
	oauth1 := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: p.ClientID, ClientSecret: secret, Token: token, TokenSecret: connectorauth.Secret(tokenSecret),
	}))
	oauth2 := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: secret, TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
		HTTPClient: p.Client(), // trusts the certificate of the test provider
	}))
	authFields := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{
		{Key: "token", Value: "s3cret"}, {Key: "company", Type: dialect.FieldInteger, Value: "4711"},
	}}))
	custom := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
			req.Header.Set("X-Api-Key", p.APIKey)
			return nil
		},
	}))
	both := must(connectorauth.Join(apiKey, oauth2)) // for a service that wants a key and a token

	ok := true
	for _, c := range []struct {
		connector connectorauth.Connector
		url       string
	}{
		{apiKey, p.KeyHeaderURL}, {basic, p.BasicURL}, {oauth1, p.OAuth1URL}, {oauth2, p.BearerURL},
		{authFields, p.FieldsURL}, {connectorauth.None{}, p.OpenURL}, {custom, p.KeyHeaderURL}, {both, p.BearerURL},
	} {
		client := connectorauth.NewClient(c.connector, p.Client())
		resp, err := client.Post(c.url, "application/json", strings.NewReader(`{"order": 7}`))
		if err != nil {
			fmt.Fprintf(out, "%-10s %v\n", c.connector.AuthType(), err)
			ok = false
			continue
		}
		resp.Body.Close()
		fmt.Fprintf(out, "%-10s %s\n", c.connector.AuthType(), resp.Status)
		ok = ok && resp.StatusCode == http.StatusOK
	}
	return ok
}

// must returns v, and ends the program if there is an error.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
