package main

import (
	"crypto/rand"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing/fstest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
)

//go:embed services
var services embed.FS

// A demo is what a real program has around itself: services in the internet and accounts
// there, the program's registrations, users, a key that is not in the database, and a place
// for a file.
type demo struct {
	*authtest.Provider // in place of the services
	services           fs.FS
	clients            map[string]definition.Client
	passwords          map[string]string
	key                []byte
	folder             string
}

func newDemo() *demo {
	p := authtest.New(authtest.Config{Domain: "desk.localhost", Owners: []authtest.Owner{
		{Username: "ada@acme.example", Password: "ada's password", APIKey: "ada's key", ID: "17", Label: "Ada of Acme", Tenant: "acme"},
		{Username: "bob@globex.example", Password: "bob's password", APIKey: "bob's key", ID: "18", Label: "Bob of Globex", Tenant: "globex"},
	}})
	return &demo{
		Provider: p, services: atProvider(p), key: must(demoKey()), folder: must(os.MkdirTemp("", "platform")),
		clients:   map[string]definition.Client{"crm": {ID: p.ClientID, Secret: connectorauth.Secret(p.ClientSecret)}},
		passwords: map[string]string{"ada": "ada", "bob": "bob"},
	}
}

// Close ends the services, and removes the file of SQLite.
func (d *demo) Close() {
	d.Provider.Close()
	os.RemoveAll(d.folder)
}

// sqlite returns the data source name of a new file.
func (d *demo) sqlite() string {
	return "file:" + filepath.Join(d.folder, "platform.db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"
}

// advice says what to type.
func (d *demo) advice() string {
	text := "The users are ada and bob, with these passwords.\n"
	for _, o := range d.Owners {
		text += fmt.Sprintf("An account at the services: user name %q, password %q, address %q, API key %q\n", o.Username, o.Password, o.Tenant, o.APIKey)
	}
	return text + fmt.Sprintf("A client of Reports: ID %q, secret %q\n", d.ClientID, d.ClientSecret)
}

// begin tells people what to do, or does their steps and then calls stop. The channel has the
// error of the steps.
func (d *demo) begin(home string, check bool, stop func()) <-chan error {
	done := make(chan error, 1)
	if !check {
		fmt.Println("Open", home)
		fmt.Print(d.advice())
		done <- nil
		return done
	}
	go func() {
		err := d.check(home)
		if err == nil {
			fmt.Println("accounts of five services were connected, used, connected again and disconnected")
		}
		stop()
		done <- err
	}()
	return done
}

// demoKey returns the key of the environment, or a new one, which serves for a new database.
func demoKey() ([]byte, error) {
	if text := os.Getenv("PLATFORM_KEY"); text != "" {
		return hex.DecodeString(text)
	}
	key := make([]byte, 32)
	rand.Read(key)
	return key, nil
}

var serviceHost = regexp.MustCompile(`https://[a-z]+\.example\.com`)

// atProvider returns the definitions, with the addresses of the provider.
func atProvider(p *authtest.Provider) fs.FS {
	u := must(url.Parse(p.URL))
	files := fstest.MapFS{}
	for _, entry := range must(services.ReadDir("services")) {
		text := string(must(services.ReadFile("services/" + entry.Name())))
		text = strings.NewReplacer("https://{subdomain}.desk.example.com", "http://{subdomain}.desk.localhost:"+u.Port(), ".desk.example.com", ".desk.localhost").Replace(text)
		files[entry.Name()] = &fstest.MapFile{Data: []byte(serviceHost.ReplaceAllLiteralString(text, p.URL))}
	}
	return files
}

// must returns v, and ends the program if there is an error.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
