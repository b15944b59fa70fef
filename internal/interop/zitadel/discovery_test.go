package zitadel_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/discovery"
)

// Zitadel's issuer ends with a slash, which people leave out.
func TestMetadataCompleteAConfig(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		finder, err := discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: http.DefaultTransport}})
		require.NoError(t, err)
		for _, issuer := range []string{p.issuer, strings.TrimSuffix(p.issuer, "/")} {
			server, err := finder.Server(t.Context(), issuer)
			require.NoError(t, err)
			assert.Equal(t, p.issuer, server.Issuer)
			config := p.bearer(keyFor(assertion.RS256), server.Issuer)
			config.TokenURL, config.RevokeURL = "", ""
			require.NoError(t, server.Fill(&config))
			assert.Equal(t, p.issuer+"oauth/token", config.TokenURL)
			assert.Equal(t, p.issuer+"revoke", config.RevokeURL)
		}
	})
}
