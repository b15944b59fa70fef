// Githubapp calls an API as a GitHub App does, with two connectors. The first signs a JWT
// with the app's key. The second obtains an installation token by a POST that the first
// authenticates, and sends the token to the API. A server in this program stands in for
// GitHub.
//
//	go run ./examples/githubapp
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
)

func main() {
	github, private := newGitHub()
	err := run(os.Stdout, private, github.URL)
	github.Close()
	if err != nil {
		log.Fatal(err)
	}
}

// run makes four requests; before the last, the service forgets the installation token.
// private is the app's .pem file. With the real service, api is https://api.github.com.
func run(out io.Writer, private connectorauth.Secret, api string) error {
	key, err := assertion.NewKey(assertion.KeyConfig{Private: private})
	if err != nil {
		return err
	}
	app, err := assertion.NewJWT(assertion.JWTConfig{
		Key:    key,
		Claims: assertion.Claims{Issuer: clientID}, // valid for ten minutes, which is all that GitHub takes
		Hosts:  []string{api},
	})
	if err != nil {
		return err
	}
	asApp := connectorauth.NewClient(app, nil)

	installation, err := connectorauth.NewCustom(connectorauth.CustomConfig{
		Obtain: func(ctx context.Context, _ connectorauth.CustomCredential, _ *http.Response) (connectorauth.CustomCredential, error) {
			return installationToken(ctx, asApp, api+"/app/installations/4711/access_tokens")
		},
		Authenticate: func(r *http.Request, token connectorauth.CustomCredential) error {
			r.Header.Set("Authorization", "Bearer "+string(token.Value))
			return nil
		},
		Hosts:   []string{api},
		Observe: func(e connectorauth.Event) { fmt.Fprintln(out, "installation token:", e.Kind) },
	})
	if err != nil {
		return err
	}
	client := connectorauth.NewClient(installation, nil)
	for _, path := range []string{"/repos", "/repos", "/forget-tokens", "/repos"} {
		resp, err := client.Get(api + path)
		if err != nil {
			return err
		}
		resp.Body.Close()
		fmt.Fprintln(out, path, resp.Status)
		if resp.StatusCode != http.StatusOK {
			return errors.New("the API refused the installation token")
		}
	}
	return nil
}

// installationToken obtains the token of an installation, which is valid for an hour.
func installationToken(ctx context.Context, asApp *http.Client, url string) (none connectorauth.CustomCredential, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return none, err
	}
	resp, err := asApp.Do(req)
	if err != nil {
		return none, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusCreated:
	case http.StatusNotFound: // the account owner has removed the app
		return none, connectorauth.ErrReauthRequired
	default:
		return none, fmt.Errorf("the installation token has status %d", resp.StatusCode)
	}
	var granted struct {
		Token   connectorauth.Secret `json:"token"`
		Expires time.Time            `json:"expires_at"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&granted); err != nil {
		return none, err
	}
	return connectorauth.CustomCredential{Value: granted.Token, Expiry: granted.Expires}, nil
}
