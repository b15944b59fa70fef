package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// Exit code 7 comes with the command that connects the account again, and test has the code for
// whatever list calls reauth_required.
func TestAnAccountToConnectAgainNamesTheCommand(t *testing.T) {
	w := newWorld(t)
	w.key("--name", "work")
	w.p.Inject(w.p.KeyHeaderURL, 1, authtest.Answer(401, nil, ""))
	code, out, _ := w.run("", "test", "work")
	assert.Equal(t, exit.Reauth, code)
	assert.Contains(t, out, "work ("+w.p.Username+"): reauth_required\n")
	assert.Contains(t, out, "\nRun connectorauth connect --again work\n")
	assert.Contains(t, w.ok("", "test", "work"), ": ok\n")

	w.p.Inject(w.p.KeyHeaderURL, 1, authtest.Answer(503, nil, ""))
	code, out, _ = w.run("", "test", "work")
	assert.Equal(t, exit.Failed, code, "the account owner can do nothing")
	assert.NotContains(t, out, "--again")

	w.consent()
	w.p.RevokeGrants()
	w.p.ExpireAccessTokens()
	for range 2 {
		code, _, err := w.run("", "call", "globex", "GET", "/me")
		assert.Equal(t, exit.Reauth, code, err)
		assert.Contains(t, err, "run connectorauth connect --again globex-1\n")
	}
	code, out, err := w.run("", "token", "globex")
	assert.Equal(t, exit.OK, code, "a token that has not ended may serve other hosts of the service still")
	assert.NotEmpty(t, out)
	assert.Contains(t, err, "The token may be refused, because the account must be connected again; run connectorauth connect --again globex-1\n")
}
