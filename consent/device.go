package consent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// A DeviceFlow is a consent on another device (RFC 8628), such as a
// *connectorauth.OAuth2 with the DeviceCode grant.
type DeviceFlow interface {
	// BeginDevice returns what the account owner must see, and a pending value for
	// FinishDevice.
	BeginDevice(ctx context.Context) (prompt connectorauth.DevicePrompt, pending connectorauth.Secret, err error)
	// FinishDevice waits until the account owner has decided, and obtains the token.
	FinishDevice(ctx context.Context, pending connectorauth.Secret) error
}

// Device runs the consent of a command-line program on a machine without a browser: Device
// prints where the account owner types which code, in English, and waits for the decision.
// A nil out means os.Stderr. The error is an [*Error], or the error of ctx if ctx ends
// first.
func Device(ctx context.Context, flow DeviceFlow, out io.Writer) error {
	if out == nil {
		out = os.Stderr
	}
	prompt, pending, err := flow.BeginDevice(ctx)
	if err == nil {
		// A flow of another package may hand on what its provider says.
		address, code := scrub.Text(prompt.VerificationURI, 2<<10), scrub.Text(prompt.UserCode, 100)
		if _, err := fmt.Fprintf(out, "Open this address on any device:\n\n  %s\n\nand type this code:\n\n  %s\n\n", address, code); err != nil {
			return fail(ReasonInternal, err) // nobody can type a code that nobody has seen
		}
		err = flow.FinishDevice(ctx, pending)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return err
	}
	return classifyDevice(err)
}
