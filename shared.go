package connectorauth

import (
	"context"
	"fmt"
	"io"

	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// Shared is what the connectors of a program have in common. Connectors with the
// same Shared, Store and Account share a token in memory, renew the token once, and finish a
// consent once, even if a program makes a connector anew for each request. A new connector
// looks into the Store before the first request. So no request carries a token that was
// deleted from the Store, or replaced there.
//
// An empty Shared field of a config means the Shared of the whole program. A Shared of your
// own keeps the connectors of a test or of a tenant apart. The zero value is ready to use. A
// Shared must not be copied.
type Shared struct {
	// TokenRequests limits the renewals that wait for responses of the same token URL, so
	// many accounts whose tokens expire together are renewed in turn. The regions of a
	// provider (dialect.Regions) share a token URL. 0 means 16. Set TokenRequests before the
	// first use.
	//
	// A response that asks for a pause (Retry-After) stops the renewals of all accounts at
	// the token URL for as long, up to a minute.
	TokenRequests int

	group    renew.Group
	consents pending.Keeper
	clients  clients
}

// Shutdown prevents further token requests, and waits until the token requests under way have
// ended and the tokens are saved. Then a program can exit, and no account is lost.
// A program that gets a signal to stop first shuts down its http.Server, which waits
// for the requests and consents under way, and then calls Shutdown.
//
// After Shutdown, requests still work unless they need a token request: then the error
// matches [ErrShutdown], as does the error of Finish. If ctx ends before all tokens are
// saved, the error of Shutdown matches the error of ctx, and names the accounts. Shutdown may
// be called more than once.
//
// A nil Shared means the Shared of the program.
func (s *Shared) Shutdown(ctx context.Context) error {
	return s.orProgram().group.Shutdown(ctx)
}

// Format writes the name of the type, for every verb: what is in a Shared changes all
// the time, and names accounts.
func (*Shared) Format(f fmt.State, _ rune) { io.WriteString(f, "connectorauth.Shared") }

// endpoint describes a token URL to the renewals of a client.
func (s *Shared) endpoint(tokenURL, clientID string) renew.Endpoint {
	e := renew.Endpoint{URL: tokenURL, Client: clientID, Most: 16}
	if s.TokenRequests > 0 {
		e.Most = s.TokenRequests
	}
	return e
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
