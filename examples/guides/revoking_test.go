package guides

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// leave ends the account of a connector.
func leave(ctx context.Context, connector *connectorauth.OAuth2) (string, error) {
	var text string
	err := connector.Revoke(ctx)
	if errors.Is(err, connectorauth.ErrNoRevocation) {
		text = "Remove the access of this program in the settings of Acme."
		err = connector.Forget(ctx)
	}
	if err != nil {
		return "", err // nothing was forgotten: call again later
	}
	return text, nil
}

func TestLeave(t *testing.T) {
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		store := new(tokenstore.Memory)
		connector, other := bob(p, store, nil), bob(p, store, nil)
		connect(t, p, connector, "read write")
		client := connectorauth.NewClient(other, p.Client())
		resp, err := get(client, p.BearerURL)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode)

		p.Inject(p.RevokeURL, 2, authtest.Answer(http.StatusServiceUnavailable, nil, ""))
		_, err = leave(t.Context(), connector)
		require.Error(t, err)
		resp, err = get(client, p.BearerURL)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, resp.StatusCode, "nothing was forgotten")

		for range 2 { // the second time, there is no token
			text, err := leave(t.Context(), connector)
			require.NoError(t, err)
			assert.Empty(t, text)
		}
		assert.Equal(t, 1, p.Stats().RevokedGrants)
		for _, client := range []*http.Client{client, connectorauth.NewClient(bob(p, store, nil), p.Client())} {
			_, err = get(client, p.BearerURL)
			assert.ErrorIs(t, err, connectorauth.ErrNotConnected, "the other process, and a new one")
		}
	})
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		store := new(tokenstore.Memory)
		silent := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, HTTPClient: p.Client(),
			Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, Store: store, Account: "bob", Shared: new(connectorauth.Shared),
		}))
		connect(t, p, silent, "read")
		other := connectorauth.NewClient(bob(p, store, nil), p.Client())
		_, err := get(other, p.BearerURL)
		require.NoError(t, err)

		text, err := leave(t.Context(), silent)
		require.NoError(t, err)
		assert.Contains(t, text, "settings of Acme")
		resp, err := get(other, p.BearerURL)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, resp.StatusCode, "the other process has the access token in memory")
		time.Sleep(2 * time.Hour)
		_, err = get(other, p.BearerURL)
		assert.ErrorIs(t, err, connectorauth.ErrNotConnected)
	})
}

// end revokes an account, and after a week forgets the account in any case.
func end(ctx context.Context, connector *connectorauth.OAuth2, since time.Time) (done bool, err error) {
	err = connector.Revoke(ctx)
	if err == nil {
		return true, nil
	}
	var failed *connectorauth.TokenError
	refused := errors.As(err, &failed) && !failed.Temporary()
	if refused || time.Since(since) > 7*24*time.Hour {
		return true, connector.Forget(ctx)
	}
	return false, err
}

func TestEnd(t *testing.T) {
	for name, test := range map[string]struct {
		answer authtest.Fault
		tries  int // of which each day has one
	}{
		"answers":            {authtest.EditHeader(func(int, http.Header) {}), 1},
		"refuses":            {authtest.Answer(http.StatusUnauthorized, http.Header{"Content-Type": {"application/json"}}, `{"error": "invalid_client"}`), 1},
		"is gone":            {authtest.Answer(http.StatusNotFound, nil, ""), 9},
		"closes connections": {authtest.DropBefore(), 9},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *authtest.Provider) {
				connector, since := bob(p, new(tokenstore.Memory), nil), time.Now()
				connect(t, p, connector, "read")
				p.Inject(p.RevokeURL, authtest.Always, test.answer)
				tries := 1
				for ; tries < 20; tries++ {
					done, err := end(t.Context(), connector, since)
					if assert.Equal(t, done, err == nil); done {
						break
					}
					time.Sleep(24 * time.Hour)
				}
				assert.Equal(t, test.tries, tries)
				status, err := connector.Status(t.Context())
				require.NoError(t, err)
				assert.Equal(t, connectorauth.StateNotConnected, status.State)
			})
		})
	}
}

// disconnect ends an account of a registry.
func disconnect(ctx context.Context, registry *accounts.Registry, user, id string) (string, error) {
	revoked, err := registry.As(user).Disconnect(ctx, id)
	switch {
	case err != nil:
		return "Acme does not answer. The account is switched off, and will be removed.", nil // Sweep goes on
	case !revoked:
		return "The account is removed. Remove the access of this program in the settings of Acme, too.", nil
	}
	return "The account is removed.", nil
}

func TestDisconnect(t *testing.T) {
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		config := place(p, acme(p, ""))
		registry := process(config)
		for _, id := range []string{"a", "b", "c"} {
			imported(t, registry, p, id)
		}
		text := must(disconnect(t.Context(), registry, "ada", "a"))
		assert.Equal(t, "The account is removed.", text)
		text = must(disconnect(t.Context(), registry, "ada", "a"))
		assert.Contains(t, text, "is removed", "a second click")

		p.Inject(p.RevokeURL, authtest.Always, authtest.Answer(http.StatusServiceUnavailable, nil, ""))
		for _, id := range []string{"b", "c"} {
			text = must(disconnect(t.Context(), registry, "ada", id))
			assert.Contains(t, text, "switched off")
			_, err := process(config).Client(t.Context(), id)
			assert.ErrorIs(t, err, accounts.ErrDisconnected)
		}
		time.Sleep(2 * time.Hour)
		p.ClearFaults()
		swept, err := process(config).Sweep(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, 1, swept.Removed, "the provider answers")

		p.Inject(p.RevokeURL, authtest.Always, authtest.Answer(http.StatusServiceUnavailable, nil, ""))
		time.Sleep(8 * 24 * time.Hour)
		swept, err = process(config).Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, 1, swept.Removed, "after a week, without the provider")
		assert.Equal(t, 2, p.Stats().RevokedGrants)
	})
}

// A Reconnect leaves the grant at the provider alone.
func TestReconnectDoesNotRevoke(t *testing.T) {
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		config := place(p, acme(p, ""))
		registry := process(config)
		imported(t, registry, p, "a")
		must(registry.Reconnect(t.Context(), "a", accounts.Request{}))
		flow := must(registry.Flow(t.Context(), "a"))
		authURL, pending, err := flow.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		require.NoError(t, flow.Finish(t.Context(), pending, must(p.Authorize(authURL)).Query()))
		assert.Zero(t, p.Stats().RevokedGrants)
		assert.Equal(t, accounts.StatusOK, must(registry.Test(t.Context(), "a")).Status)
	})
}

// erase ends all accounts of an owner.
func erase(ctx context.Context, registry *accounts.Registry, owner string) (failed []string, err error) {
	all := func() error {
		for account, err := range registry.All(ctx, accounts.Filter{Owner: owner}) {
			if err != nil {
				return err
			}
			if _, err := registry.As("erasure").Disconnect(ctx, account.ID); err != nil {
				failed = append(failed, account.ID) // Sweep goes on: look again tomorrow
			}
		}
		return nil
	}
	err = all()
	return failed, err
}

func TestErase(t *testing.T) {
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		config := place(p, acme(p, ""))
		registry := process(config)
		for _, id := range []string{"a", "b", "c"} {
			imported(t, registry, p, id)
		}
		p.Inject(p.RevokeURL, 2, authtest.Answer(http.StatusServiceUnavailable, nil, "")) // for both tokens of a
		failed, err := erase(t.Context(), registry, "ada")
		require.NoError(t, err)
		assert.Equal(t, []string{"a"}, failed)
		failed, err = erase(t.Context(), registry, "ada")
		require.NoError(t, err)
		assert.Empty(t, failed)
		assert.Empty(t, must(registry.List(t.Context(), accounts.Filter{Owner: "ada"}, "", 10)))
		assert.Equal(t, 3, p.Stats().RevokedGrants)
	})
}
