package sqltest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/tokenstore"
)

const openJob = "open"

// openJobs has the job to open a place, which may have no tables yet.
var openJobs = child.Jobs{openJob: func(place string) error {
	fmt.Println("ready")
	child.Pause()
	if _, err := openChild(place); err != nil {
		return err
	}
	fmt.Println("opened")
	return nil
}}

func openChild(encoded string) (tokenstore.SharedStore, error) {
	return openEncoded(encoded, 0)
}

// encode returns a place as text for a child process.
func (p place) encode() string {
	encoded, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

// openEncoded opens a store with few connections, so that many processes find room
// in the server.
func openEncoded(encoded string, lease time.Duration) (*tokenstore.SQL, error) {
	store, db, err := openPool(encoded, lease)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	return store, nil
}

// openPool opens a store with a pool of its own.
func openPool(encoded string, lease time.Duration) (*tokenstore.SQL, *sql.DB, error) {
	var p place
	if err := json.Unmarshal([]byte(encoded), &p); err != nil {
		return nil, nil, err
	}
	return p.connect(context.Background(), lease)
}
