package connectorauth_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// assertionGrant is a grant that needs no person.
type assertionGrant struct{}

func (assertionGrant) GrantType() string { return "urn:ietf:params:oauth:grant-type:jwt-bearer" }

func (assertionGrant) Parameters(_ context.Context, r *connectorauth.TokenRequest) error {
	r.Params.Set("assertion", "signed")
	return nil
}

func (assertionGrant) Traits() connectorauth.GrantTraits {
	return connectorauth.GrantTraits{SingleUse: true}
}

func TestGrantWithoutPersonIsNeverDead(t *testing.T) {
	for _, grant := range []connectorauth.Grant{connectorauth.ClientCredentials{}, assertionGrant{}} {
		t.Run(grant.GrantType(), func(t *testing.T) {
			inTime(t, &account{answer: invalidGrant}, func(t *testing.T, a *account) {
				a.edit = func(c *connectorauth.OAuth2Config) { c.Grant = grant }
				for range 24 * 60 {
					_, err := a.token(t)
					require.Error(t, err)
					require.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
					require.NotContains(t, err.Error(), "owner")
					require.ErrorContains(t, err, "invalid_grant")
					time.Sleep(time.Minute)
				}
				assert.Greater(t, len(a.forms), 20)
				assert.Less(t, len(a.forms), 40)
				assert.NotContains(t, a.events.kinds(), connectorauth.EventReauthRequired)
				a.answer = granted
				time.Sleep(72 * time.Minute)
				_, err := a.token(t)
				require.NoError(t, err)
			})
		})
	}
}

func passwordGrant(password connectorauth.Secret) func(*connectorauth.OAuth2Config) {
	return func(c *connectorauth.OAuth2Config) {
		c.Grant = connectorauth.PasswordCredentials{Username: "alice", Password: password}
	}
}

func TestRefusedPasswordIsTriedAgainAfterAnHourGrowingToADay(t *testing.T) {
	inTime(t, &account{answer: invalidGrant, edit: passwordGrant("one")}, func(t *testing.T, a *account) {
		for range 10 * 6 {
			_, err := a.token(t)
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			time.Sleep(4 * time.Hour)
		}
		assert.Greater(t, len(a.forms), 10)
		assert.Less(t, len(a.forms), 20)
		a.answer = granted // the lock has ended
		time.Sleep(24 * time.Hour)
		_, err := a.token(t)
		require.NoError(t, err)
	})
}

func TestChangedPasswordLogsInBeforeTheStoredTokenIsUsed(t *testing.T) {
	inTime(t, &account{answer: granted, edit: passwordGrant("right")}, func(t *testing.T, a *account) {
		one := must(a.token(t))
		assert.Equal(t, one, must(a.token(t)))
		assert.NotContains(t, a.stored(t), "right")
		a.edit, a.answer = passwordGrant("wrong"), invalidGrant
		for range 3 {
			_, err := a.token(t)
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		}
		assert.Equal(t, []string{"right", "wrong"}, a.sent("password"))
		a.edit = passwordGrant("right")
		assert.Equal(t, one, must(a.token(t)), "the wrong password costs nothing")
		a.edit, a.answer = passwordGrant("changed"), granted
		assert.Equal(t, "a3", must(a.token(t)))
	})
}

func TestPasswordsShareNoTokenInMemory(t *testing.T) {
	inTime(t, &account{answer: granted}, func(t *testing.T, a *account) {
		shared := new(connectorauth.Shared)
		with := func(password connectorauth.Secret) *connectorauth.OAuth2 {
			a.edit = func(c *connectorauth.OAuth2Config) { passwordGrant(password)(c); c.Shared = shared }
			return a.connector()
		}
		right := with("right")
		_, err := right.Token(t.Context())
		require.NoError(t, err)
		a.answer = invalidGrant
		_, err = with("wrong").Token(t.Context())
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		runtime.KeepAlive(right)
	})
}
