package connectorauth_test

import (
	"context"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A program tells by the type of an error what is wrong with a record.
func TestRecordsThatCannotBeUsedHaveTypedErrors(t *testing.T) {
	key := tokenstore.Key{ID: "present", Secret: make([]byte, 32)}
	former := tokenstore.Key{ID: "former", Secret: make([]byte, 32)}
	for name, test := range map[string]struct {
		saved string
		by    tokenstore.Key
		want  any // a pointer to the type
	}{
		"a newer record":       {`{"v":99}`, key, new(*storeerror.Newer)},
		"a newer token":        {`{"v":2,"value":{"v":99,"access_token":"a"}}`, key, new(*storeerror.Newer)},
		"of another key":       {`{"v":2}`, former, new(*storeerror.Sealed)},
		"torn":                 {`{"v":2`, key, new(*storeerror.Damaged)},
		"of another token URL": {`{"v":2,"identity":"another client"}`, key, new(*storeerror.Foreign)},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
				inner := new(tokenstore.Memory)
				store, err := tokenstore.NewSealed(inner, key)
				require.NoError(t, err)
				c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Store, config.Account = store, "alice" })
				saver, err := tokenstore.NewSealed(inner, test.by)
				require.NoError(t, err)
				require.NoError(t, saver.Save(t.Context(), "alice", []byte(test.saved)))
				_, err = c.Token(t.Context())
				require.ErrorAs(t, err, test.want)
				assert.ErrorContains(t, err, `"alice"`)
				switch e := test.want.(type) {
				case **storeerror.Newer:
					assert.Equal(t, 99, (*e).Version)
					assert.ErrorContains(t, err, "newer version of the program")
				case **storeerror.Sealed:
					assert.Equal(t, &storeerror.Sealed{Key: "former", Keys: []string{"present"}}, *e)
				case **storeerror.Foreign:
					assert.Equal(t, "another client", (*e).Record)
				}
				_, err = c.Status(t.Context())
				assert.ErrorAs(t, err, test.want)
				value, _, err := saver.Load(t.Context(), "alice")
				require.NoError(t, err)
				assert.Equal(t, test.saved, string(value), "the record stays")
			})
		})
	}
}

// A client that obtains tokens alone replaces what is damaged, and leaves alone what a newer
// program has written.
func TestANewerTokenIsNotReplacedByAClientAlone(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := new(tokenstore.Memory)
		c := connect(t, p, func(config *connectorauth.OAuth2Config) {
			config.Store, config.Account, config.Grant = store, "alice", connectorauth.ClientCredentials{}
		})
		for _, saved := range []string{`{"v":99}`, `{"v":2,"value":{"v":99,"access_token":"a"}}`} {
			require.NoError(t, store.Save(t.Context(), "alice", []byte(saved)))
			_, err := c.Token(t.Context())
			require.ErrorAs(t, err, new(*storeerror.Newer))
			value, _, err := store.Load(t.Context(), "alice")
			require.NoError(t, err)
			assert.Equal(t, saved, string(value))
		}
	})
}

// bounded is a store whose callers wait for a lock for a second.
type bounded struct{ *tokenstore.File }

func (s bounded) Lock(ctx context.Context, key string) (connectorauth.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return s.File.Lock(ctx, key)
}

// Who waits in vain for a renewal learns who holds the lock: from the error where no token is
// good, and from RenewalError where the API has rejected the token.
func TestALockedRecordNamesItsHolder(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		file, err := tokenstore.NewFile(t.TempDir() + "/tokens")
		require.NoError(t, err)
		c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Store, config.Account = bounded{file}, "alice" })
		issue(t, p, c, time.Hour)
		lease, err := file.Lock(t.Context(), "alice")
		require.NoError(t, err)
		defer lease.Unlock()
		p.ExpireAccessTokens()
		resp, err := connectorauth.NewClient(c, p.Client()).Get(p.BearerURL)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, 401, resp.StatusCode)
		var rejected, expired *storeerror.Locked
		require.ErrorAs(t, connectorauth.RenewalError(resp), &rejected)
		time.Sleep(2 * time.Hour)
		_, err = c.Token(t.Context())
		require.ErrorAs(t, err, &expired)
		assert.Equal(t, expired.Holder, rejected.Holder)
		assert.NotZero(t, expired.Holder.PID)
		assert.ErrorContains(t, err, expired.Holder.String())
	})
}
