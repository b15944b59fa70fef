package catalog_test

import (
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/catalog"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func firstShelf(t *testing.T) []*definition.Definition {
	t.Helper()
	set, err := catalog.Load(catalog.Options{AnyHost: true})
	require.NoError(t, err)
	return set.Definitions()
}

// Google shows an error page instead of a consent that asks for nothing.
func TestEachConsentOfGoogleAsksForAScope(t *testing.T) {
	for _, d := range firstShelf(t) {
		for _, m := range d.Methods {
			s, ok := m.Scheme.(*definition.OAuth2)
			if !ok || s.Grant.AuthorizationCode == nil {
				continue
			}
			if strings.HasPrefix(s.Grant.AuthorizationCode.AuthURL, "https://accounts.google.com/") {
				assert.NotEmpty(t, s.Scopes, d.Name)
			}
		}
	}
}
