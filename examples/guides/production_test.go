package guides

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inDatabase opens store and index in a file, for as long as use takes.
func inDatabase(ctx context.Context, file string, use func(db *sql.DB, store *tokenstore.SQL, index accounts.Index) error) error {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer db.Close() // after all that uses db
	store, err := tokenstore.NewSQL(ctx, tokenstore.SQLConfig{DB: db, Engine: tokenstore.SQLite})
	if err != nil {
		return err
	}
	index, err := accounts.NewSQL(ctx, accounts.SQLConfig{DB: db, Engine: tokenstore.SQLite}) // with package accounts alone
	if err != nil {
		return err
	}
	return use(db, store, index)
}

// serve is the program between its start and its end.
func serve(ctx context.Context, registry *accounts.Registry, server *http.Server, listener net.Listener) error {
	go registry.Run(context.Background()) // until Shutdown
	go server.Serve(listener)

	<-ctx.Done() // SIGTERM, by signal.NotifyContext
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 40*time.Second)
	defer cancel()
	return errors.Join(
		server.Shutdown(end),   // first: requests and consents under way
		registry.Shutdown(end), // then: tokens that are being renewed are saved
	)
}

// The program ends in the middle of a renewal, and the next one goes on with the new token.
func TestServe(t *testing.T) {
	p, file := authtest.NewProvider(t), filepath.ToSlash(filepath.Join(t.TempDir(), "app.db"))
	config := place(p, acme(p, ""))
	program := func(use func(registry *accounts.Registry) error) {
		t.Helper()
		require.NoError(t, inDatabase(t.Context(), file, func(_ *sql.DB, store *tokenstore.SQL, index accounts.Index) error {
			config.Store, config.Index = store, index
			return use(process(config))
		}))
	}
	program(func(registry *accounts.Registry) error {
		imported(t, registry, p, "a")
		ctx, terminate := context.WithCancel(t.Context())
		p.Inject(p.TokenURL, 1, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				terminate()
				next.ServeHTTP(w, r)
			})
		})
		p.RevokeAccessTokens() // so the request renews the token
		listener := must(net.Listen("tcp", "127.0.0.1:0"))
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			resp, err := get(must(registry.Client(r.Context(), "a")), p.BearerURL)
			if assert.NoError(t, err) {
				w.WriteHeader(resp.StatusCode)
			}
		})}
		var user sync.WaitGroup
		user.Go(func() {
			resp, err := get(new(http.Client), "http://"+listener.Addr().String())
			if assert.NoError(t, err) {
				assert.Equal(t, http.StatusOK, resp.StatusCode)
			}
		})
		defer user.Wait()
		return serve(ctx, registry, server, listener)
	})
	program(func(registry *accounts.Registry) error {
		resp, err := get(must(registry.Client(t.Context(), "a")), p.BearerURL)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		return registry.Shutdown(t.Context())
	})
	assert.Equal(t, 1, p.Stats().TokenRequests)
}

// Two replicas need a new token at the same time.
func TestReplicas(t *testing.T) {
	p, db := authtest.NewProvider(t), sqlite(t)
	store := must(tokenstore.NewSQL(t.Context(), tokenstore.SQLConfig{DB: db, Engine: tokenstore.SQLite}))
	connect(t, p, bob(p, store, nil), "read")
	p.RevokeAccessTokens()
	var replicas sync.WaitGroup
	for range 2 {
		client := connectorauth.NewClient(bob(p, store, nil), p.Client())
		for range 10 {
			replicas.Go(func() {
				resp, err := get(client, p.BearerURL)
				if assert.NoError(t, err) {
					assert.Equal(t, http.StatusOK, resp.StatusCode)
				}
			})
		}
	}
	replicas.Wait()
	assert.Equal(t, 1, p.Stats().TokenRequests)
}

// reseal is the third step of the replacement of a key, in a program with a registry.
func reseal(ctx context.Context, registry *accounts.Registry) error {
	done, err := registry.Reseal(ctx)
	slog.Info("sealed again", "now", done.Sealed, "before", done.Before)
	if err != nil {
		return err // names each record that no key opens
	}
	return nil
}

// resealNames is the third step in a program that keeps its accounts itself. names has the Account of each
// connector.
func resealNames(ctx context.Context, store tokenstore.SharedStore, names []string, newer, older tokenstore.Key) (tokenstore.Resealed, error) {
	sealed, err := tokenstore.NewSealed(store, newer, older)
	if err != nil {
		return tokenstore.Resealed{}, err
	}
	return tokenstore.Reseal(ctx, sealed, slices.Values(names))
}

func TestReseal(t *testing.T) {
	p, db := authtest.NewProvider(t), sqlite(t)
	store := must(tokenstore.NewSQL(t.Context(), tokenstore.SQLConfig{DB: db, Engine: tokenstore.SQLite}))
	older := tokenstore.Key{ID: "2026", Secret: bytes.Repeat([]byte{7}, 32)}
	newer := tokenstore.Key{ID: "2027", Secret: bytes.Repeat([]byte{8}, 32)}
	config := place(p, acme(p, ""))
	config.Store = store
	program := func(keys ...tokenstore.Key) *accounts.Registry {
		config.Keys = keys
		return process(config)
	}
	works := func(registry *accounts.Registry, id, url string) error {
		client, err := registry.Client(t.Context(), id)
		if err != nil {
			return err
		}
		resp, err := get(client, url)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = errors.New(resp.Status)
		}
		return err
	}
	imported(t, program(older), p, "token")
	must(program(older).Connect(t.Context(), accounts.Request{ID: "key", Owner: "ada", Definition: "acme", Method: "key", Values: map[string]connectorauth.Secret{
		"apiKey": connectorauth.Secret(p.APIKey),
	}}))
	odd := "a \"name\"\nwith a line break"
	require.NoError(t, must(tokenstore.NewSealed(store, older)).Save(t.Context(), odd, []byte("x")))

	var sealed *storeerror.Sealed
	require.ErrorAs(t, reseal(t.Context(), program(newer)), &sealed, "a process of step 4 before step 3")
	require.NoError(t, reseal(t.Context(), program(newer, older)))
	require.NoError(t, reseal(t.Context(), program(newer)))
	done, err := resealNames(t.Context(), store, []string{odd, "nobody"}, newer, older)
	require.NoError(t, err)
	require.Equal(t, tokenstore.Resealed{Sealed: 1}, done)
	_, found, err := must(tokenstore.NewSealed(store, newer)).Load(t.Context(), odd)
	require.NoError(t, err)
	require.True(t, found)
	require.NoError(t, works(program(newer), "token", p.BearerURL))
	require.NoError(t, works(program(newer), "key", p.KeyHeaderURL))
	require.Error(t, works(program(older), "key", p.KeyHeaderURL))
}

// direct is a client for a proxy that opens TLS.
func direct(authorities *x509.CertPool) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone() // with the proxy of the environment
	transport.TLSClientConfig = &tls.Config{RootCAs: authorities}
	transport.ResponseHeaderTimeout = 20 * time.Second
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	return client
}

// guard is a client for URLs of account owners.
func guard() (*http.Client, error) {
	guarded, err := egress.New(egress.Config{
		Hosts:           []string{"gitlab.internal.example.com"}, // of our own network, and still wanted
		ResponseTimeout: 20 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: guarded, Timeout: time.Minute}, nil
}

// proxied asks for a token in a process whose environment names a proxy. The argument is the way.
func proxied(way string) error {
	clients := map[string]*http.Client{"nothing": nil, "direct": direct(nil), "guard": must(guard())}
	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://login.invalid/token", Grant: connectorauth.ClientCredentials{}, HTTPClient: clients[way],
	})
	if err != nil {
		return err
	}
	if connector.Renew(context.Background()) == nil {
		return errors.New("there is a token")
	}
	return nil
}

func TestProxies(t *testing.T) {
	for way, want := range map[string]string{"nothing": "CONNECT login.invalid:443", "direct": "CONNECT login.invalid:443", "guard": ""} {
		t.Run(way, func(t *testing.T) {
			asked := make(chan string, 10)
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked <- r.Method + " " + r.Host
				w.WriteHeader(http.StatusBadGateway)
			}))
			t.Cleanup(proxy.Close)
			t.Setenv("HTTPS_PROXY", proxy.URL)
			t.Setenv("NO_PROXY", "")
			require.NoError(t, child.Start(t, "proxied", way).Wait())
			proxy.Close() // after all requests
			close(asked)
			assert.Equal(t, want, <-asked)
		})
	}
}

func TestGuard(t *testing.T) {
	p := authtest.NewProvider(t)
	_, err := must(guard()).Get(strings.Replace(p.OpenURL, "127.0.0.1", "localhost", 1))
	var refused *egress.Error
	require.ErrorAs(t, err, &refused)
	assert.Zero(t, len(p.Requests(p.OpenURL)))

	document := fmt.Appendf(nil, `{"connectorauth": 1, "name": "gitlab", "baseUrl": "{site}",
		"inputs": [{"name": "site", "format": "origin", "anyHost": true}],
		"methods": [{"name": "key", "type": "ApiKey", "inputs": [{"name": "apiKey", "secret": true}], "key": "{apiKey}"}]}`)
	d := must(definition.Parse("gitlab.json", document, definition.Options{AnyHost: true}))
	connection := definition.Connection{Values: map[string]connectorauth.Secret{"site": "https://gitlab.example.com", "apiKey": "key"}}
	connection.HTTPClient = direct(nil)
	_, err = d.Connect(connection)
	require.ErrorContains(t, err, "use a transport of egress.New")
	connection.HTTPClient = must(guard())
	_, err = d.Connect(connection)
	require.NoError(t, err)
}
