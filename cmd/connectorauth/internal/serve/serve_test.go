package serve_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/serve"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCallsAreAuthenticated(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"first", "FIRST-is-no-name"} {
		resp, body := w.send(w.request("GET", "/"+name+"/me?q=1", nil))
		if name == "first" {
			assert.Equal(t, http.StatusOK, resp.StatusCode, body)
			assert.Contains(t, body, `"auth_type":"OAuth2"`)
		} else {
			assert.Equal(t, http.StatusNotFound, resp.StatusCode, body)
		}
	}
	w.provider.ExpireAccessTokens()
	r := w.request("POST", "/first/me", strings.NewReader(`{"a": 1}`))
	resp, body := w.send(r)
	assert.Equal(t, http.StatusOK, resp.StatusCode, "a short body is sent again with a new token: %s", body)
	last := w.provider.Requests(w.provider.BearerURL)
	assert.Equal(t, `{"a": 1}`, string(last[len(last)-1].Body))
}

func TestBothHeadersTakeTheToken(t *testing.T) {
	w := newWorld(t)
	for _, set := range []func(http.Header){
		func(h http.Header) { h.Set("Authorization", "Bearer "+string(w.Token())) },
		func(h http.Header) { h.Set("Authorization", "bearer "+string(w.Token())) },
		func(h http.Header) { h.Set("X-Connectorauth-Token", string(w.Token())) },
		func(h http.Header) {
			h.Set("X-Connectorauth-Token", string(w.Token()))
			h.Set("Authorization", "Bearer "+string(w.Token()))
		},
	} {
		r := w.request("GET", "/echo/", nil)
		r.Header.Del("Authorization")
		set(r.Header)
		resp, body := w.send(r)
		assert.Equal(t, http.StatusOK, resp.StatusCode, body)
	}
	r := w.request("GET", "/echo/", nil)
	r.Header.Set("X-Connectorauth-Token", string(w.Token()))
	r.Header.Set("Authorization", "Basic b3du")
	w.send(r)
	assert.Contains(t, w.seen.String(), "Authorization: Basic b3du", "the program's own")
}

// A service chooses the label of an account, and could name the account like another service.
func TestALabelTakesNoRequestsForAnotherService(t *testing.T) {
	w := newWorld(t)
	a, err := w.registry.Get(t.Context(), "echo")
	require.NoError(t, err)
	a.Label = "mail"
	stored, err := w.index.Put(t.Context(), a)
	require.NoError(t, err)
	require.True(t, stored)
	resp, body := w.send(w.request("GET", "/mail/orders", nil))
	assert.Equal(t, http.StatusOK, resp.StatusCode, body)
	assert.NotContains(t, w.seen.String(), "/orders", "the request went to the account with the label")
}

func TestNames(t *testing.T) {
	w := newWorld(t)
	for name, want := range map[string]struct {
		status int
		code   string
		near   []string
	}{
		"echo": {status: 200}, "ech%6f": {status: 200}, "first": {status: 200},
		"echoo":  {404, "unknown_service", []string{"echo"}},
		"zzzzzz": {404, "unknown_service", nil},
		"mail":   {status: 200}, "post": {status: 200}, // the account that waits for a consent does not count
		"second":      {404, "unknown_service", nil}, // of bob
		"..":          {404, "unknown_service", nil},
		"echo;upload": {status: 200}, "echo;uplaod": {404, "unknown_base_url", []string{"upload"}},
		"echo%3Bupload": {404, "unknown_service", nil},
	} {
		r := w.request("GET", "/"+name+"/x", nil)
		if want.status == 200 {
			resp, body := w.send(r)
			assert.Equal(t, 200, resp.StatusCode, "%s: %s", name, body)
			continue
		}
		f := w.refused(r, want.status)
		assert.Equal(t, want.code, f.Code, name)
		assert.Equal(t, want.near, f.Near, name)
	}
	assert.Contains(t, w.seen.String(), "GET /upload/x\n")
	ctx := t.Context()
	a, err := w.registry.Get(ctx, "first")
	require.NoError(t, err)
	_, err = w.registry.Disconnect(ctx, a.ID)
	require.NoError(t, err)
	f := w.refused(w.request("GET", "/mail/x", nil), http.StatusFailedDependency)
	assert.Equal(t, "not_connected", f.Code, "the only one left waits for the consent")
	assert.Contains(t, f.Do, w.URL()+"/-/accounts/account?id=waiting")
}

func TestProgramsOwnNames(t *testing.T) {
	broken := errors.New("index.json: the disk is full")
	var w *world
	w = newWorld(t, func(c *serve.Config) {
		c.Resolve = func(ctx context.Context, name string) (accounts.Account, error) {
			switch name {
			case "mine":
				return w.registry.Get(ctx, "echo")
			case "bobs":
				return w.registry.Get(ctx, "second")
			case "none":
				return accounts.Account{}, fmt.Errorf("none here; did you mean mine?: %w", accounts.ErrNotFound)
			}
			return accounts.Account{}, broken
		}
	})
	resp, body := w.send(w.request("GET", "/mine/x", nil))
	assert.Equal(t, 200, resp.StatusCode, body)
	assert.Equal(t, "unknown_service", w.refused(w.request("GET", "/bobs/x", nil), 404).Code)
	assert.Contains(t, w.refused(w.request("GET", "/none/x", nil), 404).Message, "did you mean mine?")
	assert.Equal(t, "internal", w.refused(w.request("GET", "/else/x", nil), 500).Code)
}

func TestFailures(t *testing.T) {
	w := newWorld(t)
	f := w.refused(w.request("GET", "/nowhere/x", nil), http.StatusBadGateway)
	assert.Equal(t, "unreachable", f.Code)

	w.provider.ExpireAccessTokens()
	w.provider.Inject(w.provider.TokenURL, 1, authtest.Answer(503, http.Header{"Retry-After": {"7"}}, ""))
	resp, body := w.send(w.request("GET", "/first/x", nil))
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, "the API's own: %s", body)
	assert.Empty(t, resp.Header.Get("Connectorauth-Error"))
	assert.Contains(t, w.log.String(), "cannot be renewed for now")

	w = newWorld(t)
	w.provider.RevokeGrants()
	f = w.refused(w.request("GET", "/first/x", nil), http.StatusFailedDependency)
	assert.Equal(t, "reauth_required", f.Code)
	assert.Contains(t, f.Do, w.URL()+"/-/accounts/reconnect?id=first")

	require.NoError(t, w.registry.Shutdown(t.Context()))
	assert.NoError(t, w.stop())
	_, err := http.DefaultTransport.RoundTrip(w.request("GET", "/first/x", nil))
	assert.Error(t, err, "nobody listens any more")
}

func TestEachFailureHasAWord(t *testing.T) {
	outage := authtest.Answer(503, http.Header{"Retry-After": {"7"}}, "")
	refusal := authtest.Answer(401, http.Header{"Content-Type": {"application/json"}}, `{"error": "invalid_client"}`)
	inject := func(f authtest.Fault) func(*world) {
		return func(w *world) { w.provider.Inject(w.provider.TokenURL, 1, f) }
	}
	for name, test := range map[string]struct {
		prepare func(*world)
		account string
		status  int
		code    string
	}{
		"outage":    {inject(outage), "robot", 503, "token_unavailable"},
		"refusal":   {inject(refusal), "robot", 502, "token_refused"},
		"the end":   {func(w *world) { assert.NoError(t, w.registry.Shutdown(t.Context())) }, "robot", 503, "shutting_down"},
		"this body": {nil, "fields", 415, "body_not_injectable"},
		"slow":      {nil, "slow", 504, "timeout"},
		"just gone": {nil, "gone", 404, "unknown_service"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *serve.Config) {
				c.Resolve = func(_ context.Context, name string) (accounts.Account, error) {
					return accounts.Account{ID: name, Owner: "ada"}, nil
				}
			})
			if test.prepare != nil {
				test.prepare(w)
			}
			r := w.request("POST", "/"+test.account+"/x", strings.NewReader("text"))
			r.Header.Set("Content-Type", "text/plain")
			resp, body := w.send(r)
			assert.Equal(t, test.status, resp.StatusCode, body)
			assert.Equal(t, test.code, resp.Header.Get("Connectorauth-Error"))
			if name == "outage" {
				assert.Equal(t, "7", resp.Header.Get("Retry-After"))
			}
		})
	}
}

func TestMistakesOfTheConfig(t *testing.T) {
	_, err := serve.New(serve.Config{})
	for _, field := range []string{"Listeners", "Registry", "Owner"} {
		assert.ErrorContains(t, err, "Config."+field)
	}
	registry := newWorld(t).registry
	listen := func(address string) net.Listener {
		l, err := net.Listen("tcp", address)
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		return l
	}
	for name, listeners := range map[string][]net.Listener{
		"no loopback address":   {listen("0.0.0.0:0")},
		"ports must be the sam": {listen("127.0.0.1:0"), listen("127.0.0.1:0")},
	} {
		_, err := serve.New(serve.Config{Registry: registry, Owner: "ada", Listeners: listeners})
		assert.ErrorContains(t, err, name)
	}
}

func TestBothAddresses(t *testing.T) {
	listeners, err := serve.Listen(t.Context(), 0, true)
	if err != nil {
		t.Skip("this machine has no ::1: ", err)
	}
	w := newWorld(t, func(c *serve.Config) {
		c.Listeners[0].Close()
		c.Listeners = listeners
	})
	for _, l := range listeners {
		r := w.request("GET", "/echo/", nil)
		r.URL.Host, r.Host = l.Addr().String(), ""
		resp, body := w.send(r)
		assert.Equal(t, http.StatusOK, resp.StatusCode, body)
	}
	require.NoError(t, w.stop())
	again, err := serve.Listen(t.Context(), listeners[0].Addr().(*net.TCPAddr).Port, true)
	require.NoError(t, err, "the addresses are free again")
	for _, l := range again {
		assert.NoError(t, l.Close())
	}
}

func TestTheTokenIsNotPrinted(t *testing.T) {
	w := newWorld(t)
	text := fmt.Sprintf("%v %+v %#v %s", w.Server, w.Server, w.Server, w.Token())
	assert.NotContains(t, text, string(w.Token()))
	other := newWorld(t)
	assert.NotEqual(t, w.Token(), other.Token(), "each run has a token")
	assert.Len(t, w.Token(), 43)
}

func TestTheEndWaitsForRequests(t *testing.T) {
	w := newWorld(t)
	arrived, leave := make(chan struct{}), make(chan struct{})
	w.echo = func(rw http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-leave
		fmt.Fprint(rw, "done")
	}
	responded := make(chan string)
	go func() {
		_, body := w.send(w.request("GET", "/echo/", nil))
		responded <- body
	}()
	<-arrived
	ended := make(chan error)
	go func() { ended <- w.stop() }()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.URL(), "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, patience, time.Millisecond, "no new connection")
	close(leave)
	assert.Equal(t, "done", <-responded)
	assert.NoError(t, <-ended)
}

func TestTheEndBreaksOffWhatLasts(t *testing.T) {
	w := newWorld(t, func(c *serve.Config) { c.Grace = time.Millisecond })
	arrived, gone := make(chan struct{}), make(chan struct{})
	w.echo = func(rw http.ResponseWriter, r *http.Request) {
		http.NewResponseController(rw).Flush()
		close(arrived)
		<-r.Context().Done()
		close(gone)
	}
	resp, err := http.DefaultTransport.RoundTrip(w.request("GET", "/echo/", nil))
	require.NoError(t, err)
	defer resp.Body.Close()
	<-arrived
	assert.NoError(t, w.stop())
	<-gone
	_, err = resp.Body.Read(make([]byte, 1))
	assert.Error(t, err, "the response has no end")
}
