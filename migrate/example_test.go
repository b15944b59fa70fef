package migrate_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/dghubble/oauth1"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/migrate"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A program with x/oauth2 has a config and a token. The program starts twice: the second time,
// the token of the store has been renewed, and the old token changes nothing.
func ExampleOAuth2() {
	acme := authtest.New(authtest.Config{})
	defer acme.Close()
	access, refresh := acme.IssueTokens("read")

	config := &oauth2.Config{
		ClientID: acme.ClientID, ClientSecret: acme.ClientSecret, Scopes: []string{"read"},
		Endpoint: oauth2.Endpoint{AuthURL: acme.AuthURL, TokenURL: acme.TokenURL, AuthStyle: oauth2.AuthStyleInHeader},
	}
	token := &oauth2.Token{AccessToken: access, RefreshToken: refresh} // of the old table
	ctx, store := context.Background(), new(tokenstore.Memory)         // a program has tokenstore.NewSQL
	for range 2 {
		connector, err := migrate.OAuth2(ctx, config, token, connectorauth.OAuth2Config{
			Store: store, Account: "alice/acme", Hosts: []string{acme.URL},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		resp, err := connectorauth.NewClient(connector, nil).Get(acme.BearerURL)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.StatusCode)
		acme.ExpireAccessTokens() // so the next request renews the token
	}
	fmt.Println(acme.Stats().TokenRequests, "renewal")
	// Output:
	// 200
	// 200
	// 1 renewal
}

// AuthStyleAutoDetect is the zero value in x/oauth2. The error says what takes its place.
func ExampleOAuth2_authStyle() {
	config := &oauth2.Config{
		ClientID: "client", ClientSecret: "secret",
		Endpoint: oauth2.Endpoint{AuthURL: "https://acme.example/authorize", TokenURL: "https://acme.example/token"},
	}
	_, err := migrate.OAuth2(context.Background(), config, nil, connectorauth.OAuth2Config{})
	fmt.Println(err)
	_, err = migrate.OAuth2(context.Background(), config, nil, connectorauth.OAuth2Config{ClientAuth: connectorauth.ClientSecretPost})
	fmt.Println(err)
	// Output:
	// migrate: OAuth2: ClientAuth: is empty, and AuthStyleAutoDetect tries two ways, which costs a refused token request; use ClientSecretBasic or ClientSecretPost, as the provider's documentation says
	// <nil>
}

func ExampleClientCredentials() {
	acme := authtest.New(authtest.Config{})
	defer acme.Close()
	config := &clientcredentials.Config{
		ClientID: acme.ClientID, ClientSecret: acme.ClientSecret, TokenURL: acme.TokenURL, AuthStyle: oauth2.AuthStyleInParams,
	}
	connector, err := migrate.ClientCredentials(context.Background(), config, connectorauth.OAuth2Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	get(connector, acme.BearerURL)
	// Output: 200 OK
}

// A token without the URLs of a consent is signed with as it is.
func ExampleOAuth1() {
	acme := authtest.New(authtest.Config{})
	defer acme.Close()
	config := oauth1.NewConfig(acme.ClientID, acme.ClientSecret)
	config.Signer = &oauth1.HMAC256Signer{ConsumerSecret: acme.ClientSecret}
	token := oauth1.NewToken(acme.IssueOAuth1Token())
	connector, err := migrate.OAuth1(context.Background(), config, token, connectorauth.OAuth1Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	get(connector, acme.OAuth1URL)
	// Output: 200 OK
}

// get prints the status of a request.
func get(connector connectorauth.Connector, url string) {
	resp, err := connectorauth.NewClient(connector, http.DefaultClient).Get(url)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
}
