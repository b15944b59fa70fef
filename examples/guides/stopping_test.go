package guides

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// stopping is the second block of "Shutdown", for a program without a registry.
func stopping(server *http.Server, shared *connectorauth.Shared) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go server.ListenAndServe() // examples/connect handles the error
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	err := errors.Join(
		server.Shutdown(end), // first: waits for requests and consents under way
		shared.Shutdown(end), // waits until tokens are saved; the error names the accounts whose tokens were not saved
	)
	return err
}

// SIGTERM comes in the middle of a renewal.
func TestStopping(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process of Windows cannot send itself SIGTERM")
	}
	p, store, shared := authtest.NewProvider(t), new(tokenstore.Memory), new(connectorauth.Shared)
	connector := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, Store: store, Account: "ada", Shared: shared,
	}))
	access, refresh := p.IssueTokens("")
	require.NoError(t, connector.SetToken(t.Context(), &oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(time.Hour)}))

	serving, stopped := make(chan bool), make(chan error)
	server := &http.Server{Addr: "127.0.0.1:0", BaseContext: func(net.Listener) context.Context { close(serving); return context.Background() }}
	go func() { stopped <- stopping(server, shared) }()
	<-serving
	p.Inject(p.TokenURL, 1, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			assert.NoError(t, must(os.FindProcess(os.Getpid())).Signal(syscall.SIGTERM))
			next.ServeHTTP(w, r)
		})
	})
	var renewal sync.WaitGroup
	renewal.Go(func() { assert.NoError(t, connector.Renew(t.Context())) })
	require.NoError(t, <-stopped)
	renewal.Wait()

	again := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{ // as after the next start
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, Store: store, Account: "ada", Shared: new(connectorauth.Shared),
	}))
	token, err := again.Token(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, access, token.AccessToken)
	assert.NotEqual(t, refresh, token.RefreshToken)
}
