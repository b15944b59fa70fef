package local

import (
	"context"
	"time"

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
