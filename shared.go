package connectorauth

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

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

// accountName names an account for people, and in the account's record.
func accountName(tokenURL, clientID, grantType, user string) string {
	name := fmt.Sprintf("client %q at %s by %s", clientID, withoutQuery(tokenURL), grantType)
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

// maxExtra limits the extra members of a token, as JSON.
const maxExtra = 64 << 10

// mergeExtra returns the extra members of a token: those of the newest response,
// and those of the responses before that the newest leaves out. Of too many
// members, old ones go first, except those named in kept, and the largest next. left
// tells how many had to go.
func mergeExtra(old, newest map[string]any, kept []string) (extra map[string]any, left int32) {
	extra = maps.Clone(old)
	if extra == nil {
		extra = make(map[string]any, len(newest))
	}
	maps.Copy(extra, newest)
	sizes, total := make(map[string]int, len(extra)), 2
	for name, value := range extra {
		raw, _ := json.Marshal(map[string]any{name: value})
		sizes[name] = len(raw) - 1 // without braces, with a comma
		total += sizes[name]
	}
	if total <= maxExtra {
		if len(extra) == 0 {
			extra = nil
		}
		return extra, 0
	}
	drop := func(name string) {
		total -= sizes[name]
		delete(extra, name)
		left++
	}
	for name := range old {
		if _, repeated := newest[name]; !repeated && !slices.Contains(kept, name) {
			drop(name)
		}
	}
	largest := slices.SortedFunc(maps.Keys(extra), func(a, b string) int { return sizes[b] - sizes[a] })
	for _, name := range largest {
		if total <= maxExtra {
			break
		}
		drop(name)
	}
	return extra, left
}

// baseOf returns the RoundTripper of a config's HTTPClient.
func baseOf(client *http.Client) http.RoundTripper {
	if client == nil {
		client = http.DefaultClient
	}
	return client.Transport
}
