package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSignIn(t *testing.T) {
	p := newProvider()
	defer p.close()
	var out bytes.Buffer
	require.NoError(t, signIn(t.Context(), p.client(), &out))
	assert.Equal(t, "Signed in as alice@example.com, 248289761001 of "+p.URL+"\n", out.String())
}

// What the provider signs is not enough: the ID token must be for this client and this consent.
func TestIDTokensThatAreRefused(t *testing.T) {
	for want, change := range map[string]func(map[string]any){
		"different provider": func(claims map[string]any) { claims["iss"] = "https://evil.example" },
		"audience":           func(claims map[string]any) { claims["aud"] = "another-client" },
		"expired":            func(claims map[string]any) { claims["exp"] = time.Now().Add(-time.Hour).Unix() },
		"another consent":    func(claims map[string]any) { claims["nonce"] = "of another consent" },
		"does not match":     func(claims map[string]any) { claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" },
	} {
		t.Run(want, func(t *testing.T) {
			p := newProvider()
			defer p.close()
			p.change = change
			var out bytes.Buffer
			require.ErrorContains(t, signIn(t.Context(), p.client(), &out), want)
			assert.Empty(t, out.String())
		})
	}
}
