package connectorauth_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOAuth1SharesItsTokenThroughTheStore(t *testing.T) {
	store := new(tokenstore.Memory)
	shared := func(c *connectorauth.OAuth1Config) { c.Store, c.Account = store, "account" }
	inSession(t, hourly, shared, func(t *testing.T, p *authtest.Provider, first *connectorauth.OAuth1) {
		config := consenting(p)
		shared(&config)
		second := must(connectorauth.NewOAuth1(config))
		assert.Equal(t, must(first.Extra(t.Context())), must(second.Extra(t.Context())))
		time.Sleep(59*time.Minute + 59*time.Second)
		time.Sleep(2 * time.Second)
		for _, c := range []*connectorauth.OAuth1{first, second, first} {
			status, answer := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
			assert.Equal(t, 200, status, answer)
		}
		assert.Equal(t, 2, p.Stats().AccessTokens)

		// The other way round, the API tells the one that has not noticed.
		p.ExpireAccessTokens()
		for _, c := range []*connectorauth.OAuth1{first, second} {
			status, answer := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
			assert.Equal(t, 200, status, answer)
		}
		assert.Equal(t, 3, p.Stats().AccessTokens)
		stored, _, err := store.Load(t.Context(), "account")
		require.NoError(t, err)
		assert.Contains(t, string(stored), `"value":{"v":1,"oauth_token":`)
	})
}

// An answer that is lost leaves it open whether the old token still works; it is
// asked for again only when there is nothing to lose.
func TestOAuth1LostRenewalIsNotAskedForAgain(t *testing.T) {
	inSession(t, hourly, nil, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth1) {
		time.Sleep(55 * time.Minute)
		p.Inject(p.AccessTokenURL, 1, authtest.DropBefore())
		for range 4 {
			status, _ := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
			assert.Equal(t, 200, status)
			time.Sleep(time.Minute)
		}
		assert.Len(t, p.Requests(p.AccessTokenURL), 2)
		time.Sleep(2 * time.Minute)
		status, _ := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
		assert.Equal(t, 200, status)
		assert.Len(t, p.Requests(p.AccessTokenURL), 3)
	})
}

func TestOAuth1RefusesAStoredValueOfAnotherKind(t *testing.T) {
	p := provider(t, authtest.Config{})
	for name, stored := range map[string]string{
		"OAuth2 token": `{"v":1,"access_token":"a","refresh_token":"r"}`,
		"no token":     `{"v":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			store := new(tokenstore.Memory)
			require.NoError(t, store.Save(t.Context(), "account", []byte(stored)))
			config := consenting(p)
			config.Store, config.Account = store, "account"
			_, err := connectorauth.NewClient(must(connectorauth.NewOAuth1(config)), p.Client()).Get(p.OAuth1URL)
			require.ErrorContains(t, err, `"account"`)
			assert.Empty(t, p.Requests(p.OAuth1URL), "a request signed for the client alone would be another account's")
		})
	}
}

func TestOAuth1SessionHandleIsInDoubtAfterAnUnusableResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		provider := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/request" {
				return fakehttp.Respond(200, "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true"), nil
			}
			if asked++; asked == 1 {
				return fakehttp.Respond(200, "oauth_token=first&oauth_token_secret=s&oauth_session_handle=h&oauth_expires_in=100"), nil
			}
			return fakehttp.Respond(200, "oauth_token=bad%0A&oauth_token_secret=s&oauth_session_handle=h2&oauth_expires_in=100"), nil
		})
		c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "client", ClientSecret: "secret", RequestTokenURL: "https://provider.example/request",
			AuthorizeURL: "https://provider.example/authorize", AccessTokenURL: "https://provider.example/access",
			HTTPClient: &http.Client{Transport: provider},
		}))
		_, pending, err := c.Begin(t.Context(), "https://app.example/callback")
		require.NoError(t, err)
		require.NoError(t, c.Finish(t.Context(), pending, url.Values{"oauth_token": {"t"}, "oauth_verifier": {"v"}}))
		for range 98 {
			get(t, c, &http.Client{Transport: fakehttp.Status(200)}, "https://api.example.com/")
			synctest.Wait()
			time.Sleep(time.Second)
		}
		assert.Equal(t, 2, asked, "the handle is not sent again while the token is good")
	})
}
