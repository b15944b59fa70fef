package connectorauth_test

import (
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// The extra values of a token that moves in may be the token response, in which the
// region is nested. A refresh token must not go to another region.
func TestSetTokenNamesTheRegionByItsPath(t *testing.T) {
	nested := func(region any) map[string]any {
		return map[string]any{"account": map[string]any{"regions": []any{region}}}
	}
	for name, extra := range map[string]map[string]any{
		"nested":       nested("eu"),
		"by the path":  {"account.regions.0": "eu"},
		"both, nested": {"account.regions.0": "eu", "account": map[string]any{"regions": []any{"in"}}},
		"by callback":  {"accounts-server": "eu", "account": map[string]any{"regions": []any{""}}},
	} {
		t.Run(name, func(t *testing.T) {
			inRegions(t, func(t *testing.T, w *worldwide, store connectorauth.TokenStore) {
				d := regional
				d.Regions.Response = "account.regions.0"
				c := w.connect(t, store, func(c *connectorauth.OAuth2Config) { c.Dialect = d })
				require.NoError(t, c.SetToken(t.Context(), (&oauth2.Token{AccessToken: "a"}).WithExtra(extra)))
				editRecord(t, store, func(value map[string]any) { assert.Equal(t, regionEU, value["region"]) })
				require.Error(t, c.SetToken(t.Context(), (&oauth2.Token{AccessToken: "a"}).WithExtra(nested("mars"))))
			})
		})
	}
}
