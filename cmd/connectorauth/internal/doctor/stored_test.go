package doctor_test

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/doctor"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestRecordsThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		key, value string // the key follows the ID of the account
		cause      doctor.Cause
		words      string
		step       string
	}{
		"newer token":   {"/1", `{"v": 99}`, doctor.CauseVersion, "reads records of version 99", "record"},
		"torn token":    {"/1", `{"v": 1`, doctor.CauseRecord, "is damaged", "record"},
		"newer values":  {"/1/values", `{"account": {"version": 99, "definition": "acme"}}`, doctor.CauseVersion, "Update this program", "account"},
		"values of old": {"/1/values", `{"account": {"version": 1, "definition": "gone"}}`, doctor.CauseDefinition, "Add the definition", "account"},
		"newer service": {"/1/values", `{"account": {"version": 1, "definition": "acme", "revision": 9}}`, doctor.CauseDefinition, "or a newer one", "account"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.connect("oauth")
			sealed, err := tokenstore.NewSealed(w.config.Store, w.config.Keys...)
			require.NoError(t, err)
			require.NoError(t, sealed.Save(t.Context(), id+c.key, []byte(c.value)))
			r := w.diagnosed(doctor.Fault, c.cause, c.words)
			assert.Equal(t, doctor.Fault, step(r, c.step)[0].Outcome)
		})
	}
	t.Run("a token of another key", func(t *testing.T) {
		w := newWorld(t)
		id := w.connect("oauth")
		sealed, err := tokenstore.NewSealed(w.config.Store, tokenstore.Key{ID: "k", Secret: bytes.Repeat([]byte("z"), 32)})
		require.NoError(t, err)
		require.NoError(t, sealed.Save(t.Context(), id+"/1", []byte("{}")))
		w.diagnosed(doctor.Fault, doctor.CauseStoreKey, "key with which the store was sealed")
	})
	t.Run("a token under a key that is gone", func(t *testing.T) {
		w := newWorld(t)
		id := w.connect("oauth")
		sealed, err := tokenstore.NewSealed(w.config.Store, tokenstore.Key{ID: "former", Secret: bytes.Repeat([]byte("z"), 32)})
		require.NoError(t, err)
		require.NoError(t, sealed.Save(t.Context(), id+"/1", []byte("{}")))
		w.diagnosed(doctor.Fault, doctor.CauseStoreKey, `whose ID is "former"`)
	})
	t.Run("values that were never sealed", func(t *testing.T) {
		w := newWorld(t)
		id := w.connect("key")
		require.NoError(t, w.config.Store.Save(t.Context(), id+"/1/values", []byte("{}")))
		w.diagnosed(doctor.Fault, doctor.CauseRecord, "is damaged")
	})
	t.Run("no values", func(t *testing.T) {
		w := newWorld(t)
		id := w.connect("key")
		require.NoError(t, w.config.Store.Delete(t.Context(), id+"/1/values"))
		w.diagnosed(doctor.Fault, doctor.CauseReauthRequired, "Connect the account again")
	})
}

// Another process holds the lock of the account. Without a lock, a token that is good is used.
func TestALockedAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, err := tokenstore.NewFile(t.TempDir() + "/tokens")
		require.NoError(t, err)
		network := &dated{}
		config := program(t, slow, accounts.Row{Token: &oauth2.Token{AccessToken: "access-token", RefreshToken: "refresh-token", Expiry: time.Now().Add(time.Hour)}}, network)
		memory := config.Store
		a, _, err := config.Index.Get(t.Context(), "a1")
		require.NoError(t, err)
		key := fmt.Sprintf("a1/%d", a.Current)
		for name, store := range map[string]connectorauth.SharedTokenStore{"that names the holder": file, "that does not": memory} {
			config.Store = store
			for _, suffix := range []string{"", "/values"} { // as the import has written
				value, found, err := memory.Load(t.Context(), key+suffix)
				require.NoError(t, err)
				require.True(t, found)
				require.NoError(t, store.Save(t.Context(), key+suffix, value))
			}
			lease, err := store.Lock(t.Context(), key)
			require.NoError(t, err)
			report, err := doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: "a1"}, nil)
			require.NoError(t, err)
			assert.Equal(t, doctor.OK, report.Outcome, "%s: %s", name, report.Advice)
			network.reject = true
			report, err = doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: "a1"}, nil)
			require.NoError(t, err)
			assert.Equal(t, doctor.CauseLocked, report.Cause, "%s: %s", name, report.Advice)
			assert.Contains(t, report.Advice, "holds the lock of the account")
			network.reject = false
			lease.Unlock()
		}
	})
}
