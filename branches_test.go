package connectorauth_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Two connectors that are made of one connector have nothing of each other, however deep
// the one is.
func TestConnectorsMadeOfOneConnectorAreApart(t *testing.T) {
	var trunk connectorauth.Connector = must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Hosts: []string{"*.example.com"}}))
	for depth := range 10 {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			a, b := connectorauth.WithHosts(trunk, only("a.example.com")), connectorauth.WithHosts(trunk, only("b.example.com"))
			for c, host := range map[connectorauth.Connector]string{a: "a", b: "b"} {
				for _, asked := range []string{"a", "b"} {
					_, err := c.Wrap(&fakehttp.Base{}).RoundTrip(must(http.NewRequest(http.MethodGet, "https://"+asked+".example.com/", nil)))
					if asked == host {
						assert.NoError(t, err)
					} else {
						assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
					}
				}
			}

			bases := []*fakehttp.Base{{}, {}}
			var based []connectorauth.Connector
			for _, base := range bases {
				choose, _ := into(base)
				based = append(based, connectorauth.WithBase(trunk, choose))
			}
			for i, c := range based {
				_, err := c.Wrap(nil).RoundTrip(must(http.NewRequest(http.MethodGet, "https://a.example.com/", nil)))
				require.NoError(t, err)
				assert.Len(t, bases[i].Requests(), 1)
			}

			names := []string{"a", "b"}
			var hooked []connectorauth.Connector
			for _, name := range names {
				hooked = append(hooked, connectorauth.WithHooks(trunk, connectorauth.Hooks{BeforeRequest: func(e *connectorauth.Exchange) error {
					e.Request.Header.Set("X-Name", name)
					return nil
				}}))
			}
			for i, c := range hooked {
				base := &fakehttp.Base{}
				_, err := c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, "https://a.example.com/", nil)))
				require.NoError(t, err)
				assert.Equal(t, names[i], base.Requests()[0].Header.Get("X-Name"))
			}
		})
		trunk = connectorauth.WithHooks(trunk, connectorauth.Hooks{BeforeRequest: func(*connectorauth.Exchange) error { return nil }})
	}
}

// A hook may add to each header: no value takes the place of another one, and the caller's
// request stays as it is.
func TestAHookAddsToEachHeader(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey}))
	c := connectorauth.WithHooks(key, connectorauth.Hooks{BeforeRequest: func(e *connectorauth.Exchange) error {
		for name := range e.Request.Header {
			e.Request.Header.Add(name, "added")
		}
		return nil
	}})
	req := must(http.NewRequest(http.MethodGet, home, nil))
	want := http.Header{"Authorization": {secretKey, "added"}}
	for i := range 20 {
		name, value := fmt.Sprintf("X-%d", i), fmt.Sprint(i)
		req.Header.Set(name, value)
		want[name] = []string{value, "added"}
	}
	before, base := req.Header.Clone(), &fakehttp.Base{}
	_, err := c.Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	assert.Equal(t, want, base.Requests()[0].Header)
	assert.Equal(t, before, req.Header)
}

// A credential of the caller is replaced under hooks too, in whatever letter case the
// caller's header is.
func TestHooksSeeNoCredentialOfTheCaller(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey}))
	seen := http.Header{}
	c := connectorauth.WithHooks(key, connectorauth.Hooks{BeforeRequest: func(e *connectorauth.Exchange) error {
		seen = e.Request.Header.Clone()
		return nil
	}})
	req := must(http.NewRequest(http.MethodGet, home, nil))
	req.Header = http.Header{"authorization": {"old"}, "AUTHORIZATION": {"old"}, "Authorization": {"old"}, "X-A": {"1"}}
	base := &fakehttp.Base{}
	_, err := c.Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	want := http.Header{"Authorization": {secretKey}, "X-A": {"1"}}
	assert.Equal(t, want, seen)
	assert.Equal(t, want, base.Requests()[0].Header)
}
