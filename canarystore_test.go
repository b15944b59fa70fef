package connectorauth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/internal/test/race"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// brokenStore fails in the ways that its fields say.
type brokenStore struct {
	tokenstore.Memory
	load, save, lock error
}

func (s *brokenStore) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if s.load != nil {
		return nil, false, s.load
	}
	return s.Memory.Load(ctx, key)
}

func (s *brokenStore) Save(ctx context.Context, key string, value []byte) error {
	return errors.Join(s.save, s.Memory.Save(ctx, key, value))
}

func (s *brokenStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if s.save != nil {
		return false, s.save
	}
	return s.Memory.CompareAndSwap(ctx, key, old, new)
}

func (s *brokenStore) Lock(ctx context.Context, key string) (connectorauth.Lease, error) {
	if s.lock != nil {
		return nil, s.lock
	}
	return s.Memory.Lock(ctx, key)
}

func TestCanaryStoresThatFail(t *testing.T) {
	stores := map[string]func() connectorauth.TokenStore{
		"load": func() connectorauth.TokenStore { return &brokenStore{load: errBroken} },
		"lock": func() connectorauth.TokenStore { return &brokenStore{lock: errBroken} },
		"save": func() connectorauth.TokenStore { return &brokenStore{save: errBroken} },
	}
	for what, value := range map[string]string{
		"not JSON":         clientSecret + refreshToken,
		"cut short":        `{"v":1,"access_token":"` + accessToken + `","refresh_token":"` + refreshToken,
		"other types":      `{"v":1,"access_token":["` + accessToken + `"],"oauth_token":{"x":"` + tokenSecret + `"}}`,
		"odd version":      `{"v":"` + refreshToken + `"}`,
		"later version":    `{"v":99,"access_token":"` + accessToken + `"}`,
		"odd time":         `{"v":1,"access_token":"x","expiry":"` + refreshToken + `","oauth_token":7}`,
		"unusable token":   `{"v":1,"access_token":"` + accessToken + `\n","oauth_token":"` + accessToken + `\n","oauth_token_secret":"` + tokenSecret + `"}`,
		"empty":            ``,
		"secret, no token": `{"v":1,"oauth_token_secret":"` + tokenSecret + `"}`,
	} {
		stores[what] = func() connectorauth.TokenStore {
			store := new(tokenstore.Memory)
			store.Save(context.Background(), "account", []byte(value))
			return store
		}
	}
	n := 0
	for what, newStore := range stores {
		for _, b := range birds() {
			if n++; n%race.Fewer(1, 10) > 0 {
				continue
			}
			inBubble(t, what+"/"+b.name, func(t *testing.T, c *canary.Canary) {
				connector, _ := b.build(c, &fakehttp.Base{Answer: goodProvider}, newStore())
				client := connectorauth.NewClient(connector, &http.Client{Transport: &fakehttp.Base{}})
				resp, err := client.Post(home, "application/json", strings.NewReader(`{}`))
				if strings.HasPrefix(b.name, "OAuth2") || hasConsent(b) { // what has no store cannot fail
					fails := what == "load" || what == "lock" || what == "later version"
					assert.Equal(t, !fails && !hasConsent(b), err == nil, "%v", err)
				} else {
					require.NoError(t, err)
				}
				c.Error("error", err)
				c.Response("response", resp)
				if o, ok := connector.(*connectorauth.OAuth2); ok {
					c.Error("SetToken", o.SetToken(t.Context(), &oauth2.Token{AccessToken: accessToken, RefreshToken: refreshToken}))
					c.Error("SetToken", o.SetToken(t.Context(), &oauth2.Token{AccessToken: accessToken + "\n"}))
					c.Error("SetToken", o.SetToken(t.Context(), nil))
					_, err = o.AddToken(t.Context(), &oauth2.Token{AccessToken: accessToken, RefreshToken: refreshToken})
					c.Error("AddToken", err)
					c.Error("HandOver", o.HandOver(t.Context(), func(_ context.Context, token *oauth2.Token) error {
						return errors.New("cannot keep " + token.AccessToken + token.RefreshToken)
					}))
				}
				if o, ok := connector.(*connectorauth.OAuth1); ok {
					_, err = o.AddToken(t.Context(), oauth1.NewToken(oauth1Token, tokenSecret))
					c.Error("AddToken", err)
					c.Error("HandOver", o.HandOver(t.Context(), func(_ context.Context, token *oauth1.Token) error {
						return errors.New("cannot keep " + token.TokenSecret)
					}))
				}
			})
		}
	}
}
