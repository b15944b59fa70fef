// Package pending leads a consent from Begin to Finish, for OAuth1 and OAuth2
// alike: what the program keeps meanwhile, whether a callback belongs to the
// consent, and that a consent is finished once.
package pending

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/origin"
)

const (
	// Lifetime is how long an account owner may take from Begin to Finish, unless
	// Value.Lifetime says otherwise.
	Lifetime = 10 * time.Minute
	// MaxLifetime is the longest Value.Lifetime.
	MaxLifetime = 24 * time.Hour

	clockError = 10 * time.Minute // how far the clocks of two machines may differ
)

// A Value is a consent under way. The program keeps the encoded value where only
// the same browser can bring the value back.
type Value struct {
	For      string `json:"for"`   // the connector: see Identity
	Began    int64  `json:"began"` // Unix seconds
	State    string `json:"state"` // OAuth2: state; OAuth1: the temporary token
	Redirect string `json:"redirect,omitempty"`
	Verifier string `json:"verifier,omitempty"` // OAuth2: PKCE's code verifier; OAuth1: the secret of the temporary token
	Key      string `json:"key,omitempty"`      // OAuth2: the new key of a Proof

	Lifetime time.Duration `json:"lifetime,omitempty"` // 0 means Lifetime
}

// lifetime is how long v is good.
func (v Value) lifetime() time.Duration { return cmp.Or(v.Lifetime, Lifetime) }

// CheckLifetime reports whether a Value may have that Lifetime.
func CheckLifetime(d time.Duration) error {
	if d < 0 || d > MaxLifetime {
		return fmt.Errorf("is %v; a consent may take up to %v, and 0 means %v", d, MaxLifetime, Lifetime)
	}
	return nil
}

// Encode returns v as text that is not encrypted. The consent begins now.
func (v Value) Encode() string {
	v.Began = time.Now().Unix()
	text, _ := json.Marshal(v) // strings and a number: cannot fail
	return string(text)
}

// decode reads text that Encode made for the same connector.
func decode(text, connector string) (Value, error) {
	var v Value
	if err := json.Unmarshal([]byte(text), &v); err != nil || v.State == "" || CheckLifetime(v.Lifetime) != nil {
		return v, &BadCallback{Invalid, "pending is not a value that Begin returned"}
	}
	if v.For != connector {
		return v, &BadCallback{MixUp, "pending belongs to another connector"}
	}
	if age := time.Since(time.Unix(v.Began, 0)); age > v.lifetime() || age < -clockError {
		return v, &BadCallback{Expired, fmt.Sprintf("the consent began more than %v ago; begin again", v.lifetime())}
	}
	return v, nil
}

// Read reads text that Encode made, and checks nothing.
func Read(text string) (v Value, ok bool) {
	err := json.Unmarshal([]byte(text), &v)
	return v, err == nil && v.State != ""
}

// Kinds of bad callbacks, for the pages of package consent.
const (
	Invalid = "invalid" // not a callback of this library
	Expired = "expired" // the account owner took too long
	MixUp   = "mixup"   // the callback of another consent
	Used    = "used"    // the consent was finished before
)

// A BadCallback is a callback, or a pending value, that Finish refuses.
type BadCallback struct{ kind, text string }

// Error says why the callback is refused.
func (e *BadCallback) Error() string { return "connectorauth: " + e.text }

// BadCallback returns the kind.
func (e *BadCallback) BadCallback() string { return e.kind }

// NewMixUp returns the error of a callback that belongs to another consent.
func NewMixUp(text string) error { return &BadCallback{MixUp, text} }

// Open returns err as the error of a consent that is still open: nothing was sent,
// and the same callback can be finished again.
func Open(err error) error { return &open{err} }

type open struct{ error }

// Unwrap returns the cause.
func (e *open) Unwrap() error { return e.error }

// Temporary returns true: the same callback may succeed later.
func (*open) Temporary() bool { return true }

// Over reports whether a consent is over after Finish returned err. A callback that
// does not belong to the consent, and an error of Open, leave the consent open.
func Over(err error) bool {
	if bad := new(BadCallback); errors.As(err, &bad) {
		return bad.kind == Expired || bad.kind == Used
	}
	return !errors.As(err, new(*open))
}

// Identity condenses what tells a connector from others, so a connector
// refuses the callbacks of other connectors.
func Identity(parts ...string) string {
	var text []byte
	for _, part := range parts {
		text = append(append(strconv.AppendInt(text, int64(len(part)), 10), ':'), part...)
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

// RandomText returns 32 random bytes as text that needs no escaping in a URL.
func RandomText() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// AtMostOne returns the value of a callback parameter that must not be repeated. An
// empty value means that the parameter is absent (RFC 6749 section 3.1). RFC 5849 has
// no parameter of a callback whose empty value says anything else.
func AtMostOne(callback url.Values, name string) (string, error) {
	if len(callback[name]) > 1 {
		return "", &BadCallback{Invalid, "the callback has more than one " + name}
	}
	return callback.Get(name), nil
}

// One returns the value of a callback parameter that must be present exactly
// once.
func One(callback url.Values, name string) (string, error) {
	value, err := AtMostOne(callback, name)
	if value == "" && err == nil {
		err = &BadCallback{Invalid, "the callback has no " + name}
	}
	return value, err
}

// OutOfBand reports whether a provider shows the code of an OAuth2 consent on a page
// of its own, for the account owner to copy, instead of sending the browser to
// redirectURL.
func OutOfBand(redirectURL string) bool {
	return redirectURL == "urn:ietf:wg:oauth:2.0:oob" || redirectURL == "urn:ietf:wg:oauth:2.0:oob:auto"
}

// Native reports whether redirectURL is for a program without a web page: out of
// band, or with a private-use scheme (RFC 8252 section 7.1). No scheme that a browser
// runs or opens by itself has a dot. A host and port without a scheme, such as
// app.example.com:8443/callback, is none.
func Native(redirectURL string) bool {
	u, err := url.Parse(redirectURL)
	if err != nil || OutOfBand(redirectURL) {
		return err == nil
	}
	labels := strings.Split(u.Scheme, ".")
	return len(labels) > 1 && !slices.Contains(labels, "") && u.User == nil && u.Host+u.Path != "" &&
		!strings.Contains(redirectURL, "#")
}

// CheckRedirect reports whether a provider may send the browser to raw, a web page.
func CheckRedirect(raw string) error {
	if _, err := origin.Endpoint(raw); err != nil {
		return fmt.Errorf("connectorauth: redirectURL: %w", err)
	}
	return nil
}

// equal compares secrets in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Detached runs f to its end even if ctx ends before, and waits no longer than
// ctx: the token that f obtained for a single-use credential must be kept.
func Detached(ctx context.Context, f func(context.Context) error) error {
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
