package guides

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// next says what a job does after a request.
func next(resp *http.Response, err error) string {
	var failed *connectorauth.TokenError
	switch {
	case errors.Is(err, connectorauth.ErrReauthRequired):
		return "ask the account owner to connect again"
	case errors.Is(err, connectorauth.ErrHostNotAllowed):
		return "mend the program: the URL is not one of Hosts"
	case errors.As(err, &failed) && !failed.Temporary():
		return "ask the operator: the provider says " + failed.Code
	case err != nil:
		return "try again later"
	case connectorauth.RenewalError(resp) != nil:
		return "try again later" // a 401 that passes
	case resp.StatusCode == http.StatusUnauthorized:
		return "ask the account owner for another key"
	}
	return "go on"
}

// bob is the connector of an account of the provider, as of a new process.
func bob(p *authtest.Provider, store connectorauth.TokenStore, observe func(connectorauth.Event)) *connectorauth.OAuth2 {
	return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, RevokeURL: p.RevokeURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, Scopes: []string{"read", "write"}, Hosts: []string{p.URL},
		Store: store, Account: "bob", Shared: new(connectorauth.Shared), HTTPClient: p.Client(), Observe: observe,
	}))
}

// connect gives an account a token with scopes, which is good for an hour.
func connect(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth2, scopes string) {
	t.Helper()
	access, refresh := p.IssueTokens(scopes)
	require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(time.Hour)}))
}

// get makes a request, and closes the body of the response.
func get(client *http.Client, url string) (*http.Response, error) {
	resp, err := client.Get(url)
	if err == nil {
		resp.Body.Close()
	}
	return resp, err
}

func TestNext(t *testing.T) {
	isJSON := http.Header{"Content-Type": {"application/json"}}
	unavailable := authtest.Answer(http.StatusServiceUnavailable, isJSON, `{"error": "invalid_grant"}`)
	for _, test := range []struct {
		name  string
		after func(p *authtest.Provider) // the account was connected
		want  string
	}{
		{"nothing", func(*authtest.Provider) {}, "go on"},
		{"revoked", func(p *authtest.Provider) { p.RevokeGrants() }, "ask the account owner to connect again"},
		{"expired in an outage", func(p *authtest.Provider) {
			p.Inject(p.TokenURL, authtest.Always, unavailable)
			time.Sleep(2 * time.Hour)
		}, "try again later"},
		{"rejected in an outage", func(p *authtest.Provider) {
			p.Inject(p.TokenURL, authtest.Always, unavailable)
			p.RevokeAccessTokens()
		}, "try again later"},
		{"rejected in spite of a new token", func(p *authtest.Provider) {
			p.Inject(p.BearerURL, authtest.Always, authtest.Answer(http.StatusUnauthorized, nil, ""))
		}, "try again later"},
		{"a wrong client secret", func(p *authtest.Provider) {
			p.Inject(p.TokenURL, authtest.Always, authtest.Answer(http.StatusUnauthorized, isJSON, `{"error": "invalid_client"}`))
			time.Sleep(2 * time.Hour)
		}, "ask the operator: the provider says invalid_client"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *authtest.Provider) {
				connector := bob(p, new(tokenstore.Memory), nil)
				connect(t, p, connector, "read write")
				test.after(p)
				assert.Equal(t, test.want, next(get(connectorauth.NewClient(connector, p.Client()), p.BearerURL)))
			})
		})
	}
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		connector := bob(p, new(tokenstore.Memory), nil)
		connect(t, p, connector, "read write")
		p.Inject(p.BearerURL, authtest.Always, authtest.Answer(http.StatusUnauthorized, nil, ""))
		resp, err := get(connectorauth.NewClient(connector, p.Client()), p.BearerURL)
		require.NoError(t, err)
		assert.ErrorIs(t, connectorauth.RenewalError(resp), connectorauth.ErrCredentialRejected)
	})
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "a wrong key", Name: "X-Api-Key", Hosts: []string{p.URL}}))
		assert.Equal(t, "ask the account owner for another key", next(get(connectorauth.NewClient(key, p.Client()), p.KeyHeaderURL)))
		assert.Equal(t, "mend the program: the URL is not one of Hosts", next(get(connectorauth.NewClient(key, p.Client()), "https://elsewhere.example.com")))
	})
}

// said is what a page says to the account owner.
func said(ctx context.Context, connector *connectorauth.OAuth2) (string, error) {
	status, err := connector.Status(ctx)
	if err != nil {
		return "", err // the Store does not answer: show neither Connected nor Connect
	}
	switch {
	case status.State == connectorauth.StateNotConnected:
		return "Connect", nil
	case status.State == connectorauth.StateReauthRequired:
		return "Connect again", nil
	case status.State == connectorauth.StateFailing:
		return "Acme does not respond at the moment. You need not do anything.", nil
	case len(status.Missing) > 0:
		return "Connect again, and allow " + strings.Join(status.Missing, ", "), nil
	case !status.ReauthBy.IsZero() && time.Until(status.ReauthBy) < 7*24*time.Hour:
		return "Connect again by " + status.ReauthBy.Format(time.DateOnly), nil
	}
	return "Connected", nil
}

// watch returns the Observe of a config.
func watch(logger *slog.Logger, mails, alarms chan<- string) func(connectorauth.Event) {
	logged := connectorauth.LogEvents(logger)
	observe := func(e connectorauth.Event) { // for the Observe of configs
		logged(e)
		switch e.Kind {
		case connectorauth.EventReauthRequired:
			mails <- e.Account
		case connectorauth.EventSaveFailed:
			alarms <- e.Endpoint + ": a token is in memory alone: " + e.Cause
		}
	}
	return observe
}

func TestSaid(t *testing.T) {
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		var log strings.Builder
		mails, alarms, store := make(chan string, 10), make(chan string, 10), new(tokenstore.Memory)
		observe := watch(slog.New(slog.NewTextHandler(&log, nil)), mails, alarms)
		connector := bob(p, store, observe)
		says := func(want string) {
			t.Helper()
			text, err := said(t.Context(), bob(p, store, nil)) // any process
			require.NoError(t, err)
			assert.Equal(t, want, text)
		}
		says("Connect")
		connect(t, p, connector, "read")
		says("Connected")
		p.Inject(p.TokenURL, 1, authtest.EditAnswer(func(response map[string]any) { response["refresh_token_expires_in"] = 5 * 24 * 3600 }))
		require.NoError(t, connector.Renew(t.Context()))
		says("Connect again, and allow write")
		connect(t, p, connector, "read write")
		p.Inject(p.TokenURL, 1, authtest.EditAnswer(func(response map[string]any) { response["refresh_token_expires_in"] = 5 * 24 * 3600 }))
		require.NoError(t, connector.Renew(t.Context()))
		says("Connect again by 2000-01-06")

		p.Inject(p.TokenURL, 1, authtest.Answer(http.StatusTooManyRequests, http.Header{"Retry-After": {"600"}}, ""))
		require.Error(t, connector.Renew(t.Context()))
		says("Acme does not respond at the moment. You need not do anything.")
		status, err := bob(p, store, nil).Status(t.Context())
		require.NoError(t, err)
		assert.Contains(t, string(must(json.Marshal(status))), `"notBefore":"2000-01-01T00:10:00Z"`, "support sees when the next token request comes")
		assert.Empty(t, mails)

		p.RevokeGrants()
		require.ErrorIs(t, connector.Renew(t.Context()), connectorauth.ErrReauthRequired)
		says("Connect again")
		assert.Equal(t, "bob", <-mails)
		assert.Contains(t, log.String(), "level=ERROR")
		assert.Empty(t, alarms)
		_, err = get(connectorauth.NewClient(bob(p, store, observe), p.Client()), p.BearerURL)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.Empty(t, mails, "another process is told by the request alone")
		assert.Equal(t, 4, p.Stats().TokenRequests, "and asks nobody")
	})
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		store := new(tokenstore.Memory)
		connector := bob(p, store, nil)
		connect(t, p, connector, "read write")
		p.Inject(p.TokenURL, 1, authtest.Answer(http.StatusBadRequest, http.Header{"Content-Type": {"application/json"}}, `{"error": "invalid_grant"}`))
		require.ErrorIs(t, connector.Renew(t.Context()), connectorauth.ErrReauthRequired)
		client := connectorauth.NewClient(bob(p, store, nil), p.Client())
		resp, err := get(client, p.BearerURL)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, resp.StatusCode, "with the rest of the access token")
		time.Sleep(2 * time.Hour)
		_, err = get(client, p.BearerURL)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		mails := make(chan string, 10)
		client := connectorauth.NewClient(bob(p, new(tokenstore.Memory), watch(slog.New(slog.DiscardHandler), mails, nil)), p.Client())
		for range 3 {
			_, err := get(client, p.BearerURL)
			require.ErrorIs(t, err, connectorauth.ErrNotConnected)
		}
		assert.Len(t, mails, 1, "before the first consent")
	})
}

// full is a store whose disk may be full.
type full struct {
	tokenstore.Memory
	isFull atomic.Bool
}

func (f *full) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if f.isFull.Load() {
		return false, errors.New("no space left on device")
	}
	return f.Memory.CompareAndSwap(ctx, key, old, new)
}

func TestAlarm(t *testing.T) {
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		mails, alarms, store := make(chan string, 100), make(chan string, 100), new(full)
		connector := bob(p, store, watch(slog.New(slog.NewTextHandler(io.Discard, nil)), mails, alarms))
		connect(t, p, connector, "read write")
		p.Inject(p.TokenURL, 1, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				store.isFull.Store(true)
				next.ServeHTTP(w, r)
			})
		})
		require.NoError(t, connector.Renew(t.Context()))
		assert.Contains(t, <-alarms, "a token is in memory alone: store")
		store.isFull.Store(false)
		time.Sleep(time.Minute)
		status, err := bob(p, store, nil).Status(t.Context())
		require.NoError(t, err)
		assert.Equal(t, connectorauth.StateOK, status.State, "saving was tried again")
	})
}

// listed is what a list of accounts says.
func listed(account accounts.Account, failing func(definition.CheckReason) string) string {
	switch account.Status {
	case accounts.StatusConnecting:
		return "Finish connecting"
	case accounts.StatusReauthRequired:
		return "Connect again"
	case accounts.StatusFailing:
		return failing(account.Reason)
	case accounts.StatusDisconnected:
		return "Is being disconnected"
	}
	return "Connected"
}

func TestListed(t *testing.T) {
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		died := 0
		config := place(p, acme(p, ""))
		config.Audit = func(e accounts.Entry) {
			if e.Action == accounts.ActionReauthRequired {
				died++
			}
		}
		registry := process(config)
		says := func(id, want string) {
			t.Helper()
			_, _ = registry.Test(t.Context(), id)
			assert.Equal(t, want, listed(must(process(config).Get(t.Context(), id)), func(r definition.CheckReason) string { return string(r) }))
		}
		must(registry.Connect(t.Context(), accounts.Request{ID: "new", Owner: "ada", Definition: "acme"}))
		says("new", "Finish connecting")
		imported(t, registry, p, "old")
		says("old", "Connected")
		p.Inject(p.BearerURL, 1, authtest.Answer(http.StatusForbidden, nil, ""))
		says("old", "forbidden")
		p.Inject(p.BearerURL, 1, authtest.Answer(http.StatusBadGateway, nil, ""))
		says("old", "unavailable")
		says("old", "Connected")
		p.RevokeGrants()
		says("old", "Connect again")
		says("old", "Connect again")
		assert.Equal(t, 1, died, "one entry, although the account was tested twice")

		must(registry.Connect(t.Context(), accounts.Request{ID: "key", Owner: "ada", Definition: "acme", Method: "key", Values: map[string]connectorauth.Secret{
			"apiKey": connectorauth.Secret(p.APIKey),
		}}))
		says("key", "Connected")
		p.Inject(p.KeyHeaderURL, 2, authtest.Answer(http.StatusUnauthorized, nil, ""))
		resp, err := get(must(registry.Client(t.Context(), "key")), p.KeyHeaderURL)
		require.NoError(t, err)
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		assert.Equal(t, accounts.StatusOK, must(registry.Get(t.Context(), "key")).Status, "one request is no proof")
		says("key", "Connect again")

		p.Inject(p.RevokeURL, authtest.Always, authtest.Answer(http.StatusServiceUnavailable, nil, ""))
		imported(t, registry, p, "silent")
		_, err = registry.Disconnect(t.Context(), "silent")
		require.Error(t, err)
		says("silent", "Is being disconnected")
	})
}
