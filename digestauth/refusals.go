package digestauth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth"
)

// maxRefusals is how many refusals the program knows at a time.
const maxRefusals = 4096

// refusals are the refused passwords of this program, so a connector that is made
// anew does not send a refused password again.
var refusals = struct {
	mu   sync.Mutex
	salt []byte
	list map[login]refusal
}{salt: []byte(rand.Text()), list: map[login]refusal{}}

// login is a user at an origin, without the password.
type login struct {
	shared *connectorauth.Shared
	origin string
	hash   [sha256.Size]byte // of user name and password
}

// refusal is when a password may be sent again, and how long the pause is.
type refusal struct {
	until time.Time
	pause time.Duration
}

// newLogin returns the login of a user at no origin.
func newLogin(shared *connectorauth.Shared, username, password string) login {
	l := login{shared: shared}
	mac := hmac.New(sha256.New, refusals.salt)
	io.WriteString(mac, username+":"+password) // a user name has no colon
	mac.Sum(l.hash[:0])
	return l
}

// at returns the login at an origin.
func (l login) at(origin string) login {
	l.origin = origin
	return l
}

// refused returns the last refusal of the login.
func (l login) refused() refusal {
	refusals.mu.Lock()
	defer refusals.mu.Unlock()
	return refusals.list[l]
}

// refuse keeps a refusal. The refusal that ends first makes room.
func (l login) refuse(r refusal) {
	refusals.mu.Lock()
	defer refusals.mu.Unlock()
	if _, known := refusals.list[l]; !known && len(refusals.list) >= maxRefusals {
		var first login
		var until time.Time
		for other, r := range refusals.list {
			if until.IsZero() || r.until.Before(until) {
				first, until = other, r.until
			}
		}
		delete(refusals.list, first)
	}
	refusals.list[l] = r
}

// forget forgets the refusals of the login.
func (l login) forget() {
	refusals.mu.Lock()
	defer refusals.mu.Unlock()
	delete(refusals.list, l)
}
