package local

import (
	"context"
	"time"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// patience is how long Lock waits for another process. A renewal takes 30 seconds at most.
const patience = 35 * time.Second

// store is a tokenstore.File whose callers do not wait for ever.
type store struct{ *tokenstore.File }

// Lock waits for the lock as tokenstore.File does, for patience at most. The error is then a
// *storeerror.Locked, which names the process that holds the lock.
func (s store) Lock(ctx context.Context, key string) (tokenstore.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.File.Lock(ctx, key)
}

// ChangeDefinitions waits until no other process imports a definition, and keeps others from that
// until done is called. The lock is beside those of Change: a person may have made the folder of the
// definitions a link. The error of a long wait is a *storeerror.Locked.
func ChangeDefinitions(ctx context.Context, h *home.Home) (done func(), err error) {
	if err := h.Make(); err != nil {
		return nil, err
	}
	clients, err := tokenstore.NewFile(h.Clients())
	if err != nil {
		return nil, err
	}
	lease, err := store{clients}.Lock(ctx, "definitions")
	if err != nil {
		return nil, err
	}
	return lease.Unlock, nil
}
