package sqltest_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// open opens a database of SQLite in a folder that close removes. PostgreSQL and MySQL
// need another driver and another Engine.
func open() (db *sql.DB, closeAll func(), err error) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		return nil, nil, err
	}
	db, err = sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(dir, "app.db"))+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, nil, err
	}
	return db, func() {
		db.Close()
		os.RemoveAll(dir)
	}, nil
}

// definitions has a service that wants no credential.
func definitions() *definition.Set {
	d, err := definition.Parse("acme.json", []byte(`{
		"connectorauth": 1, "name": "acme", "baseUrl": "https://api.acme.example", "methods": [{"name": "open", "type": "None"}]
	}`), definition.Options{})
	if err != nil {
		panic(err)
	}
	set, err := definition.NewSet(d)
	if err != nil {
		panic(err)
	}
	return set
}

// Tokens in a database, sealed, so backups and administrators do not see them.
func Example_tokens() {
	ctx := context.Background()
	db, closeAll, err := open() // sql.Open
	if err != nil {
		log.Fatal(err)
	}
	defer closeAll()

	table, err := tokenstore.NewSQL(ctx, tokenstore.SQLConfig{DB: db, Engine: tokenstore.SQLite})
	if err != nil {
		log.Fatal(err)
	}
	store, err := tokenstore.NewSealed(table, tokenstore.Key{ID: "2026", Secret: bytes.Repeat([]byte{7}, 32)}) // 32 random bytes
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Save(ctx, "alice/mail", []byte("a token")); err != nil {
		log.Fatal(err)
	}
	value, ok, err := store.Load(ctx, "alice/mail") // in any process with the same database and keys
	fmt.Printf("%s %v %v\n", value, ok, err)
	sealed, ok, err := table.Load(ctx, "alice/mail")
	fmt.Println(bytes.Contains(sealed, []byte("a token")), ok, err)
	// Output:
	// a token true <nil>
	// false true <nil>
}

// Accounts in the same database. A program gives the index to an accounts.Registry.
func Example_accounts() {
	ctx := context.Background()
	db, closeAll, err := open() // sql.Open
	if err != nil {
		log.Fatal(err)
	}
	defer closeAll()

	index, err := accounts.NewSQL(ctx, accounts.SQLConfig{DB: db, Engine: tokenstore.SQLite})
	if err != nil {
		log.Fatal(err)
	}
	registry, err := accounts.New(accounts.Config{
		Definitions: definitions, // see package definition
		Index:       index,
		Store:       new(tokenstore.Memory),                                              // or a tokenstore.SQL
		Keys:        []tokenstore.Key{{ID: "2026", Secret: bytes.Repeat([]byte{7}, 32)}}, // 32 random bytes
	})
	if err != nil {
		log.Fatal(err)
	}
	account, err := registry.Connect(ctx, accounts.Request{ID: "first", Owner: "user-17", Definition: "acme"})
	fmt.Println(account.Status, err)
	list, err := registry.List(ctx, accounts.Filter{Owner: "user-17"}, "", 10)
	fmt.Println(len(list), err)
	// Output:
	// ok <nil>
	// 1 <nil>
}
