package renew

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"
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

// forLogin returns what r, the record of another login, says about login.
func (r *record) forLogin(login string) *record {
	rec := &record{Identity: r.Identity, Rotates: r.Rotates}
	for other := r.Other; other != nil; other = other.Other {
		if other.Login == login {
			*rec = *other
			break
		}
	}
	rec.Login, rec.raw, rec.replaced, rec.Other = login, r.raw, r, others(r.Other, login)
	return rec
}

// maxOthers is of how many other logins a record knows. A login that a record does not
// know of is tried at once, so two wrong passwords must not push each other out.
const maxOthers = 8

// others returns the list of records that begins at first, without the record of login.
func others(first *record, login string) (list *record) {
	var kept []record
	for r := first; r != nil && len(kept) < maxOthers-1; r = r.Other { // and one for login
		if r.Login != login {
			kept = append(kept, *r)
		}
	}
	for i := range slices.Backward(kept) {
		kept[i].Other, list = list, &kept[i]
	}
	return list
}
