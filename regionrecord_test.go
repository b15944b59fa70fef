package connectorauth_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// editRecord changes the token in the account's record.
func editRecord(t *testing.T, store connectorauth.TokenStore, edit func(value map[string]any)) {
	t.Helper()
	raw, ok, err := store.Load(t.Context(), "alice")
	require.NoError(t, err)
	require.True(t, ok)
	var record map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&record))
	edit(record["value"].(map[string]any))
	raw, err = json.Marshal(record)
	require.NoError(t, err)
	require.NoError(t, store.Save(t.Context(), "alice", raw))
}

// A record does not widen the list (I23). Nothing is lost: the next config may have
// the region.
func TestRecordOfAnotherRegionIsLeftAlone(t *testing.T) {
	for name, region := range map[string]string{"another": "https://evil.test", "that the config no longer has": ""} {
		t.Run(name, func(t *testing.T) {
			inRegions(t, func(t *testing.T, w *worldwide, store connectorauth.TokenStore) {
				c := w.connect(t, store, nil)
				pending, callback := consented(t, w.Provider, c)
				callback.Set("accounts-server", "eu")
				require.NoError(t, c.Finish(t.Context(), pending, callback))
				w.took()
				with := regional
				if region != "" {
					editRecord(t, store, func(value map[string]any) { value["region"] = region })
				} else {
					with = dialect.OAuth2{}
				}
				other := w.connect(t, store, func(c *connectorauth.OAuth2Config) { c.Dialect = with })
				_, err := other.Token(t.Context())
				require.NoError(t, err, "the access token is good")
				for _, err := range []error{other.Renew(t.Context()), other.Revoke(t.Context())} {
					require.ErrorContains(t, err, "Regions")
					assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
				}
				assert.Empty(t, w.took())
				editRecord(t, store, func(value map[string]any) {
					assert.NotEmpty(t, value["region"])
					value["region"] = regionEU
				})
				require.NoError(t, w.connect(t, store, nil).Renew(t.Context()))
			})
		})
	}
}

// The identity of an account is that of the configured token URL: a record without
// a region serves a config with regions.
func TestRecordWithoutARegionServesAConfigWithRegions(t *testing.T) {
	inRegions(t, func(t *testing.T, w *worldwide, store connectorauth.TokenStore) {
		before := w.connect(t, store, func(c *connectorauth.OAuth2Config) { c.Dialect = dialect.OAuth2{} })
		pending, callback := consented(t, w.Provider, before)
		require.NoError(t, before.Finish(t.Context(), pending, callback))
		after := w.connect(t, store, nil)
		require.NoError(t, after.Renew(t.Context()))
		require.NoError(t, before.Renew(t.Context()))
		for _, sent := range w.took() {
			assert.True(t, strings.HasPrefix(sent, regionUS+" "), sent)
		}
	})
}
