package connectorauth

import (
	"fmt"
	"net/http"
	"strings"

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

// accountName names an account for people, and in the account's record. A query
// may contain a secret, so the name leaves the query out.
func accountName(tokenURL, clientID, grantType, user string) string {
	tokenURL, _, _ = strings.Cut(tokenURL, "?")
	name := fmt.Sprintf("client %q at %s by %s", clientID, tokenURL, grantType)
	if user != "" {
		name += fmt.Sprintf(" for %q", user)
	}
	return name
}

// constant is the part of a renew.Scheme for an account that never changes its
// name or login, at a provider without a grace period.
type constant struct{}

// Succeeds returns false.
func (constant) Succeeds(string) bool { return false }

// Login returns nothing: nobody types a password.
func (constant) Login(string) (string, bool) { return "", true }

// Retakes returns false.
func (constant) Retakes() bool { return false }

// baseOf returns the RoundTripper of a config's HTTPClient.
func baseOf(client *http.Client) http.RoundTripper {
	if client == nil {
		client = http.DefaultClient
	}
	return client.Transport
}
