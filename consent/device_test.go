package consent_test

import (
	"context"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

func TestDevice(t *testing.T) {
	for name, test := range map[string]struct {
		act    func(p *authtest.Provider, code string) error
		reason consent.Reason
	}{
		"allowed": {(*authtest.Provider).AuthorizeDevice, ""},
		"denied":  {(*authtest.Provider).DenyDevice, consent.ReasonDenied},
		"late":    {func(*authtest.Provider, string) error { return nil }, consent.ReasonExpired},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := authtest.New(authtest.Config{InMemory: true})
			defer p.Close()
			c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
				Grant: connectorauth.DeviceCode{DeviceURL: p.DeviceURL}, HTTPClient: p.Client(), Shared: new(connectorauth.Shared),
			})
			require.NoError(t, err)
			out, done := new(terminal), make(chan error)
			go func() { done <- consent.Device(t.Context(), c, out) }()
			time.Sleep(7 * time.Second)
			require.Contains(t, out.String(), p.URL+"/device\n", name)
			require.NoError(t, test.act(p, regexp.MustCompile(`[A-Z2-7]{4}-[A-Z2-7]{4}`).FindString(out.String())))
			err = <-done
			if test.reason == "" {
				require.NoError(t, err)
				return
			}
			var failed *consent.Error
			require.ErrorAs(t, err, &failed, name)
			require.Equal(t, test.reason, failed.Reason, name)

			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, consent.Device(ctx, c, out), context.DeadlineExceeded)
		})
	}
}
