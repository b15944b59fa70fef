package connectorauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestLevelOfALogSaysWhatToDo(t *testing.T) {
	for _, test := range []struct {
		event connectorauth.Event
		want  slog.Level
	}{
		{connectorauth.Event{Kind: connectorauth.EventRenewing}, slog.LevelDebug},
		{connectorauth.Event{Kind: connectorauth.EventRenewed}, slog.LevelInfo},
		{connectorauth.Event{Kind: connectorauth.EventRenewed, Err: errBroken}, slog.LevelWarn},
		{connectorauth.Event{Kind: connectorauth.EventSaved}, slog.LevelDebug},
		{connectorauth.Event{Kind: connectorauth.EventSaved, Err: errBroken}, slog.LevelWarn},
		{connectorauth.Event{Kind: connectorauth.EventAdopted}, slog.LevelInfo},
		{connectorauth.Event{Kind: connectorauth.EventRenewFailed, Err: errBroken}, slog.LevelWarn},
		{connectorauth.Event{Kind: connectorauth.EventRenewFailed, Err: errBroken, Cause: "invalid_client"}, slog.LevelError},
		{connectorauth.Event{Kind: connectorauth.EventRenewFailed, Err: errBroken, Cause: "shutdown"}, slog.LevelInfo},
		{connectorauth.Event{Kind: connectorauth.EventReauthRequired, Err: errBroken}, slog.LevelError},
		{connectorauth.Event{Kind: connectorauth.EventSaveFailed, Err: errBroken}, slog.LevelError},
	} {
		var out bytes.Buffer
		test.event.Account = "alice"
		connectorauth.LogEvents(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))(test.event)
		var line struct {
			Level              slog.Level
			Msg, Kind, Account string
		}
		require.NoError(t, json.Unmarshal(out.Bytes(), &line))
		assert.Equal(t, test.want, line.Level, "%v", test.event.Kind)
		assert.Equal(t, string(test.event.Kind), line.Kind)
		assert.Equal(t, "alice", line.Account)
		assert.Contains(t, line.Msg, "connectorauth: ")
	}
}

// traced is the key of a value in contexts.
type traced struct{}

func TestEventsNameTheCause(t *testing.T) {
	respond := func(status int, body string) func() (*http.Response, error) {
		return func() (*http.Response, error) { return fakehttp.Respond(status, body), nil }
	}
	fail := func(err error) func() (*http.Response, error) {
		return func() (*http.Response, error) { return nil, err }
	}
	for _, test := range []struct {
		name   string
		answer func() (*http.Response, error)
		want   string
		kind   connectorauth.EventKind
	}{
		{"a code of the RFC", respond(400, `{"error":"invalid_client"}`), "invalid_client", connectorauth.EventRenewFailed},
		{"a grant that is over", respond(400, `{"error":"invalid_grant"}`), "invalid_grant", connectorauth.EventReauthRequired},
		{"a code of the dialect", respond(400, `{"error":"grant_gone_4711"}`), "invalid_grant", connectorauth.EventReauthRequired},
		{"a code of the provider", respond(403, `{"error":"`+clientSecret+`"}`), "403", connectorauth.EventRenewFailed},
		{"a status", respond(503, `down`), "503", connectorauth.EventRenewFailed},
		{"no token", respond(200, `{}`), "response", connectorauth.EventRenewFailed},
		{"no time", fail(context.DeadlineExceeded), "timeout", connectorauth.EventRenewFailed},
		{"no connection", fail(errBroken), "network", connectorauth.EventRenewFailed},
		{"half a response", respond(200, `{"access_token":"a","expires_in":"soon"}`), "response", connectorauth.EventRenewed},
		{"a token", respond(200, `{"access_token":"a","expires_in":3600}`), "", connectorauth.EventRenewed},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seen := new(events)
				c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
					ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://Login.example.test:444/token?tenant=1",
					Grant:   connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/authorize"},
					Observe: seen.observe, Shared: new(connectorauth.Shared), Account: "alice",
					Dialect: dialect.OAuth2{InvalidGrantCodes: []string{"grant_gone_4711"}},
					HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
						time.Sleep(time.Second)
						return test.answer()
					})},
				}))
				require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "old", RefreshToken: "r", Expiry: time.Now().Add(time.Second)}))
				time.Sleep(time.Minute)
				ctx, cancel := context.WithCancel(context.WithValue(t.Context(), traced{}, "the caller"))
				_, _ = c.Token(ctx)
				cancel()
				require.Len(t, seen.all(), 2)
				last := seen.all()[1]
				assert.Equal(t, test.want, last.Cause, "%v", last.Err)
				assert.Equal(t, test.kind, last.Kind)
				assert.Equal(t, "login.example.test:444", last.Endpoint)
				assert.Equal(t, time.Second, last.Duration)
				assert.False(t, last.Background)
				assert.Equal(t, "the caller", last.Context().Value(traced{}))
				assert.NoError(t, last.Context().Err(), "the renewal outlives the caller")
				assert.Empty(t, canary.Found(fmt.Sprintf("%v %+v %#v", last, last, last), clientSecret, "the caller"))
			})
		})
	}
}

func TestEventsNameAStoreThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, seen := new(faultyStore), new(events)
		c, _ := dialected(t, config2{
			Grant: connectorauth.ClientCredentials{}, Store: store, Account: "alice", Observe: seen.observe, Shared: new(connectorauth.Shared),
		}, nil)
		store.setDown(true)
		_, err := c.Token(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Second)
		store.setDown(false)
		time.Sleep(time.Hour)
		causes := map[connectorauth.EventKind]string{}
		for _, e := range seen.all() {
			causes[e.Kind] = e.Cause
		}
		assert.Equal(t, map[connectorauth.EventKind]string{
			connectorauth.EventRenewing: "", connectorauth.EventRenewed: "", connectorauth.EventSaveFailed: "store", connectorauth.EventSaved: "",
		}, causes)
	})
}

func TestEventsNameTheOwnerWhoMustAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := new(events)
		c, _ := dialected(t, config2{
			Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/authorize"}, Observe: seen.observe, Shared: new(connectorauth.Shared),
		}, nil)
		_, err := c.Token(t.Context())
		require.ErrorIs(t, err, connectorauth.ErrNotConnected)
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "a", Expiry: time.Now().Add(time.Second)}))
		time.Sleep(time.Minute)
		_, err = c.Token(t.Context())
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		require.Len(t, seen.all(), 2)
		assert.Equal(t, "not_connected", seen.all()[0].Cause)
		assert.Equal(t, "no_refresh_token", seen.all()[1].Cause)
	})
}

func TestEventsTellOfRenewalsForWhichNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := new(events)
		c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Observe: seen.observe, Shared: new(connectorauth.Shared)}, nil)
		_, err := c.Token(t.Context())
		require.NoError(t, err)
		time.Sleep(59 * time.Minute)
		_, err = c.Token(context.WithValue(t.Context(), traced{}, "the first"))
		require.NoError(t, err)
		synctest.Wait()
		require.Len(t, seen.all(), 4)
		assert.False(t, seen.all()[1].Background)
		assert.True(t, seen.all()[3].Background)
		assert.Equal(t, "the first", seen.all()[3].Context().Value(traced{}))
	})
}

func TestEventsTellOfTheWaitForATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen, shared := new(events), &connectorauth.Shared{TokenRequests: 1}
		for i := range 2 {
			c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Account: fmt.Sprint(i), Observe: seen.observe, Shared: shared},
				func(int, *http.Request) (int, string) {
					time.Sleep(3 * time.Second)
					return 200, `{"access_token":"a","expires_in":3600}`
				})
			go func() { _, _ = c.Token(t.Context()) }()
		}
		time.Sleep(time.Minute)
		var waited []time.Duration
		for _, e := range seen.all() {
			if e.Kind == connectorauth.EventRenewed {
				waited = append(waited, e.Waited)
				assert.Equal(t, 3*time.Second, e.Duration)
			}
		}
		assert.Equal(t, []time.Duration{0, 3 * time.Second}, waited)
	})
}

func TestEventsNameAQueueThatIsTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen, shared := new(events), &connectorauth.Shared{TokenRequests: 1}
		for i := range 24 {
			c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Account: fmt.Sprint(i), Observe: seen.observe, Shared: shared},
				func(int, *http.Request) (int, string) {
					time.Sleep(29 * time.Second)
					return 200, `{"access_token":"a","expires_in":3600}`
				})
			go func() { _, _ = c.Token(t.Context()) }()
		}
		time.Sleep(20 * time.Minute)
		causes := map[string]int{}
		for _, e := range seen.all() {
			if e.Kind != connectorauth.EventRenewing {
				causes[e.Cause]++
			}
		}
		assert.Equal(t, map[string]int{"": 21, "queue": 3}, causes, "10 minutes have room for 20 and a beginning")
	})
}

func TestEventsNameAShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen, shared := new(events), new(connectorauth.Shared)
		c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Observe: seen.observe, Shared: shared}, nil)
		require.NoError(t, shared.Shutdown(t.Context()))
		_, err := c.Token(t.Context())
		require.True(t, errors.Is(err, connectorauth.ErrShutdown))
		require.Len(t, seen.all(), 1)
		assert.Equal(t, "shutdown", seen.all()[0].Cause)
	})
}
