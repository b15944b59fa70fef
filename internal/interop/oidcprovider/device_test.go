package oidcprovider_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
)

// The account owner decides after the provider has said authorization_pending.
func TestDeviceWaitsForTheDecision(t *testing.T) {
	s := start(t)
	for button, code := range map[string]string{"confirm": "", "abort": "access_denied"} {
		t.Run(button, func(t *testing.T) {
			t.Parallel() // each waits for two polls
			f := named("device")
			c, err := s.site(t).open(t.Context(), f)
			require.NoError(t, err)
			prompt, pending, err := c.BeginDevice(t.Context())
			require.NoError(t, err)
			assert.Equal(t, s.issuer+"/device", prompt.VerificationURI)
			ended := make(chan error, 1)
			go func() { ended <- c.FinishDevice(t.Context(), pending) }()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			require.NoError(t, s.wait(ctx, func(m *message) bool { return m.response["error"] == "authorization_pending" }))
			newOwner(t).decide(t, prompt.VerificationURIComplete, button)
			err = <-ended
			if code == "" {
				require.NoError(t, err)
				s.use(t, c, f)
				return
			}
			var refused *connectorauth.TokenError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, code, refused.Code)
			_, err = c.Token(t.Context())
			assert.ErrorIs(t, err, connectorauth.ErrNotConnected)
		})
	}
}
