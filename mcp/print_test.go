package mcp_test

import (
	"fmt"
	"testing"

	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
)

func TestAccountShowsNoSecret(t *testing.T) {
	w := newWorld(t)
	config := w.config(new(tokenstore.Memory))
	config.Issuer, config.OAuth2.ClientID, config.OAuth2.ClientSecret = w.old.URL, "client", "canary-secret"
	account := must(mcp.New(config))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(verb, account), "canary-secret", verb)
		assert.NotContains(t, fmt.Sprintf(verb, struct{ a *mcp.Account }{account}), "canary-secret", verb)
		assert.NotContains(t, fmt.Sprintf(verb, config), "canary-secret", verb)
	}
}
