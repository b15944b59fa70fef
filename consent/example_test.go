package consent_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
)

// A command-line program signs a person in. Most programs leave Open and Out empty:
// Loopback then opens the person's browser and writes to the terminal.
func ExampleLoopback() {
	provider := authtest.New(authtest.Config{PublicClient: true})
	defer provider.Close()
	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: provider.ClientID, TokenURL: provider.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: provider.AuthURL},
	})
	if err != nil {
		log.Fatal(err)
	}
	browser := func(authURL string) error {
		callback, err := provider.Authorize(authURL) // the person presses Allow
		if err != nil {
			return err
		}
		go func() {
			if resp, err := http.Get(callback.String()); err == nil {
				resp.Body.Close()
			}
		}()
		return nil
	}
	err = consent.Loopback(context.Background(), connector, consent.LoopbackOptions{Open: browser, Out: io.Discard})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, nil).Get(provider.BearerURL)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}
