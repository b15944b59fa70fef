package consent_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
)

// A web application connects a person's account. Most programs look up who is signed in, and
// make the connector of this person.
func ExampleNew() {
	provider := authtest.New(authtest.Config{}) // stands for the service
	defer provider.Close()
	mux := http.NewServeMux()
	app := httptest.NewServer(mux)
	defer app.Close()

	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: provider.ClientID, ClientSecret: connectorauth.Secret(provider.ClientSecret), TokenURL: provider.TokenURL,
		Grant:   connectorauth.AuthorizationCode{AuthURL: provider.AuthURL},
		Account: "alice",
	})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := consent.New(consent.Config{
		URL:  app.URL + "/connect",
		Keys: []connectorauth.Secret{connectorauth.Secret(bytes.Repeat([]byte{7}, 32))}, // 32 random bytes
		Flow: func(*http.Request, string) (consent.Flow, error) { return connector, nil },
		Done: func(_ *http.Request, result consent.Result) error {
			fmt.Println(result.Connector, result.Err)
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux.Handle("/connect/", handler)
	if err := visit(provider, handler.StartURL("google", "/settings")); err != nil { // the person, in the browser
		log.Fatal(err)
	}
	// Output: google <nil>
}

// visit opens a link in a browser, presses Allow at the provider, and comes back.
func visit(provider *authtest.Provider, link string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(link)
	if err != nil {
		return err
	}
	resp.Body.Close()
	callback, err := provider.Authorize(resp.Header.Get("Location"))
	if err != nil {
		return err
	}
	resp, err = browser.Get(callback.String())
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

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
