package connectorauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth/internal/origin"
)

// pendingLifetime is how long an account owner may take from Begin to Finish.
const pendingLifetime = 10 * time.Minute

// pending is a consent under way, between Begin and Finish. It leaves the
// library as a Secret, for the program to keep where only the same browser can
// bring it back.
type pending struct {
	For      string `json:"for"`   // the connector, as identity makes it
	Began    int64  `json:"began"` // Unix seconds
	State    string `json:"state"` // OAuth2's state, OAuth1's temporary token
	Redirect string `json:"redirect,omitempty"`
	Verifier string `json:"verifier,omitempty"` // PKCE's verifier, OAuth1's temporary token secret
}

// A badCallback is a callback, or a pending value, that Finish does not accept.
// Its kind is "invalid", "expired", "mixup" or "used".
type badCallback struct{ kind, text string }

func (e *badCallback) Error() string { return "connectorauth: " + e.text }

// BadCallback returns the kind, for the pages of package consent.
func (e *badCallback) BadCallback() string { return e.kind }

// identity condenses what tells one connector from another, so that the
// callback of one is not taken for that of another.
func identity(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:15])
}

// encode returns p as text for the program to keep. It is not encrypted.
func (p pending) encode() Secret {
	p.Began = time.Now().Unix()
	text, _ := json.Marshal(p) // strings and a number: cannot fail
	return Secret(text)
}

// decodePending decodes what encode made for the same connector.
func decodePending(text Secret, connector string) (pending, error) {
	var p pending
	if err := json.Unmarshal([]byte(text), &p); err != nil || p.State == "" {
		return p, &badCallback{"invalid", "pending is not a value that Begin returned"}
	}
	if p.For != connector {
		return p, &badCallback{"mixup", "pending belongs to another connector"}
	}
	if age := time.Since(time.Unix(p.Began, 0)); age > pendingLifetime || age < -pendingLifetime {
		return p, &badCallback{"expired", fmt.Sprintf("the consent began more than %v ago; begin again", pendingLifetime)}
	}
	return p, nil
}

// one returns the value of a callback parameter that must be there exactly once.
func one(callback url.Values, name string) (string, error) {
	switch values := callback[name]; {
	case len(values) == 0 || values[0] == "":
		return "", &badCallback{"invalid", "the callback has no " + name}
	case len(values) > 1:
		return "", &badCallback{"invalid", "the callback has more than one " + name}
	default:
		return values[0], nil
	}
}

// equal compares secrets in constant time.
func equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// randomText returns 32 random bytes as text that needs no escaping in a URL.
func randomText() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// checkRedirect reports whether a provider may send the browser to raw.
func checkRedirect(raw string) error {
	if _, err := origin.Endpoint(raw); err != nil {
		return fmt.Errorf("connectorauth: redirectURL: %w", err)
	}
	return nil
}

// detached runs f to its end even if ctx ends before, and waits no longer than
// ctx: what f got for a single-use credential must be kept.
func detached(ctx context.Context, f func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if p := recover(); p != nil { // in the importer's store, transport or observer
				err = fmt.Errorf("connectorauth: panic of type %T while finishing the consent", p)
			}
			done <- err
		}()
		err = f(context.WithoutCancel(ctx))
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// usedOnce remembers which consents were finished, for as long as they could be
// finished again. The zero value is ready to use.
type usedOnce struct {
	mu   sync.Mutex
	used map[string]time.Time
}

// claim reports whether state is used for the first time.
func (u *usedOnce) claim(state string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for old, at := range u.used {
		if time.Since(at) > 2*pendingLifetime {
			delete(u.used, old)
		}
	}
	if _, again := u.used[state]; again {
		return false
	}
	if u.used == nil {
		u.used = make(map[string]time.Time)
	}
	u.used[state] = time.Now()
	return true
}
