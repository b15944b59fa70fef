package cli_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// Exit code 7 is about an account that exists. A first connect has none, whatever the service has
// refused: a key by the status of the API, or a password by that of the login.
func TestARefusedFirstConnectLeavesNoAccountToConnectAgain(t *testing.T) {
	w := newWorld(t)
	w.define("soylent", w.p.SessionURL, fmt.Sprintf(`"methods": [{"name": "login", "type": "Session",
		"inputs": [{"name": "user", "title": "User"}, {"name": "password", "title": "Password", "secret": true}],
		"login": [{"url": %q, "json": {"username": "{user}", "password": "{password}"}, "capture": {"token": "session.token"}}],
		"places": [{"name": "X-Session"}]}]`, w.p.LoginJSONURL))
	code, _, err := w.run(values("user", w.p.Username, "password", "wrong"), "connect", "soylent", "--values", "-")
	assert.Equal(t, exit.Failed, code, err)
	assert.Contains(t, err, "the service refused the credential")
	assert.Contains(t, err, "check Password")
	assert.NotContains(t, err, "--again")
	code, _, err = w.run(values("apiKey", "wrong"), "connect", "acme", "--values", "-")
	assert.Equal(t, exit.Failed, code, err)

	good := values("user", w.p.Username, "password", w.p.Password)
	w.ok(good, "connect", "soylent", "--values", "-")
	code, _, err = w.run(values("user", w.p.Username, "password", "wrong"), "connect", "--again", "soylent", "--values", "-")
	assert.Equal(t, exit.Reauth, code, err)
}
