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

// takePasswords are the services that give a user name and a password for the API, or take
// those of the person. Others give an ID and a secret by other names, and refuse the
// password that a form with the title Password would get.
var takePasswords = []string{"bulksms", "clicksend", "configcat", "pipeliner", "smaily", "teamwork"}

func TestAFormAsksForAPasswordWhereTheServiceTakesOne(t *testing.T) {
	for _, d := range firstShelf(t) {
		for _, m := range d.Methods {
			if _, ok := m.Scheme.(*definition.Basic); !ok {
				continue
			}
			for _, input := range m.Inputs {
				if input.Title == "Password" {
					assert.Contains(t, takePasswords, d.Name)
				}
			}
		}
	}
}
