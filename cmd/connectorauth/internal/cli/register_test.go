//go:build unix

package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A redirect URL is registered for a consent in the browser alone: a device has none.
func TestTheAdviceToRegisterFitsTheGrant(t *testing.T) {
	w := newWorld(t)
	w.define("umbrella", w.p.BearerURL, `"methods": [{"name": "app", "type": "OAuth2", "tokenUrl": "`+w.p.TokenURL+`", "grant": {"clientCredentials": {}}}]`)
	for service, says := range map[string]string{
		"globex":   "Register an application at the service with the redirect URL http://127.0.0.1/callback first.",
		"initech":  "Register an application for devices at the service first.",
		"umbrella": "Register an application at the service first.",
	} {
		s := w.inTerminal("connect", service)
		s.until("Client ID of your application: ")
		s.typed("\x03")
		code, seen := s.end()
		assert.Equal(t, 130, code)
		assert.Contains(t, seen, says)
	}
}
