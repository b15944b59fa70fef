package tokenstore_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/connectorauth/connectorauth/tokenstore"
)

// Files keep the tokens of a program over restarts, and of several programs on one host.
func ExampleNewFile() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	for run := range 2 { // the second run of the program finds what the first one has saved
		store, err := tokenstore.NewFile(filepath.Join(dir, "tokens")) // such as /var/lib/app/tokens
		if err != nil {
			log.Fatal(err)
		}
		_, ok, err := store.Load(ctx, "alice/mail")
		fmt.Println("run", run, ok, err)
		if err := store.Save(ctx, "alice/mail", []byte("a token")); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// run 0 false <nil>
	// run 1 true <nil>
}

// A store whose values are encrypted, around any other store.
func ExampleNewSealed() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	files, err := tokenstore.NewFile(filepath.Join(dir, "tokens"))
	if err != nil {
		log.Fatal(err)
	}
	secret := make([]byte, 32) // keep the secret apart from the tokens
	rand.Read(secret)
	store, err := tokenstore.NewSealed(files, tokenstore.Key{ID: "2026-01", Secret: secret})
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	if err := store.Save(ctx, "alice/mail", []byte("a token")); err != nil {
		log.Fatal(err)
	}
	value, ok, err := store.Load(ctx, "alice/mail")
	fmt.Printf("%s %v %v\n", value, ok, err)
	// Output: a token true <nil>
}
