package consent_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// start is a program in a terminal. dir is where the program keeps its token, for itself alone.
func start(ctx context.Context, provider *authtest.Provider, dir string) (status string, err error) {
	store, err := tokenstore.NewFile(dir)
	if err != nil {
		return "", err
	}
	shared := new(connectorauth.Shared)
	defer shared.Shutdown(context.WithoutCancel(ctx)) // a new token is saved before the program ends
	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: provider.ClientID, TokenURL: provider.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: provider.AuthURL},
		Store: store, Account: "me", Shared: shared,
	})
	if err != nil {
		return "", err
	}
	client := connectorauth.NewClient(connector, nil)
	resp, err := client.Get(provider.BearerURL)
	if errors.Is(err, connectorauth.ErrReauthRequired) { // or there was no consent yet
		err = consent.Loopback(ctx, connector, consent.LoopbackOptions{Open: allow(provider), Out: io.Discard})
		if err != nil {
			return "", err
		}
		resp, err = client.Get(provider.BearerURL)
	}
	if err != nil {
		return "", err
	}
	return resp.Status, resp.Body.Close()
}

// allow is a person with a browser. A program leaves LoopbackOptions.Open empty.
func allow(provider *authtest.Provider) func(authURL string) error {
	return func(authURL string) error {
		fmt.Println("the browser opens")
		callback, err := provider.Authorize(authURL)
		if err != nil {
			return err
		}
		resp, err := http.Get(callback.String())
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
}

// A program in a terminal asks for a consent at its first start alone. Each start has a connector
// and a store of its own, as two processes have.
func Example_terminal() {
	provider := authtest.New(authtest.Config{PublicClient: true})
	defer provider.Close()
	home, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(home)
	for range 2 {
		status, err := start(context.Background(), provider, filepath.Join(home, "tokens"))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(status)
	}
	// Output:
	// the browser opens
	// 200 OK
	// 200 OK
}
