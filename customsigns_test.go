package connectorauth_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFunctionsThatSignComeLastInAJoin(t *testing.T) {
	var order []string
	function := func(name string, signs bool) connectorauth.Connector {
		return must(connectorauth.NewCustom(connectorauth.CustomConfig{Signs: signs, Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
			order = append(order, name)
			if signs {
				assert.NotEmpty(t, req.URL.Query().Get("oauth_signature"))
			}
			return nil
		}}))
	}
	oauth1 := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s", In: dialect.InQuery}))
	inner := must(connectorauth.Join(function("first signature", true), oauth1, function("a", false)))
	c := must(connectorauth.Join(inner, function("second signature", true), function("b", false)))
	_, err := c.Wrap(new(fakehttp.Base)).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "first signature", "second signature"}, order)
}

func TestRejectedSeesTheRequestWithItsPlaces(t *testing.T) {
	var seen []string
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Places: []connectorauth.CustomPlace{{Placement: dialect.Placement{Name: "X-Key"}}},
		Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
			return connectorauth.CustomCredential{Value: "v"}, nil
		},
		Rejected: func(resp *http.Response) bool {
			seen = append(seen, resp.Request.Header.Get("X-Key"))
			return false
		},
		Shared: new(connectorauth.Shared),
	}))
	_, err := c.Wrap(new(fakehttp.Base)).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	require.NoError(t, err)
	assert.Equal(t, []string{"v"}, seen)
}

func TestHeaderOfAFunctionIsNoPlaceToo(t *testing.T) {
	_, err := connectorauth.NewCustom(connectorauth.CustomConfig{
		Places: []connectorauth.CustomPlace{{Placement: dialect.Placement{Name: "X-Key"}}}, Header: "x-key",
		Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil },
	})
	assert.ErrorContains(t, err, "Header: ")
}
