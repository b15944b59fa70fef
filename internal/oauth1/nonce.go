package oauth1

import (
	"crypto/rand"
	"sync"
)

// nonceSize is the length of a nonce: 26 letters of five random bits each.
const nonceSize = 26

// randomness is random bytes that were read ahead. One call of the system serves
// many nonces. Nonces are public, so random bytes that wait are no secret that
// could be lost.
type randomness struct {
	bytes [16 * nonceSize]byte
	used  int
}

var sources = sync.Pool{New: func() any {
	r := new(randomness)
	r.used = len(r.bytes)
	return r
}}

// Nonce returns a new random nonce of at least 128 bits from crypto/rand. The
// nonce has 26 letters and digits: python3-oauthlib takes no other characters,
// and 20 to 30 of them.
func Nonce() string {
	nonce := newNonce()
	return string(nonce[:])
}

func newNonce() (nonce [nonceSize]byte) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	r := sources.Get().(*randomness)
	defer sources.Put(r)
	if r.used == len(r.bytes) {
		rand.Read(r.bytes[:]) // never fails
		r.used = 0
	}
	for i, random := range r.bytes[r.used : r.used+nonceSize] {
		nonce[i] = letters[random%32]
	}
	r.used += nonceSize
	return nonce
}
