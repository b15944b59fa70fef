package tokenstore_test

import (
	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A connector finds Lock and CompareAndSwap by a type assertion, which would
// fail without a sign if the methods drifted apart.
var (
	_ connectorauth.SharedTokenStore = (*tokenstore.File)(nil)
	_ connectorauth.SharedTokenStore = (*tokenstore.SQL)(nil)
	_ connectorauth.SharedTokenStore = tokenstore.SharedStore(nil)
	_ tokenstore.SharedStore         = connectorauth.SharedTokenStore(nil)
)
