// Sqlstore keeps the tokens of two accounts, encrypted, in a SQL database. The
// tokens survive a restart of the program. The database is SQLite, so there is
// nothing to install. PostgreSQL and MySQL need another driver and another Engine.
//
//	go run ./examples/sqlstore
package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	p := authtest.New(authtest.Config{}) // in place of a real service
	defer p.Close()
	dir, err := os.MkdirTemp("", "sqlstore")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "tokens.db")+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer db.Close()

	table, err := tokenstore.NewSQL(ctx, tokenstore.SQLConfig{DB: db, Engine: tokenstore.SQLite})
	if err != nil {
		return err
	}
	key := make([]byte, 32) // a real program reads the key from a place outside the database and its backups
	rand.Read(key)
	store, err := tokenstore.NewSealed(table, tokenstore.Key{ID: "2026-01", Secret: key})
	if err != nil {
		return err
	}

	for _, account := range []string{"alice/orders", "bob/orders"} {
		c, err := connector(p, store, account)
		if err != nil {
			return err
		}
		if err := consent(ctx, p, c); err != nil {
			return err
		}
	}

	// As after a restart, new connectors find the tokens in the database. Carol has not
	// consented.
	for _, account := range []string{"alice/orders", "bob/orders", "carol/orders"} {
		c, err := connector(p, store, account)
		if err != nil {
			return err
		}
		resp, err := connectorauth.NewClient(c, nil).Get(p.BearerURL)
		if err != nil {
			fmt.Printf("%s: %v\n", account, err)
			continue
		}
		resp.Body.Close()
		fmt.Printf("%s: %s\n", account, resp.Status)
	}
	return nil
}

// connector returns a connector that keeps its token in store, under account.
func connector(p *authtest.Provider, store connectorauth.TokenStore, account string) (*connectorauth.OAuth2, error) {
	return connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID:     p.ClientID,
		ClientSecret: connectorauth.Secret(p.ClientSecret),
		TokenURL:     p.TokenURL,
		Grant:        connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
		Store:        store,
		Account:      account,
		Shared:       new(connectorauth.Shared), // as in another process: no token in memory
	})
}

// consent runs the consent of the account owner. The test provider presses Allow.
func consent(ctx context.Context, p *authtest.Provider, c *connectorauth.OAuth2) error {
	authURL, pending, err := c.Begin(ctx, "http://127.0.0.1/callback")
	if err != nil {
		return err
	}
	callback, err := p.Authorize(authURL)
	if err != nil {
		return err
	}
	return c.Finish(ctx, pending, callback.Query())
}
