package redisstore_test

import (
	"context"
	"fmt"
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/connectorauth/connectorauth/tokenstore/redisstore"
)

// A store for many replicas. A program keeps one client, and gives the store to the Store
// of each config.
func ExampleNew() {
	address, err := startShared() // such as redis.internal:6379
	if err != nil {
		log.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: address, ContextTimeoutEnabled: true})
	defer client.Close()

	store, err := redisstore.New(redisstore.Config{Client: client, Prefix: "example:"})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := store.Save(ctx, "alice/mail", []byte("a token")); err != nil {
		log.Fatal(err)
	}
	lock, err := store.Lock(ctx, "alice/mail") // no other replica renews the token
	if err != nil {
		log.Fatal(err)
	}
	swapped, err := store.CompareAndSwap(ctx, "alice/mail", []byte("a token"), []byte("a new token"))
	fmt.Println(swapped, err)
	lock.Unlock()
	value, ok, err := store.Load(ctx, "alice/mail")
	fmt.Printf("%s %v %v\n", value, ok, err)
	// Output:
	// true <nil>
	// a new token true <nil>
}
