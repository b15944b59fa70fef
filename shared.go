package connectorauth

import (
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// Shared is what the connectors of a program have in common. Connectors with the
// same Shared, Store and Account use one token in memory and one renewal at a
// time, and finish a consent once, even if a program makes a connector anew for
// each request. A new connector looks into the Store before its first request, so
// a token that was deleted from the Store, or replaced there, is not used.
//
// An empty Shared field of a config means one value for the whole program. Use a
// value of your own to keep the connectors of a test or of a tenant apart. The
// zero value is ready to use. A Shared must not be copied.
type Shared struct {
	group    renew.Group
	consents pending.Keeper
}

// program is the Shared of all connectors whose config has none.
var program Shared

// orProgram returns s, or the Shared of the program if s is nil.
func (s *Shared) orProgram() *Shared {
	if s == nil {
		return &program
	}
	return s
}
