//go:build !race

package oauth1_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/internal/oauth1"
)

// A nonce, a signature and a header value are three strings and nothing else.
// (Under the race detector sync.Pool forgets things on purpose.)
func TestSigningAllocatesOnlyItsResults(t *testing.T) {
	signer := newSigner(t, oauth1.Config{ConsumerKey: "c", ConsumerSecret: "s", Token: "t", TokenSecret: "u"})
	req, _ := newRequest(t, "GET", "https://api.example.com/photos?file=vacation.jpg&size=original&page=2", "")
	allocations := testing.AllocsPerRun(1000, func() {
		params, err := signer.Sign(req, nil, oauth1.Stamp{Nonce: oauth1.Nonce(), Timestamp: 1})
		if err != nil || params.Header() == "" {
			t.Error(err)
		}
	})
	assert.LessOrEqual(t, allocations, 3.0)
}
