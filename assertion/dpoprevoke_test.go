package assertion_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// brokenSigner is a key of a KMS that may be out of order.
type brokenSigner struct {
	crypto.Signer
	broken atomic.Bool
}

func (s *brokenSigner) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.broken.Load() {
		return nil, errors.New("the KMS is out of order")
	}
	return s.Signer.Sign(rand, digest, opts)
}

// RFC 9449 wants a proof of token requests, pushed requests and API requests. An account
// must be able to end without its key.
func TestRevocationNeedsNoProof(t *testing.T) {
	signer := &brokenSigner{Signer: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	key := must(assertion.NewKey(assertion.KeyConfig{Signer: signer}))
	a := newDPoPAccount(t, authtest.Config{RequireDPoP: true, DPoPNonce: true}, newDPoP(t, assertion.DPoPConfig{Key: key}))
	a.config.RevokeURL = a.RevokeURL
	c := a.open(t)
	a.connect(t, c)
	signer.broken.Store(true)
	require.NoError(t, c.Revoke(t.Context()))
	requests := a.Requests(a.RevokeURL)
	require.Len(t, requests, 2)
	for _, r := range requests {
		assert.Empty(t, r.Header.Values("DPoP"))
	}
	_, err := c.Token(t.Context())
	assert.ErrorIs(t, err, connectorauth.ErrNotConnected)
}
