package connectorauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type credential = connectorauth.CustomCredential

// more returns the Value of a place: a further value of the credential.
func more(name string) func(context.Context, credential) (connectorauth.Secret, error) {
	return func(_ context.Context, c credential) (connectorauth.Secret, error) { return c.More[name], nil }
}

// obtaining returns an Obtain that always returns c.
func obtaining(c credential) func(context.Context, credential, *http.Response) (credential, error) {
	return func(context.Context, credential, *http.Response) (credential, error) { return c, nil }
}

func TestCustomPlacesItsValues(t *testing.T) {
	store := new(tokenstore.Memory)
	config := connectorauth.CustomConfig{
		Places: []connectorauth.CustomPlace{
			{Placement: dialect.Placement{Name: "x-sessionID", Exact: true}},
			{Placement: dialect.Placement{Name: "X-Site", Prefix: "site "}, Value: more("site")},
			{Placement: dialect.Placement{In: dialect.InCookie, Name: "csrf"}, Value: more("csrf")},
			{Placement: dialect.Placement{In: dialect.InQuery, Name: "k"}, Value: more("site")},
			{Placement: dialect.Placement{In: dialect.InPath, Name: "p"}, Value: more("csrf")},
		},
		Obtain: obtaining(credential{Value: customSecret, More: map[string]connectorauth.Secret{"site": "site-of-the-account", "csrf": "csrf-of-the-account"}}),
		Store:  store, Account: "a", Shared: new(connectorauth.Shared),
	}
	var seen connectorauth.Secret
	for range 2 { // the second takes what the store has
		c := connectorauth.WithHooks(must(connectorauth.NewCustom(config)), connectorauth.Hooks{BeforeRequest: func(e *connectorauth.Exchange) error {
			seen = e.Auth
			return nil
		}})
		base := &fakehttp.Base{}
		req := must(http.NewRequest(http.MethodGet, home+"/v1/{p}/x?a=1&k=mine", nil))
		req.Header = http.Header{"x-site": {"mine"}, "X-Sessionid": {"mine"}, "Cookie": {"csrf=mine; other=1"}}
		_, err := c.Wrap(base).RoundTrip(req)
		require.NoError(t, err)
		sent := base.Requests()[0]
		assert.Equal(t, http.Header{
			"x-sessionID": {customSecret}, "X-Site": {"site site-of-the-account"}, "Cookie": {"other=1; csrf=csrf-of-the-account"},
		}, sent.Header)
		assert.Equal(t, home+"/v1/csrf-of-the-account/x?a=1&k=site-of-the-account", sent.URL.String())
		assert.True(t, seen == customSecret)
		config.Obtain = func(context.Context, credential, *http.Response) (credential, error) { return credential{}, errBroken }
		config.Shared = new(connectorauth.Shared)
	}
}

func TestCustomPlacesAreChecked(t *testing.T) {
	for want, places := range map[string][]connectorauth.CustomPlace{
		"Places[0]: In: ":                    {{Placement: dialect.Placement{In: dialect.InBody, Name: "x"}}},
		"Places[1]: is the header":           {{}, {Placement: dialect.Placement{Name: "authorization"}}},
		"Places[1]: is the query parameter":  {{Placement: dialect.Placement{In: dialect.InQuery, Name: "k"}}, {Placement: dialect.Placement{In: dialect.InQuery, Name: "k"}}},
		"Places[1]: is the cookie":           {{Placement: dialect.Placement{In: dialect.InCookie, Name: "k"}}, {Placement: dialect.Placement{In: dialect.InCookie, Name: "k"}}},
		"Places[1]: Exact:":                  {{}, {Placement: dialect.Placement{Name: "x-b", Exact: true}}},
		"Places[1]: Name: ":                  {{}, {Placement: dialect.Placement{In: dialect.InCookie}}},
		"Places[0]: Prefix: has a control c": {{Placement: dialect.Placement{Prefix: "\n "}}},
	} {
		_, err := connectorauth.NewCustom(connectorauth.CustomConfig{Places: places, Obtain: obtaining(credential{})})
		assert.ErrorContains(t, err, want)
	}
	custom := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Places: []connectorauth.CustomPlace{{Placement: dialect.Placement{Name: "X-A"}}, {Placement: dialect.Placement{Name: "X-B"}}}, Obtain: obtaining(credential{Value: "v"}),
	}))
	for _, name := range []string{"x-a", "X-B"} {
		_, err := connectorauth.Join(must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", Name: name})), custom)
		assert.ErrorContains(t, err, "two credentials for the header", name)
	}
	_, err := connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(*http.Request, credential) error { return nil }, Login: "x", Idle: -1, Endpoint: "http://login.example.test",
		Rejections: []dialect.Rejection{{Status: 401}},
	})
	for _, want := range []string{"Login, Endpoint, Idle", "Idle: is negative", "Endpoint: plain http", "Rejections[0]: Status"} {
		assert.ErrorContains(t, err, want)
	}
}

// A value that no request can carry is an error of Obtain: the credential is not saved.
func TestCustomValueThatNoPlaceCanCarry(t *testing.T) {
	for name, c := range map[string]credential{"empty": {}, "control": {Value: "line\nbreak-of-the-secret"}} {
		calls := 0
		connector := must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Places: []connectorauth.CustomPlace{{Placement: dialect.Placement{Name: "X-A"}}},
			Obtain: func(context.Context, credential, *http.Response) (credential, error) { calls++; return c, nil },
		}))
		base := &fakehttp.Base{}
		for range 3 {
			_, err := connectorauth.NewClient(connector, &http.Client{Transport: base}).Get(home)
			require.ErrorContains(t, err, `the value for the header "X-A"`, name)
			assert.NotContains(t, err.Error(), "of-the-secret")
		}
		assert.Empty(t, base.Requests())
		assert.Equal(t, 1, calls, "errors of Obtain are remembered")
	}
}

func TestNoErrorQuotesAFurtherValue(t *testing.T) {
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Places: []connectorauth.CustomPlace{{Placement: dialect.Placement{Name: "X-A"}, Value: func(_ context.Context, c credential) (connectorauth.Secret, error) {
			return "made-of-" + c.More["a"], nil
		}}},
		Obtain: obtaining(credential{More: map[string]connectorauth.Secret{"a": "the-further-value"}}),
	}))
	for _, quote := range []string{"the-further-value", "made-of-the-further-value"} {
		_, err := c.Wrap(fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			resp := fakehttp.Respond(302, "")
			resp.Header.Set("Location", foreign+"/x/"+quote)
			return resp, nil
		})).RoundTrip(must(http.NewRequest(http.MethodGet, home+"/a", nil)))
		if err != nil { // a header leaves no trace in the URL
			assert.NotContains(t, err.Error(), quote)
		}
		hooked := connectorauth.WithHooks(c, connectorauth.Hooks{BeforeRequest: func(*connectorauth.Exchange) error { return errors.New("bad " + quote) }})
		_, err = hooked.Wrap(&fakehttp.Base{}).RoundTrip(must(http.NewRequest(http.MethodGet, home+"/a", nil)))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), quote)
	}
}

// refusingLogin is an account whose service refuses every login but one.
type refusingLogin struct {
	store  tokenstore.Memory
	good   connectorauth.Secret
	logins atomic.Int32
}

func (r *refusingLogin) connector(login connectorauth.Secret) *connectorauth.Custom {
	return must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Places: []connectorauth.CustomPlace{{}}, Login: login, Endpoint: "https://login.example.test/session?x=" + "secret-of-the-query",
		Obtain: func(context.Context, credential, *http.Response) (credential, error) {
			r.logins.Add(1)
			if login != r.good {
				return credential{}, fmt.Errorf("refused: %w", connectorauth.ErrReauthRequired)
			}
			return credential{Value: "session"}, nil
		},
		Store: &r.store, Account: "a", Shared: new(connectorauth.Shared), // as in another process
	}))
}

func (r *refusingLogin) use(login connectorauth.Secret) error {
	resp, err := connectorauth.NewClient(r.connector(login), &http.Client{Transport: &fakehttp.Base{}}).Get(home)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

func TestRefusedLoginIsTriedOnceOverProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &refusingLogin{good: "right"}
		for range 8 {
			require.ErrorIs(t, r.use("wrong"), connectorauth.ErrReauthRequired)
		}
		assert.EqualValues(t, 1, r.logins.Load())
		err := r.use("wrong")
		assert.ErrorContains(t, err, "token endpoint https://login.example.test/session")
		assert.NotContains(t, err.Error(), "secret-of-the-query")
		assert.NotErrorIs(t, err, connectorauth.ErrNotConnected)
		status, err := r.connector("wrong").Status(t.Context())
		require.NoError(t, err)
		assert.Equal(t, connectorauth.StateReauthRequired, status.State)
		assert.False(t, status.NotBefore.IsZero())

		time.Sleep(time.Hour) // a lock that ends is noticed
		for range 8 {
			require.ErrorIs(t, r.use("wrong"), connectorauth.ErrReauthRequired)
		}
		assert.EqualValues(t, 2, r.logins.Load())
		time.Sleep(time.Hour)
		require.Error(t, r.use("wrong"))
		assert.EqualValues(t, 2, r.logins.Load(), "the pause grows")
		require.ErrorIs(t, r.connector("wrong").Renew(t.Context()), connectorauth.ErrReauthRequired)
		assert.EqualValues(t, 3, r.logins.Load(), "Renew tries at once")

		require.NoError(t, r.use("right"), "other credentials are tried at once")
		require.NoError(t, r.use("right"))
		assert.EqualValues(t, 4, r.logins.Load())
		require.ErrorIs(t, r.use("wrong"), connectorauth.ErrReauthRequired)
		require.NoError(t, r.use("right"))
	})
}

func TestRefusedLoginInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := must(connectorauth.NewCustom(connectorauth.CustomConfig{Places: []connectorauth.CustomPlace{{}}, Login: "wrong", Obtain: func(context.Context, credential, *http.Response) (credential, error) {
			calls++
			return credential{}, connectorauth.ErrReauthRequired
		}}))
		for range 30 {
			_, err := connectorauth.NewClient(c, &http.Client{Transport: &fakehttp.Base{}}).Get(home)
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			time.Sleep(time.Minute)
		}
		assert.Equal(t, 1, calls)
	})
}

func TestRecordOfAnotherEndpointIsRefused(t *testing.T) {
	store := new(tokenstore.Memory)
	use := func(endpoint string) error {
		c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Places: []connectorauth.CustomPlace{{}}, Obtain: obtaining(credential{Value: "v"}), Endpoint: endpoint, Store: store, Account: "a", Shared: new(connectorauth.Shared),
		}))
		return c.Renew(t.Context())
	}
	require.NoError(t, use("https://login.example.test/v1"))
	require.NoError(t, use("https://login.example.test/v2"))
	err := use("https://login.other.test/v1")
	assert.ErrorContains(t, err, "a Custom connector at https://login.example.test")
	assert.ErrorContains(t, err, "a Custom connector at https://login.other.test")
}

func TestLoginsAtOneEndpointAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &connectorauth.Shared{TokenRequests: 3}
		var now, most, calls atomic.Int32
		var all sync.WaitGroup
		for range 20 {
			c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
				Places: []connectorauth.CustomPlace{{}}, Endpoint: "https://login.example.test/session", Shared: shared,
				Obtain: func(context.Context, credential, *http.Response) (credential, error) {
					calls.Add(1)
					if n := now.Add(1); n > most.Load() {
						most.Store(n)
					}
					time.Sleep(time.Second)
					now.Add(-1)
					return credential{Value: "v"}, nil
				},
			}))
			all.Go(func() { assert.NoError(t, c.Renew(t.Context())) })
		}
		all.Wait()
		assert.EqualValues(t, 3, most.Load())
		assert.EqualValues(t, 20, calls.Load())
	})
}

func TestIdleCredentialIsReplacedBeforeUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		config := connectorauth.CustomConfig{
			Places: []connectorauth.CustomPlace{{}}, Idle: 20 * time.Minute, Store: new(tokenstore.Memory), Account: "a", Shared: new(connectorauth.Shared),
			Obtain: func(context.Context, credential, *http.Response) (credential, error) {
				n++
				return credential{Value: connectorauth.Secret(fmt.Sprint("session", n))}, nil
			},
		}
		base := &fakehttp.Base{}
		c := must(connectorauth.NewCustom(config))
		use := func() string {
			resp, err := connectorauth.NewClient(c, &http.Client{Transport: base}).Get(home)
			require.NoError(t, err)
			resp.Body.Close()
			all := base.Requests()
			return all[len(all)-1].Header.Get("Authorization")
		}
		for range 10 {
			assert.Equal(t, "Bearer session1", use())
			time.Sleep(15 * time.Minute)
		}
		time.Sleep(6 * time.Minute)
		assert.Equal(t, "Bearer session2", use())
		another := c
		c = must(connectorauth.NewCustom(config))
		assert.Equal(t, "Bearer session2", use(), "a use by another connector of the process counts")
		time.Sleep(21 * time.Minute)
		assert.Equal(t, "Bearer session3", use())
		c = another
		assert.Equal(t, "Bearer session3", use())
	})
}

func TestCustomRejectionsLookIntoTheBody(t *testing.T) {
	n := 0
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Places: []connectorauth.CustomPlace{{}}, Rejections: []dialect.Rejection{{Status: 200, Path: "error", Value: "session_expired"}},
		Obtain: func(context.Context, credential, *http.Response) (credential, error) {
			n++
			return credential{Value: connectorauth.Secret(fmt.Sprint("session", n))}, nil
		},
	}))
	client := connectorauth.NewClient(c, &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Header.Get("Authorization") == "Bearer session1" {
			resp := fakehttp.Respond(200, `{"error":"session_expired"}`)
			resp.Header.Set("Content-Type", "application/json")
			return resp, nil
		}
		return fakehttp.Respond(204, ""), nil
	})})
	resp, err := client.Get(home)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 204, resp.StatusCode)
	assert.Equal(t, 2, n)
}

func TestRevokeOfACustomForgetsWhateverTheServiceSays(t *testing.T) {
	for _, failure := range []error{nil, errors.New("no route for the-session-value")} {
		store := new(tokenstore.Memory)
		var revoked []credential
		c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Places: []connectorauth.CustomPlace{{}}, Obtain: obtaining(credential{Value: "the-session-value", More: map[string]connectorauth.Secret{"a": "b"}}), Store: store, Account: "a",
			Revoke: func(ctx context.Context, value credential) error {
				_, bounded := ctx.Deadline()
				assert.True(t, bounded)
				revoked = append(revoked, value)
				return failure
			},
		}))
		require.NoError(t, c.Revoke(t.Context()), "nothing to revoke")
		assert.Empty(t, revoked)
		require.NoError(t, c.Renew(t.Context()))
		err := c.Revoke(t.Context())
		assert.Equal(t, failure != nil, err != nil)
		if err != nil {
			assert.NotContains(t, err.Error(), "the-session-value")
			assert.ErrorIs(t, err, failure)
		}
		require.Len(t, revoked, 1)
		assert.True(t, revoked[0].Value == "the-session-value" && revoked[0].More["a"] == "b")
		_, ok, err := store.Load(t.Context(), "a")
		require.NoError(t, err)
		assert.False(t, ok)
	}
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{Places: []connectorauth.CustomPlace{{}}, Obtain: obtaining(credential{Value: "v"})}))
	assert.ErrorContains(t, c.Revoke(t.Context()), "no Revoke")
}
