package connectorauth_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/race"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// The guards of this file hold counts, no times: whatever is added to the path of
// every request, or to every live connector, shows at once.

func guardRequest() *http.Request {
	req := must(http.NewRequest(http.MethodGet, "https://api.example.com/v1/photos?page=2", nil))
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "guard")
	req.Header.Set("X-Request-Id", "0123456789abcdef")
	return req
}

func TestRequestsAllocateNoMoreThanACopyOfTheRequest(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	floor := testing.AllocsPerRun(500, func() {
		req := guardRequestTemplate
		out := new(http.Request)
		*out = *req
		out.Header = maps.Clone(req.Header)
		out.Header.Set("Authorization", benchToken)
		guardBase.RoundTrip(out)
	})
	live := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token", Grant: connectorauth.ClientCredentials{},
	}))
	require.NoError(t, live.SetToken(t.Context(), &oauth2.Token{AccessToken: benchToken, Expiry: time.Now().Add(time.Hour)}))
	key := func(in dialect.Location) connectorauth.Connector {
		return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: benchToken, In: in, Name: "key"}))
	}
	fields := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{{Key: "key", Value: "value"}}}))
	obtained := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(req *http.Request, value connectorauth.CustomCredential) error {
			req.Header["X-Key"] = []string{string(value.Value)}
			return nil
		},
		Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
			return connectorauth.CustomCredential{Value: "value"}, nil
		},
	}))
	for _, guard := range []struct {
		name      string
		connector connectorauth.Connector
		more      float64 // allocations beyond the floor, at present
	}{
		{"OAuth2", live, -1},
		{"OAuth2 with Hosts", must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token", Grant: connectorauth.ClientCredentials{},
			Hosts: []string{"login.example.com", "*.example.org", "api.example.com"}, HTTPClient: &http.Client{Transport: tokenEndpoint()},
		})), -1},
		{"API key, header", key(dialect.InHeader), -1},
		{"API key, query", key(dialect.InQuery), 1},
		{"API key, cookie", key(dialect.InCookie), 1},
		{"Basic", must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "u"})), -1},
		{"OAuth1", must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "client", ClientSecret: "secret"})), 3},
		{"an empty hook", connectorauth.WithHooks(live, connectorauth.Hooks{BeforeRequest: func(*connectorauth.Exchange) error { return nil }}), 1},
		{"Join of two", must(connectorauth.Join(live, key(dialect.InQuery))), 5},
		{"Custom", must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil }})), 4},
		{"Custom with Obtain", obtained, 5},
		{"None", connectorauth.None{}, -4},
	} {
		transport := guard.connector.Wrap(guardBase)
		got := testing.AllocsPerRun(500, func() { transport.RoundTrip(guardRequestTemplate) })
		assert.LessOrEqual(t, got, floor+guard.more, "%s: %v allocations, floor %v", guard.name, got, floor)
	}
	form := guardRequest()
	form.Method = http.MethodPost
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form.GetBody = func() (io.ReadCloser, error) { return http.NoBody, nil }
	transport := fields.Wrap(guardBase)
	got := testing.AllocsPerRun(500, func() {
		form.Body = io.NopCloser(strings.NewReader("a=1"))
		transport.RoundTrip(form)
	})
	assert.LessOrEqual(t, got, floor+8, "fields into a form: %v allocations, floor %v", got, floor)
}

var (
	guardRequestTemplate = guardRequest()

	guardBase http.RoundTripper = wire{} // an interface, so that the floor makes a Response too
)

func TestLiveConnectorsStaySmall(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("takes a second, and the race detector has a heap of its own")
	}
	const count = 20_000
	config := func(i int) connectorauth.OAuth2Config {
		return connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token",
			Grant: connectorauth.AuthorizationCode{AuthURL: "https://provider.example/authorize"}, Account: fmt.Sprintf("account-%d", i),
		}
	}
	token := func(i int) *oauth2.Token {
		return &oauth2.Token{
			AccessToken: fmt.Sprintf("%s-%d", benchToken, i), RefreshToken: fmt.Sprintf("refresh-token-of-40-characters-%09d", i), Expiry: time.Now().Add(time.Hour),
		}
	}
	store := new(tokenstore.Memory)
	for _, guard := range []struct {
		name string
		most int // bytes: a few more than at present
		make func(i int) connectorauth.Connector
	}{
		{"API key", 200, func(int) connectorauth.Connector {
			return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "key", Prefix: "Bearer "}))
		}},
		{"OAuth1", 1240, func(int) connectorauth.Connector {
			return must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "client", ClientSecret: "secret", Token: "t", TokenSecret: "s"}))
		}},
		{"OAuth2", 700, func(i int) connectorauth.Connector {
			c := must(connectorauth.NewOAuth2(config(i)))
			require.NoError(t, c.SetToken(context.Background(), token(i)))
			return c
		}},
		{"OAuth2 with a dialect", 700, func(i int) connectorauth.Connector {
			config := config(i)
			config.Dialect.ScopeSeparator = ","
			c := must(connectorauth.NewOAuth2(config))
			require.NoError(t, c.SetToken(context.Background(), token(i)))
			return c
		}},
		{"OAuth2 with a store", 1420, func(i int) connectorauth.Connector { // the record in memory included
			config := config(i)
			config.Store = store
			c := must(connectorauth.NewOAuth2(config))
			require.NoError(t, c.SetToken(context.Background(), token(i)))
			return c
		}},
	} {
		t.Run(guard.name, func(t *testing.T) {
			list := make([]connectorauth.Connector, count)
			runtime.GC() // ends what the last list left, with its cleanups
			runtime.GC()
			before := measure()
			for i := range list {
				list[i] = guard.make(i)
			}
			runtime.GC()
			each := (measure().heap - before.heap) / count
			t.Logf("%d bytes of heap", each)
			assert.LessOrEqual(t, each, guard.most)
			assert.Greater(t, each, guard.most*4/5, "less would mean that nothing was measured, or that the bound can be lower")
			runtime.KeepAlive(list)
		})
	}
}
