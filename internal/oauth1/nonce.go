package oauth1

import "crypto/rand"

// nonceSize is the length of a nonce: 26 letters of five random bits each.
const nonceSize = 26

// randomness is random bytes that were read ahead: one call of the system serves many
// nonces. Nonces are public, so the bytes that wait are no secret.
type randomness struct {
	bytes [16 * nonceSize]byte
	left  int // how many of the last bytes no nonce has used
}

// appendNonce appends a new random nonce of at least 128 bits from crypto/rand. The
// nonce has 26 letters and digits: python3-oauthlib takes no other characters,
// and 20 to 30 of them.
func (r *randomness) appendNonce(dst []byte) []byte {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	if r.left == 0 {
		rand.Read(r.bytes[:]) // never fails
		r.left = len(r.bytes)
	}
	unused := r.bytes[len(r.bytes)-r.left:]
	r.left -= nonceSize
	for _, random := range unused[:nonceSize] {
		dst = append(dst, letters[random%32])
	}
	return dst
}
