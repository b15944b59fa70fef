package consent_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ownDevice is a DeviceFlow of another package.
type ownDevice struct {
	prompt   connectorauth.DevicePrompt
	err      error
	finished bool
}

func (d *ownDevice) BeginDevice(context.Context) (connectorauth.DevicePrompt, connectorauth.Secret, error) {
	return d.prompt, "pending", nil
}

func (d *ownDevice) FinishDevice(context.Context, connectorauth.Secret) error {
	d.finished = true
	return d.err
}

var aPrompt = connectorauth.DevicePrompt{UserCode: "AB-CD", VerificationURI: "https://p.example/d"}

// Nobody can type a code that nobody has seen.
func TestDeviceNeedsATerminal(t *testing.T) {
	pr, pw := io.Pipe()
	pr.Close()
	flow := &ownDevice{prompt: aPrompt}
	err := consent.Device(t.Context(), flow, pw)
	require.ErrorIs(t, err, io.ErrClosedPipe)
	var failed *consent.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, consent.ReasonInternal, failed.Reason)
	assert.False(t, flow.finished)
}

// A terminal does not do what a flow says.
func TestDeviceShowsNoControlCharacters(t *testing.T) {
	for _, prompt := range []connectorauth.DevicePrompt{
		{UserCode: "A\x1b[2J", VerificationURI: "https://p.example/d"},
		{UserCode: "AB", VerificationURI: "https://p.example/\u009b2J"},
		{UserCode: "AB\u202e", VerificationURI: "https://p.example/d"},
	} {
		var out bytes.Buffer
		require.NoError(t, consent.Device(t.Context(), &ownDevice{prompt: prompt}, &out))
		for _, unsafe := range []string{"\x1b", "\u009b", "\u202e"} {
			assert.NotContains(t, out.String(), unsafe)
		}
	}
}

// Microsoft has a word of its own for a refusal of the account owner.
func TestDeviceIsDeclined(t *testing.T) {
	for code, reason := range map[string]consent.Reason{
		"access_denied": consent.ReasonDenied, "authorization_declined": consent.ReasonDenied, "invalid_client": consent.ReasonRefused,
	} {
		err := consent.Device(t.Context(), &ownDevice{prompt: aPrompt, err: &connectorauth.TokenError{Code: code, StatusCode: 400}}, io.Discard)
		var failed *consent.Error
		require.True(t, errors.As(err, &failed))
		assert.Equal(t, reason, failed.Reason, code)
	}
}
