package connectorauth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestHooksOfJoinedConnectorsSeeTheirOwnCredential(t *testing.T) {
	var seen []string
	watch := func(name string) connectorauth.Hooks {
		return connectorauth.Hooks{BeforeRequest: func(e *connectorauth.Exchange) error {
			seen = append(seen, name+"="+string(e.Auth))
			return nil
		}}
	}
	a, _ := counting("X-A", nil, nil)
	inner := connectorauth.WithHooks(must(connectorauth.Join(connectorauth.WithHooks(a, watch("custom")), connectorauth.WithHooks(queryKey(), watch("query")))), watch("inner"))
	basic := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "u", Password: "p"}))
	c := connectorauth.WithHooks(must(connectorauth.Join(inner, connectorauth.WithHooks(basic, watch("basic")))), watch("outer"))
	_, err := c.Wrap(&fakehttp.Base{}).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"custom=0", "query=query-key", "inner=", "basic=dTpw", "outer="}, seen)
}

func TestHooksOfAJoinSeeTokenRequests(t *testing.T) {
	tokens := 0
	oauth := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{},
		HTTPClient: &http.Client{Transport: tokenEndpoint()},
	}))
	c := connectorauth.WithHooks(must(connectorauth.Join(oauth, queryKey())), connectorauth.Hooks{
		BeforeToken: func(*connectorauth.Exchange) error { tokens++; return nil },
	})
	_, err := c.Wrap(&fakehttp.Base{}).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	require.NoError(t, err)
	assert.Equal(t, 1, tokens)
}

func TestRejectionThatAHookOfAJoinSeesRenewsEveryPart(t *testing.T) {
	a, renewedA := counting("X-A", names("nothing"), nil)
	b, renewedB := counting("X-B", names("nothing"), nil)
	base := &fakehttp.Base{}
	c := connectorauth.WithHooks(must(connectorauth.Join(a, b)), after(func(e *connectorauth.Exchange) error {
		if e.Request.Header.Get("X-A") == "0" {
			return connectorauth.ErrCredentialRejected
		}
		return nil
	}))
	code, _ := get(t, c, &http.Client{Transport: base}, home)
	assert.Equal(t, 200, code)
	assert.Equal(t, []int{1, 1}, []int{*renewedA, *renewedB})
	assert.Len(t, base.Requests(), 2)
}

func TestWithHooksOfAJoinLeavesTheJoinAsItIs(t *testing.T) {
	tokens := tokenEndpoint()
	var order string
	hooks := func(name string) connectorauth.Hooks {
		note := func(*connectorauth.Exchange) error { order += name; return nil }
		return connectorauth.Hooks{BeforeRequest: note, BeforeToken: func(e *connectorauth.Exchange) error { order += "token "; return note(e) }}
	}
	oauth := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{},
		HTTPClient: &http.Client{Transport: tokens},
	}))
	for path, c := range hookedTree(must(connectorauth.Join(queryKey(), connectorauth.WithHooks(oauth, hooks("0")))), hooks) {
		order = ""
		require.NoError(t, oauth.SetToken(t.Context(), &oauth2.Token{AccessToken: "old", Expiry: time.Now().Add(-time.Hour)}))
		get(t, c, &http.Client{Transport: &fakehttp.Base{}}, home)
		var want string
		for _, name := range "0" + path {
			want += "token " + string(name)
		}
		assert.Equal(t, want+"0"+path, order)
		assert.Equal(t, connectorauth.AuthTypeJoined, c.AuthType())
	}
}

func TestRejectionThatOnlyAHookSeesRenewsEveryPartAndIsNotedOnce(t *testing.T) {
	a, renewals := counting("X-A", func(*http.Response) bool { return false }, nil)
	c := connectorauth.WithHooks(must(connectorauth.Join(a, queryKey())), connectorauth.Hooks{
		AfterResponse: func(*connectorauth.Exchange) error { return connectorauth.ErrCredentialRejected },
	})
	base := &fakehttp.Base{}
	for range 3 {
		_, err := c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		require.ErrorIs(t, err, connectorauth.ErrCredentialRejected)
	}
	assert.Equal(t, 1, *renewals, "after the first replay, the credential is not renewed again")
	assert.Len(t, base.Requests(), 4)
}
