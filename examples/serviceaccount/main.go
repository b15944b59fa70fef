// Serviceaccount calls an API of Google Cloud with the key file of a service account,
// as Google gives it, and without Google's SDK. The first request sends an assertion
// that the key has signed, and gets an access token (RFC 7523 section 2.1). A server in
// this program stands in for Google.
//
//	go run ./examples/serviceaccount
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
)

func main() {
	if err := demo(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// demo starts the stand-in for Google, downloads a key file, and runs the program.
func demo(out io.Writer) (err error) {
	google := newGoogle()
	defer google.Close()
	folder, err := os.MkdirTemp("", "serviceaccount")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	keyFile := filepath.Join(folder, "key.json")
	if err := os.WriteFile(keyFile, google.keyFile(), 0o600); err != nil {
		return err
	}
	return run(out, keyFile, google.URL)
}

// run lists buckets three times. With the real service, api is
// https://storage.googleapis.com, and Hosts stays empty.
func run(out io.Writer, keyFile, api string) error {
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	connector, err := assertion.NewGoogle(assertion.GoogleConfig{
		File:    connectorauth.Secret(text),
		Scopes:  []string{"https://www.googleapis.com/auth/devstorage.read_only"},
		Hosts:   []string{api},
		Observe: func(e connectorauth.Event) { fmt.Fprintln(out, "token:", e.Kind) },
	})
	if err != nil {
		return err // names the member of the file that is wrong
	}
	client := connectorauth.NewClient(connector, nil)
	for range 3 {
		resp, err := client.Get(api + "/storage/v1/b?project=demo")
		if err != nil {
			return err
		}
		resp.Body.Close()
		fmt.Fprintln(out, "buckets:", resp.Status)
		if resp.StatusCode != http.StatusOK {
			return errors.New("the API refused the token")
		}
	}
	return nil
}
