package connectorauth_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// before is Hooks with a BeforeRequest.
func before(f func(*connectorauth.Exchange) error) connectorauth.Hooks {
	return connectorauth.Hooks{BeforeRequest: f}
}

// after is Hooks with an AfterResponse.
func after(f func(*connectorauth.Exchange) error) connectorauth.Hooks {
	return connectorauth.Hooks{AfterResponse: f}
}

// stranger is a Connector that this package knows nothing about.
type stranger struct{}

func (stranger) AuthType() connectorauth.AuthType { return "Stranger" }

func (stranger) Wrap(base http.RoundTripper) http.RoundTripper {
	return fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.Header.Set("X-Stranger", "yes")
		return base.RoundTrip(req)
	})
}

func hookedKey(h connectorauth.Hooks) connectorauth.Connector {
	return connectorauth.WithHooks(must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Prefix: "Token "})), h)
}

func TestHooksSeeTheAuthenticatedRequest(t *testing.T) {
	tokens := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{ClientID: "c", ClientSecret: "s", TokenURL: "https://p.example/", Grant: connectorauth.ClientCredentials{}}))
	require.NoError(t, tokens.SetToken(t.Context(), &oauth2.Token{AccessToken: "t0ken"}))
	for _, test := range []struct {
		connectorauth.Connector
		auth, header string
	}{
		{must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k3y", Prefix: "Token "})), "k3y", "Token k3y"},
		{must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k3y", In: dialect.InQuery, Name: "key"})), "k3y", ""},
		{must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k3y", In: dialect.InBody, Name: "key"})), "k3y", ""},
		{must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "u", Password: "p"})), "dTpw", "Basic dTpw"},
		{tokens, "t0ken", "Bearer t0ken"},
		{must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(r *http.Request, _ connectorauth.CustomCredential) error {
			r.Header.Set("Authorization", "Own")
			return nil
		}})), "", "Own"},
		{connectorauth.None{}, "", ""},
		{stranger{}, "", ""},
	} {
		base, called := &fakehttp.Base{}, 0
		c := connectorauth.WithHooks(test.Connector, before(func(e *connectorauth.Exchange) error {
			called++
			assert.Equal(t, test.auth, string(e.Auth))
			assert.Equal(t, test.header, e.Request.Header.Get("Authorization"))
			assert.Nil(t, e.Response)
			return nil
		}))
		assert.IsType(t, test.AuthType(), c.AuthType())
		assert.Equal(t, test.AuthType(), c.AuthType())
		req := must(http.NewRequest(http.MethodPost, "https://api.example.com/", strings.NewReader("a=b")))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		_, err := c.Wrap(base).RoundTrip(req)
		require.NoError(t, err)
		assert.Equal(t, 1, called)
		assert.Len(t, base.Requests(), 1)
	}
}

func TestHooksChangeTheRequestButNotTheCallers(t *testing.T) {
	base := &fakehttp.Base{}
	c := hookedKey(before(func(e *connectorauth.Exchange) error {
		body, err := e.RequestBody(100)
		e.SetRequestBody(append([]byte("more "), body...))
		e.Request.Method = http.MethodPut
		e.Request.URL.Path += "/changed"
		e.Request.URL.RawQuery = "k=" + string(e.Auth)
		e.Request.Header.Add("X-List", "b")
		return err
	}))
	for _, replayable := range []bool{true, false} {
		made := &fakehttp.Bodies{}
		req := made.Request(t, http.MethodPost, "https://api.example.com/a", "text/plain", "body", replayable)
		req.Header["X-List"] = []string{"a"}
		resp, err := c.Wrap(base).RoundTrip(req)
		require.NoError(t, err)
		made.RequireClosedOnce(t)
		assert.Same(t, req, resp.Request)
		assert.Equal(t, []string{"a"}, req.Header["X-List"])
		assert.Equal(t, "POST https://api.example.com/a", req.Method+" "+req.URL.String())

		sent := base.Requests()[len(base.Requests())-1]
		assert.Equal(t, "PUT https://api.example.com/a/changed?k="+secretKey, sent.Method+" "+sent.URL.String())
		assert.Equal(t, []string{"a", "b"}, sent.Header["X-List"])
		assert.Equal(t, "more body", sent.Body)
		assert.EqualValues(t, len("more body"), sent.ContentLength)
		again := must(sent.GetBody())
		assert.Equal(t, "more body", string(must(io.ReadAll(again))))
	}
}

func TestHookKeepsTheCredentialsAtHome(t *testing.T) {
	for to, allowed := range map[string]bool{
		"https://api.example.com/else": true, "https://evil.example/": false, "http://api.example.com/": false, "https://api.example.com:8443/": false,
	} {
		for _, c := range []connectorauth.Connector{must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey})), connectorauth.None{}, stranger{}} {
			base, made := &fakehttp.Base{}, &fakehttp.Bodies{}
			c = connectorauth.WithHooks(c, before(func(e *connectorauth.Exchange) error {
				*e.Request.URL = *must(url.Parse(to)) // in place, and so not told by the pointer
				return nil
			}))
			_, err := c.Wrap(base).RoundTrip(made.Request(t, http.MethodPost, "https://api.example.com/", "text/plain", "b", true))
			made.RequireClosedOnce(t)
			if allowed {
				require.NoError(t, err)
				continue
			}
			require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed, to)
			assert.Empty(t, base.Requests())
		}
	}

	// Within Hosts it may go elsewhere, under that name.
	base := &fakehttp.Base{}
	c := connectorauth.WithHooks(must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Hosts: []string{"*.example.com"}})), before(func(e *connectorauth.Exchange) error {
		e.Request.URL.Host = "eu.example.com"
		return nil
	}))
	get(t, c, &http.Client{Transport: base}, "https://api.example.com/")
	assert.Empty(t, base.Requests()[0].Host)
}

func TestHooksDoNotRunForRequestsWithoutCredentials(t *testing.T) {
	for _, c := range []connectorauth.Connector{must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey})), connectorauth.None{}, stranger{}} {
		var seen []string
		mark := func(e *connectorauth.Exchange) error { seen = append(seen, e.Request.URL.Host); return nil }
		base := &fakehttp.Base{Answer: func(req *http.Request) (*http.Response, error) {
			if req.URL.Host == "other.example" {
				return fakehttp.Respond(http.StatusOK, ""), nil
			}
			resp := fakehttp.Respond(http.StatusFound, "")
			resp.Header.Set("Location", "https://other.example/")
			return resp, nil
		}}
		get(t, connectorauth.WithHooks(c, connectorauth.Hooks{BeforeRequest: mark, AfterResponse: mark}), &http.Client{Transport: base}, "https://api.example.com/")
		assert.Len(t, base.Requests(), 2)
		assert.Equal(t, []string{"api.example.com", "api.example.com"}, seen)
	}
}

func TestHookThatFailsSendsNothing(t *testing.T) {
	for name, hook := range map[string]func(*connectorauth.Exchange) error{
		"error":    func(*connectorauth.Exchange) error { return errBroken },
		"panic":    func(e *connectorauth.Exchange) error { panic(string(e.Auth)) },
		"too long": func(e *connectorauth.Exchange) error { e.RequestBody(3); return nil },
		"no URL":   func(e *connectorauth.Exchange) error { e.Request.URL = nil; return nil },
	} {
		base, made := &fakehttp.Base{}, &fakehttp.Bodies{}
		_, err := hookedKey(before(hook)).Wrap(base).RoundTrip(made.Request(t, http.MethodPost, "https://api.example.com/", "text/plain", "body", true))
		require.Error(t, err, name)
		assert.Empty(t, canary.Found(err.Error(), secretKey))
		assert.Equal(t, name == "error", errors.Is(err, errBroken))
		assert.Empty(t, base.Requests())
		made.RequireClosedOnce(t)
	}
}

// hookedTree returns connectors that branch at depths 1, 2 and 3, by the hooks on
// their way, each made before the next.
func hookedTree(c connectorauth.Connector, with func(name string) connectorauth.Hooks) map[string]connectorauth.Connector {
	tree := map[string]connectorauth.Connector{"": c}
	parents := []string{""}
	for range 4 {
		var next []string
		for _, parent := range parents {
			for _, name := range []string{"a", "b", "c"} {
				tree[parent+name] = connectorauth.WithHooks(tree[parent], with(name))
				next = append(next, parent+name)
			}
		}
		parents = next[:3] // the branches of one parent, so that the tree stays small
	}
	return tree
}

func TestSiblingsOfWithHooksKeepTheirOwnHooks(t *testing.T) {
	var order string
	hooks := func(name string) connectorauth.Hooks {
		return connectorauth.Hooks{
			BeforeRequest: func(e *connectorauth.Exchange) error { order += name; e.Data = name; return nil },
			AfterResponse: func(e *connectorauth.Exchange) error { order += e.Data.(string); return nil },
		}
	}
	for _, c := range []connectorauth.Connector{must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k"})), connectorauth.None{}, stranger{}} {
		for path, hooked := range hookedTree(c, hooks) {
			order = ""
			get(t, hooked, &http.Client{Transport: &fakehttp.Base{}}, home)
			assert.Equal(t, path+path, order)
		}
	}
}

func TestHooksKeepTheType(t *testing.T) {
	c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s"}))
	assert.IsType(t, c, connectorauth.WithHooks(c, connectorauth.Hooks{}))
	f := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{{Key: "k", Value: "v"}}}))
	assert.Equal(t, f.Fields(), connectorauth.WithHooks(f, connectorauth.Hooks{}).(*connectorauth.AuthFields).Fields())
}

func ExampleWithHooks() {
	var c connectorauth.Connector = must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "the-key", Name: "X-Key"}))
	c = connectorauth.WithHooks(c, connectorauth.Hooks{
		// The service wants the body signed with the key, in place of the key.
		BeforeRequest: func(e *connectorauth.Exchange) error {
			body, err := e.RequestBody(1 << 20)
			if err != nil {
				return err
			}
			mac := hmac.New(sha256.New, []byte(e.Auth))
			mac.Write(body)
			e.Request.Header.Del("X-Key")
			e.Request.Header.Set("X-Signature", hex.EncodeToString(mac.Sum(nil)))
			return nil
		},
	})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Header.Get("X-Key"), r.Header.Get("X-Signature"))
	}))
	defer api.Close()
	resp, err := connectorauth.NewClient(c, nil).Post(api.URL, "text/plain", strings.NewReader("hello"))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	// Output: 3264136e64f2dcfbab66679a54d0ee1ca0b6c550e631a9d8c06b278e5cb8efe6
}

func TestAuthorizeHookCannotAddUserInformation(t *testing.T) {
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", TokenURL: "https://login.example.test/token", Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"},
	}))
	_, _, err := connectorauth.WithHooks(c, connectorauth.Hooks{BeforeAuthorize: func(_ context.Context, u *url.URL) error {
		u.User = url.User("evil.example")
		return nil
	}}).(*connectorauth.OAuth2).Begin(t.Context(), callbackURL)
	require.ErrorContains(t, err, "changed the origin")
}

func TestHookWritesNeitherIntoTheCallersHeaderNorOverItsHost(t *testing.T) {
	base := &fakehttp.Base{}
	var host string
	c := connectorauth.WithHooks(must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", Hosts: []string{"*.example.test"}})), connectorauth.Hooks{
		BeforeRequest: func(e *connectorauth.Exchange) error {
			e.Request.Header["X-Mine"][0] = "changed"
			e.Request.URL.Host = "other.example.test"
			return nil
		},
	})
	req := must(http.NewRequest(http.MethodGet, home, nil))
	req.Header["X-Mine"] = []string{"mine"}
	req.Host = "virtual.example.test"
	_, err := c.Wrap(fakehttp.RoundTripper(func(out *http.Request) (*http.Response, error) {
		host = out.Host
		return base.RoundTrip(out)
	})).RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, []string{"mine"}, req.Header["X-Mine"])
	assert.Equal(t, "virtual.example.test", host, "a Host of the caller's own stays")
}
