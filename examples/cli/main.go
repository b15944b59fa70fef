// Cli is a command-line program with a sign-in (RFC 8252). The program opens the
// browser, waits for the callback on a loopback port, and calls the API with the
// token.
//
//	go run ./examples/cli
//	go run ./examples/cli -redirect urn:ietf:wg:oauth:2.0:oob
//
// Press Allow on the page in the browser. In the second form, the page shows a code
// to paste into the terminal. With -check, the program needs no browser and no person,
// and the redirect URL is one of loopback.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
)

// outOfBand is the redirect URL of a provider that shows a code to paste.
const outOfBand = "urn:ietf:wg:oauth:2.0:oob"

func main() {
	check := flag.Bool("check", false, "run the sign-in without a browser")
	redirectURL := flag.String("redirect", "", "redirect URL that is registered at the provider, such as http://localhost:8085/oauth2/callback\nor "+outOfBand+"; empty means http://127.0.0.1/callback at any free port")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := signIn(ctx, *redirectURL, *check); err != nil {
		log.Fatal(err)
	}
}

// signIn runs the consent and calls the API.
func signIn(ctx context.Context, redirectURL string, check bool) error {
	provider := authtest.New(authtest.Config{ // in place of a real service
		PublicClient: true, RedirectURLs: []string{outOfBand},
	})
	defer provider.Close()
	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: provider.ClientID, TokenURL: provider.TokenURL, Scopes: []string{"read"},
		Grant: connectorauth.AuthorizationCode{AuthURL: provider.AuthURL},
		// With Store: a tokenstore.File, the person stays signed in after the program has ended.
	})
	if err != nil {
		return err
	}

	options := consent.LoopbackOptions{RedirectURL: redirectURL, Pages: consent.Pages{Name: "Example"}, In: os.Stdin}
	if check {
		options.In, options.Open = nil, press(provider)
	}
	if err := consent.Loopback(ctx, connector, options); err != nil {
		return err
	}

	client := connectorauth.NewClient(connector, nil)
	resp, err := client.Get(provider.BearerURL)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	fmt.Println("Signed in. The API responds with", resp.Status)
	_, err = io.Copy(os.Stdout, resp.Body)
	return err
}

// press returns a function in place of a browser: it presses Allow on the provider's
// page and follows the redirect.
func press(provider *authtest.Provider) func(authURL string) error {
	return func(authURL string) error {
		callback, err := provider.Authorize(authURL)
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
}
