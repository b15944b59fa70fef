package accounts_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// withKeys returns a function that makes a registry for keys. All have one index and one store.
func withKeys(d *definition.Definition) func(keys ...tokenstore.Key) *accounts.Registry {
	set, err := definition.NewSet(d)
	if err != nil {
		log.Fatal(err)
	}
	index, store := new(accounts.Memory), new(tokenstore.Memory) // or NewSQL, and tokenstore.NewSQL
	return func(keys ...tokenstore.Key) *accounts.Registry {
		registry, err := accounts.New(accounts.Config{
			Definitions: func() *definition.Set { return set }, Index: index, Store: store, Keys: keys,
		})
		if err != nil {
			log.Fatal(err)
		}
		return registry
	}
}

// A key is replaced in four steps. Each registry here stands for all processes of a step.
func ExampleRegistry_Reseal() {
	api, d, err := acme() // stands for a service and its definition
	if err != nil {
		log.Fatal(err)
	}
	defer api.Close()
	older := tokenstore.Key{ID: "2026", Secret: bytes.Repeat([]byte{7}, 32)} // 32 random bytes
	newer := tokenstore.Key{ID: "2027", Secret: bytes.Repeat([]byte{8}, 32)}
	ctx, step := context.Background(), withKeys(d)
	_, err = step(older).Connect(ctx, accounts.Request{
		ID: "first", Owner: "user-17", Definition: "acme", Values: map[string]connectorauth.Secret{"apiKey": "k"},
	})
	if err != nil {
		log.Fatal(err)
	}

	step(older, newer)             // 1. every process can open what the others will seal
	registry := step(newer, older) // 2. new values are sealed with the new key
	for range 2 {                  // the second call proves the first one
		done, err := registry.Reseal(ctx) // 3. in one process
		fmt.Println(done.Sealed, done.Before, err)
	}
	a, err := step(newer).Test(ctx, "first") // 4. the old key is gone
	fmt.Println(a.Status, err)
	// Output:
	// 1 0 <nil>
	// 0 1 <nil>
	// ok <nil>
}
