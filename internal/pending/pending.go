// Package pending leads a consent from Begin to Finish, for OAuth1 and OAuth2
// alike: what the program keeps meanwhile, whether a callback belongs to the
// consent, and that a consent is finished once.
package pending

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

const (
	// Lifetime is how long an account owner may take from Begin to Finish, unless
	// Value.Lifetime says otherwise.
	Lifetime = 10 * time.Minute
	// MaxLifetime is the longest Value.Lifetime.
	MaxLifetime = 24 * time.Hour
	// ClockError is how far the clocks of two machines may differ.
	ClockError = 10 * time.Minute
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

// Ended reports whether the lifetime of something that began at a time, in Unix seconds, is
// over. A beginning that lies in the future by more than ClockError counts as over too.
func Ended(began int64, lifetime time.Duration) bool {
	age := time.Since(time.Unix(began, 0))
	return age > lifetime || age < -ClockError
}

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
	if Ended(v.Began, v.lifetime()) {
		return v, &BadCallback{Expired, fmt.Sprintf("the consent began more than %v ago; begin again", v.lifetime())}
	}
	return v, nil
}

// Read reads text that Encode made, and checks nothing.
func Read(text string) (v Value, ok bool) {
	err := json.Unmarshal([]byte(text), &v)
	return v, err == nil && v.State != ""
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

// equal compares secrets in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
