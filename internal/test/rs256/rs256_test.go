package rs256_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/test/rs256"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVerifyTakesNothingElse(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	sign := func(header string, issued, expires int64) string {
		encode := base64.RawURLEncoding.EncodeToString
		signed := encode([]byte(header)) + "." + encode(fmt.Appendf(nil, `{"iss":"i","sub":"s","iat":%d,"exp":%d}`, issued, expires))
		digest := sha256.Sum256([]byte(signed))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
		require.NoError(t, err)
		return signed + "." + encode(signature)
	}
	now := time.Now().Unix()
	right := sign(`{"alg":"RS256"}`, now, now+60)
	claims, err := rs256.Verify(right, &key.PublicKey, time.Minute)
	require.NoError(t, err)
	assert.Equal(t, rs256.Claims{Issuer: "i", Subject: "s", Issued: now, Expires: now + 60}, claims)
	for want, text := range map[string]string{
		"three parts":    "a.b",
		"illegal base64": right + "!",
		"JSON":           sign(`{`, now, now+60),
		"algorithm":      sign(`{"alg":"none"}`, now, now+60),
		"signature":      right[:len(right)-8] + "AAAAAAAA",
		"not valid":      sign(`{"alg":"RS256"}`, now-60, now),
		"too long":       sign(`{"alg":"RS256"}`, now, now+61),
	} {
		_, err := rs256.Verify(text, &key.PublicKey, time.Minute)
		assert.ErrorContains(t, err, want)
	}
}
