package renew

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"sync"
)

// A Login is what the account owner types, as a salted hash for the record. The
// hash costs as much as guessing a password should cost, so a Login computes the
// hash once per salt. A nil Login is of an owner who types nothing.
type Login struct {
	Secret string

	mu   sync.Mutex
	hash string // salt and sum
}

const (
	loginRounds = 100_000
	loginSalt   = 16 // bytes
)

// Match implements Scheme.Login.
func (l *Login) Match(stored string) (login string, same bool) {
	if l == nil {
		return "", stored == ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	salt, _, _ := strings.Cut(stored, ".")
	raw, err := base64.RawURLEncoding.DecodeString(salt)
	known := err == nil && len(raw) == loginSalt
	if mine, _, _ := strings.Cut(l.hash, "."); l.hash == "" || known && mine != salt {
		if !known {
			raw = make([]byte, loginSalt)
			rand.Read(raw)
		}
		sum, err := pbkdf2.Key(sha256.New, l.Secret, raw, loginRounds, sha256.Size)
		if err != nil { // of a FIPS mode that refuses the parameters
			return "", stored == ""
		}
		l.hash = base64.RawURLEncoding.EncodeToString(raw) + "." + base64.RawURLEncoding.EncodeToString(sum)
	}
	return l.hash, stored == "" || subtle.ConstantTimeCompare([]byte(stored), []byte(l.hash)) == 1
}
