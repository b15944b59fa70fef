package discovery_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A client that was replaced is no longer the present one, whoever refuses the client.
func TestRefusalOfAFormerClientIsNoWordAboutThePresentOne(t *testing.T) {
	p := authtest.NewProvider(t)
	s := newProcess(t, p, new(tokenstore.Memory))
	server := must(s.finder.Server(t.Context(), p.URL))
	first := must(s.registrar.Client(t.Context(), server, callbackURL))
	second := must(s.registrar.Replace(t.Context(), server, callbackURL))
	require.NotEqual(t, first.ClientID, second.ClientID)
	require.NoError(t, s.registrar.Refused(t.Context(), p.URL, callbackURL, first.ClientID))
	assert.Equal(t, second.ClientID, must(s.registrar.Client(t.Context(), server, callbackURL)).ClientID)
	assert.Equal(t, 2, p.Stats().Registrations)
}

// A refusal is not lost when the registration is changed at the same time.
func TestClientIsRefusedWhileTheClientIsChanged(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		s := newProcess(t, p, new(tokenstore.Memory))
		server := must(s.finder.Server(t.Context(), p.URL))
		first := must(s.registrar.Client(t.Context(), server, callbackURL))
		p.Inject(p.RegisterURL, 1, authtest.Delay(10*time.Second))
		var all sync.WaitGroup
		all.Go(func() {
			_, err := s.registrar.Update(t.Context(), server, callbackURL)
			assert.NoError(t, err)
		})
		time.Sleep(time.Second)
		require.NoError(t, s.registrar.Refused(t.Context(), p.URL, callbackURL, first.ClientID))
		all.Wait()
		assert.NotEqual(t, first.ClientID, must(s.registrar.Client(t.Context(), server, callbackURL)).ClientID)
		assert.Equal(t, 2, p.Stats().Registrations)
	})
}

// A holder that has lost the lock of the store registers nothing.
func TestLostLockRegistersNothing(t *testing.T) {
	p := authtest.NewProvider(t)
	s := newProcess(t, p, lost{new(tokenstore.Memory)})
	server := must(s.finder.Server(t.Context(), p.URL))
	_, err := s.registrar.Client(t.Context(), server, callbackURL)
	require.ErrorIs(t, err, errLost)
	assert.Zero(t, p.Stats().Registrations)
}

var errLost = errors.New("the lock is lost")

// lost is a store whose locks are lost at once.
type lost struct{ connectorauth.SharedTokenStore }

func (l lost) Lock(ctx context.Context, key string) (connectorauth.Lease, error) {
	lease, err := l.SharedTokenStore.Lock(ctx, key)
	return lostLease{lease}, err
}

type lostLease struct{ connectorauth.Lease }

func (lostLease) Check(context.Context) error { return errLost }
