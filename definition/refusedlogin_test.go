package definition_test

import (
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A service that refuses a login with the status 200 refuses the credential all the same: the
// account owner has to act, and a later try changes nothing.
func TestLoginThatIsRefusedWithASuccessIsARefusedCredential(t *testing.T) {
	d := parse(t, `{
  "connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com",
  "methods": [{
    "name": "login", "type": "Session",
    "inputs": [{"name": "user", "title": "User name"}, {"name": "password", "title": "Password", "secret": true}],
    "login": [{"url": "https://api.example.com/login", "json": {"user": "{user}", "password": "{password}"}, "capture": {"token": "session.id"}}],
    "places": [{"name": "X-Session"}],
    "refusals": [{"status": 200, "path": "ok", "value": "false"}]
  }],
  "test": {"request": "GET /me"}
}`)
	for name, body := range map[string]string{
		"by a refusal":               `{"ok": false}`,
		"by a value that is missing": `{"why": "wrong password"}`,
	} {
		t.Run(name, func(t *testing.T) {
			client := responding(200, body)
			account, err := d.Connect(definition.Connection{
				Values:     map[string]connectorauth.Secret{"user": "ada", "password": "CANARY-0123"},
				HTTPClient: client, Shared: new(connectorauth.Shared),
			})
			require.NoError(t, err)
			_, err = account.Check(t.Context(), client)
			var failed *definition.CheckError
			require.ErrorAs(t, err, &failed)
			assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			assert.Equal(t, definition.ReasonRefused, failed.Reason)
			assert.False(t, failed.Temporary())
			assert.Equal(t, []string{"password"}, failed.Inputs)
			assert.Contains(t, err.Error(), "the service refused the credential: ")
			assert.Contains(t, err.Error(), "; check Password")
			assert.NotContains(t, err.Error(), "CANARY")
		})
	}
}
