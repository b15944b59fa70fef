// Definitions serves accounts of five services, each of which is a file in the folder
// services, and picks up a file that changes. A test provider stands in for the services.
// The program exits with status 1 if an account does not work.
//
//	go run ./examples/definitions
package main

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
)

//go:embed services
var files embed.FS

func main() {
	p := authtest.New(authtest.Config{TLS: true, InMemory: true})
	defer p.Close()
	dir := must(os.MkdirTemp("", "definitions")) // in real life the folder of the program's definitions
	defer os.RemoveAll(dir)
	must(0, os.CopyFS(dir, must(fs.Sub(files, "services"))))
	folder := must(definition.NewFolder(definition.FolderConfig{Files: os.DirFS(dir), Patterns: []string{"*.json"}}))

	// In real life the account owner enters these values in a form: see Definition.Form.
	entered := map[string]connectorauth.Secret{
		"subdomain": "mycompany", "apiKey": connectorauth.Secret(p.APIKey), "clientId": "client", "clientSecret": connectorauth.Secret(p.ClientSecret),
		"user": connectorauth.Secret(p.Username), "password": connectorauth.Secret(p.Password),
	}
	store := &tokenstore.Memory{}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.Trim(r.URL.Path, "/")
		d := must(folder.Set().Lookup(name))
		values := map[string]connectorauth.Secret{}
		for _, field := range must(d.Form("", nil)) {
			values[field.Name] = entered[field.Name]
		}
		account := must(d.Connect(definition.Connection{Values: values, Store: store, Account: name, HTTPClient: p.Client()}))
		who := must(account.Check(r.Context(), p.Client()))
		fmt.Fprintf(w, "%s: %s", d.Title, cmp.Or(who.Label, who.ID))
	}))
	defer service.Close()

	for _, d := range folder.Set().Definitions() {
		log.Print(get(service.URL + "/" + d.Name))
	}
	shop := filepath.Join(dir, "shop.json")
	text := strings.Replace(string(must(os.ReadFile(shop))), `"Shop"`, `"New Shop"`, 1)
	must(0, os.WriteFile(shop, []byte(text), 0o600))
	for began := time.Now(); !strings.HasPrefix(get(service.URL+"/shop"), "New Shop"); time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			log.Fatal("the changed file was not picked up")
		}
	}
	log.Print(get(service.URL + "/shop"))
}

// get returns what the service says of an account.
func get(url string) string {
	resp := must(http.Get(url))
	defer resp.Body.Close()
	return string(must(io.ReadAll(resp.Body)))
}

// must returns v, and ends the program if there is an error.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
