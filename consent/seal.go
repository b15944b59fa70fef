package consent

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
)

// A sealer encrypts what a browser carries for the handler. The first key encrypts,
// and every key decrypts. The keys are behind functions, because a program that walks
// memory by reflection sees an address alone.
type sealer []func() cipher.AEAD

// newSealer returns the sealer with these keys, or all that is wrong with the keys.
func newSealer(keys []connectorauth.Secret) (s sealer, err error) {
	var problems check.List
	if len(keys) == 0 {
		problems.Add("is empty; want 32 random bytes, the same in every process")
	}
	for i, key := range keys {
		if len(key) != 32 {
			problems.Add("key %d has %d bytes; want 32 random bytes, without an encoding such as base64", i, len(key))
			continue
		}
		block, err := aes.NewCipher([]byte(key))
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		s = append(s, func() cipher.AEAD { return aead })
	}
	return s, problems.Joined()
}

// seal returns v as encrypted JSON in base64url. The text does not decrypt at another
// place.
func (s sealer) seal(place string, v any) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // cookies are short
	if err := encoder.Encode(v); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s[0]().Seal(nil, nil, text.Bytes(), []byte(place))), nil
}

// open decrypts text into v, and reports whether seal made the text for this place.
func (s sealer) open(place, text string, v any) bool {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	for _, key := range s {
		if text, err := key().Open(nil, nil, sealed, []byte(place)); err == nil {
			return json.Unmarshal(text, v) == nil
		}
	}
	return false
}
