package accounts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A definition may name an issuer, or another one, when there are accounts already. Accounts go
// on if the definition names all endpoints besides, and else their owners are asked.
func TestIssuerThatIsNewToAccounts(t *testing.T) {
	const endpoints = `"tokenUrl": "TOKENURL", "grant": {"authorizationCode": {"authUrl": "AUTHURL"}}`
	const issuer = `"issuer": {"url": "ISSUER"}, `
	for name, test := range map[string]struct {
		before, after string
		status        accounts.Status
	}{
		"added":           {endpoints, issuer + endpoints, accounts.StatusOK},
		"removed":         {issuer + endpoints, endpoints, accounts.StatusOK},
		"takes the place": {endpoints, issuer + `"grant": {"authorizationCode": {}}`, accounts.StatusReauthRequired},
		"changed":         {issuer + endpoints, `"issuer": {"url": "https://login.example.com"}, ` + endpoints, accounts.StatusReauthRequired},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				var err error
				w.config.Finder, err = discovery.New(discovery.Config{HTTPClient: w.p.Client()})
				require.NoError(t, err)
				document := `{"connectorauth": 1, "name": "acme", "revision": 1, "baseUrl": "BEARERURL",
					"methods": [{"name": "oauth", "type": "OAuth2", "keepAlive": "24h", ` + test.before + `}], "test": {"request": "GET /me", "id": "/user"}}`
				w.define(document)
				r := w.process()
				a, b := w.withConsent(r), w.withConsent(r)
				w.define(strings.NewReplacer(test.before, test.after, `"revision": 1`, `"revision": 2`).Replace(document))
				r = w.process()
				time.Sleep(25 * time.Hour)
				_, err = r.Sweep(t.Context(), 10)
				require.NoError(t, err)
				now, err := r.Get(t.Context(), a.ID)
				require.NoError(t, err)
				assert.Equal(t, test.status, now.Status, now.Error)
				_, err = r.Disconnect(t.Context(), b.ID)
				require.NoError(t, err)
				if test.status == accounts.StatusOK {
					assert.Equal(t, 200, w.status(r, a.ID))
				}
				if name == "takes the place" { // the way out
					_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{})
					require.NoError(t, err)
				}
			})
		})
	}
}
