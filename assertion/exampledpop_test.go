package assertion_test

import (
	"fmt"
	"io"
	"log"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
)

// Each token is bound to a key, and each request proves that the program has the key.
func ExampleNewDPoP() {
	provider := authtest.New(authtest.Config{RequireDPoP: true, DPoPNonce: true})
	defer provider.Close()

	proof, err := assertion.NewDPoP(assertion.DPoPConfig{}) // one for all accounts
	if err != nil {
		log.Fatal(err)
	}
	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: provider.ClientID, ClientSecret: connectorauth.Secret(provider.ClientSecret),
		TokenURL: provider.TokenURL, Grant: connectorauth.ClientCredentials{}, Proof: proof,
	})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, nil).Get(provider.BearerURL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	fmt.Println(resp.Status, provider.Stats().Proofs, "proofs")
	// Output: 200 OK 2 proofs
}
