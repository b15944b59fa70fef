package tokenstore_test

import (
	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

// A connector finds Lock and CompareAndSwap by a type assertion. If a method had
// another signature, the assertion would fail at run time without any sign.
var (
	_ connectorauth.SharedTokenStore = (*tokenstore.Memory)(nil)
	_ connectorauth.SharedTokenStore = (*tokenstore.File)(nil)
	_ connectorauth.SharedTokenStore = (*tokenstore.SQL)(nil)
	_ connectorauth.Lease            = (*lease.Held)(nil)
	_ renew.SharedStore              = connectorauth.SharedTokenStore(nil)
	_ connectorauth.SharedTokenStore = renew.SharedStore(nil)
)
