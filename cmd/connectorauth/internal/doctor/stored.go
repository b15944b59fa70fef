package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// ofStored returns why the store does not give what it has of the account, and what to do.
// An empty Cause means that the error says nothing of that kind.
func ofStored(err error) (Cause, string) {
	var newer *storeerror.Newer
	var foreign *storeerror.Foreign
	var locked *storeerror.Locked
	var sealed *storeerror.Sealed
	switch {
	case errors.As(err, &newer):
		program := ""
		if newer.Program != "" {
			program = ", such as " + newer.Program
		}
		return CauseVersion, fmt.Sprintf("Update this program to a version that reads records of version %d%s, because a newer version has written what the store has of the account", newer.Version, program)
	case errors.As(err, &foreign):
		return CauseRegistration, "Use the client ID and the token URL with which the account was connected, or connect the account again, because the token is that of another registration"
	case errors.As(err, &locked):
		return CauseLocked, fmt.Sprintf("Wait, or end the process, because %s holds the lock of the account", locked.Holder)
	case errors.As(err, &sealed) && !slices.Contains(sealed.Keys, sealed.Key):
		return CauseStoreKey, fmt.Sprintf("Use the key with which the store was sealed, whose ID is %q, or connect the account again, because this program has another key", sealed.Key)
	case errors.As(err, &sealed):
		return CauseStoreKey, "Use the key with which the store was sealed, or connect the account again, because what is stored of the account cannot be opened with this key"
	case renew.IsDamaged(err):
		return CauseRecord, "Connect the account again, because what the store has of the account is damaged"
	}
	return "", ""
}

// lockTime is how long a renewal of the examination waits for the lock of the account, so that
// the examination learns who holds the lock.
const lockTime = 10 * time.Second

// patient returns a store whose Lock waits for lockTime at most.
func patient(s connectorauth.SharedTokenStore) connectorauth.SharedTokenStore {
	if s == nil {
		return nil
	}
	bounded := boundedStore{s}
	if w, ok := s.(renew.Waiter); ok {
		return struct {
			boundedStore
			renew.Waiter
		}{bounded, w}
	}
	return bounded
}

// A boundedStore waits for locks for lockTime at most.
type boundedStore struct{ connectorauth.SharedTokenStore }

// Lock returns a *storeerror.Locked after lockTime, whatever the store returns.
func (s boundedStore) Lock(ctx context.Context, key string) (connectorauth.Lease, error) {
	bounded, cancel := context.WithTimeout(ctx, lockTime)
	defer cancel()
	lease, err := s.SharedTokenStore.Lock(bounded, key)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil && !errors.As(err, new(*storeerror.Locked)) {
		err = &storeerror.Locked{Err: err}
	}
	return lease, err
}
