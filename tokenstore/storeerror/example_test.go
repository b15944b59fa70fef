package storeerror_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// A program was started without the key under which its tokens are sealed: an operator can
// mend this, and no account owner needs to come.
func Example() {
	ctx := context.Background()
	database := new(tokenstore.Memory)
	before, err := tokenstore.NewSealed(database, tokenstore.Key{ID: "2025", Secret: bytes.Repeat([]byte{5}, 32)})
	if err != nil {
		log.Fatal(err)
	}
	if err := before.Save(ctx, "alice/mail", []byte("a token")); err != nil {
		log.Fatal(err)
	}

	now, err := tokenstore.NewSealed(database, tokenstore.Key{ID: "2026", Secret: bytes.Repeat([]byte{6}, 32)})
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = now.Load(ctx, "alice/mail")
	var sealed *storeerror.Sealed
	if errors.As(err, &sealed) {
		fmt.Println("sealed under", sealed.Key, "and the program has", sealed.Keys)
	}
	// Output: sealed under 2025 and the program has [2026]
}
