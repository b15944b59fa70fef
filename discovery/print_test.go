package discovery_test

import (
	"fmt"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAccountShowsNoSecret(t *testing.T) {
	account, err := discovery.NewAccount(discovery.AccountConfig{
		Finder: newWeb(t, "nowhere", nil).finder, Issuer: home,
		OAuth2: connectorauth.OAuth2Config{ClientID: "c", ClientSecret: "canary-secret", Store: new(tokenstore.Memory), Account: "alice"},
	})
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(verb, account), "canary-secret", verb)
		assert.NotContains(t, fmt.Sprintf(verb, struct{ a *discovery.Account }{account}), "canary-secret", verb)
	}
}
