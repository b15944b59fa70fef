package connectorauth_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDamagedRecord(t *testing.T) {
	key := func(id string) tokenstore.Key { return tokenstore.Key{ID: id, Secret: []byte(strings.Repeat(id, 32))} }
	for name, damage := range map[string]string{"not JSON": "token", "empty": "", "torn": `{"v":2,"value":{`, "another seal key": "", "no seal": "{}"} {
		t.Run(name, func(t *testing.T) {
			inner := new(tokenstore.Memory)
			store := must(tokenstore.NewSealed(inner, key("1"))).(connectorauth.SharedTokenStore)
			inTime(t, &account{store: store, answer: granted}, func(t *testing.T, a *account) {
				switch name {
				case "another seal key":
					require.NoError(t, must(tokenstore.NewSealed(inner, key("2"))).Save(t.Context(), "alice", []byte(damage)))
				case "no seal":
					require.NoError(t, inner.Save(t.Context(), "alice", []byte(damage)))
				default:
					require.NoError(t, a.store.Save(t.Context(), "alice", []byte(damage)))
				}
				_, err := a.token(t)
				require.ErrorContains(t, err, "damaged")
				assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
				assert.Empty(t, a.forms, "a person could repair it")
				a.events.kinds()

				a.edit = func(c *connectorauth.OAuth2Config) { c.Grant = connectorauth.ClientCredentials{} }
				assert.Equal(t, "a1", must(a.token(t)))
				assert.Equal(t, "a1", must(a.token(t)), "replaced")
				assert.Contains(t, a.events.kinds(), connectorauth.EventRenewFailed)
			})
		})
	}
}

func TestRecordOfAnotherProviderIsRefused(t *testing.T) {
	inTime(t, &account{answer: granted}, func(t *testing.T, a *account) {
		a.set(t)
		a.edit = func(c *connectorauth.OAuth2Config) { c.TokenURL = "https://q.example/token?key=hidden" }
		_, err := a.token(t)
		require.ErrorContains(t, err, "https://p.example/token")
		require.ErrorContains(t, err, "https://q.example/token")
		assert.NotContains(t, err.Error(), "hidden")
		time.Sleep(2 * time.Hour)
		_, err = a.token(t)
		require.Error(t, err)
		assert.Empty(t, a.forms)

		a.edit = func(c *connectorauth.OAuth2Config) {
			c.TokenURL, c.FormerTokenURL = "https://q.example/token", "https://p.example/token"
			c.ClientSecret = "rotated"
		}
		assert.Equal(t, "a1", must(a.token(t)), "the provider has moved")
		a.edit = func(c *connectorauth.OAuth2Config) { c.TokenURL = "https://q.example/token" }
		assert.Equal(t, "a1", must(a.token(t)))
	})
}

func TestDeletedRecordIsForgottenAtTheNextRenewal(t *testing.T) {
	inTime(t, &account{answer: granted}, func(t *testing.T, a *account) {
		a.set(t)
		c := a.connector()
		_, err := c.Token(t.Context())
		require.NoError(t, err)
		require.NoError(t, a.store.Delete(t.Context(), "alice"))
		time.Sleep(57 * time.Minute)
		_, _ = c.Token(t.Context()) // early renewal begins
		synctest.Wait()
		_, err = c.Token(t.Context())
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.Empty(t, a.forms)
		assert.Empty(t, a.stored(t))
	})
}

func TestExtraIsBounded(t *testing.T) {
	for name, member := range map[string]string{"one name": "same", "other names": "m%d"} {
		t.Run(name, func(t *testing.T) {
			inTime(t, new(account), func(t *testing.T, a *account) {
				var told []error
				a.edit = func(c *connectorauth.OAuth2Config) {
					c.Observe = func(e connectorauth.Event) {
						if e.Kind == connectorauth.EventRenewed && e.Err != nil {
							told = append(told, e.Err)
						}
					}
				}
				a.answer = func(n int, _ url.Values) (*http.Response, error) {
					name := strings.ReplaceAll(member, "%d", fmt.Sprint(n))
					return fakehttp.Respond(200, fmt.Sprintf(`{"access_token":"a","refresh_token":"r%d","expires_in":3600,"n":%d,"first%d":1,%q:%q}`,
						n, n, n, name, strings.Repeat("x", 100_000))), nil
				}
				a.set(t)
				for i := range 10 {
					time.Sleep(time.Hour)
					token, err := a.connector().Token(t.Context())
					require.NoError(t, err)
					assert.Equal(t, fmt.Sprint(i+1), fmt.Sprint(token.Extra("n")), "the newest")
				}
				assert.Less(t, len(a.stored(t)), 70_000)
				require.Len(t, told, 10)
				assert.NotContains(t, told[0].Error(), "xxx")
			})
		})
	}
}

// Stored times are of another clock, or of this clock before it was set back by a
// day.
func TestClockSetBackCostsNothing(t *testing.T) {
	inTime(t, &account{answer: granted}, func(t *testing.T, a *account) {
		ahead := time.Now().Add(24 * time.Hour)
		record := fmt.Sprintf(`{"v":2,"value":{"v":1,"access_token":"a0","refresh_token":"r0","issued":%q,"expiry":%q},"not_before":%q,"pause":60}`,
			ahead.Add(-2*time.Hour).Format(time.RFC3339), ahead.Add(-23*time.Hour-59*time.Minute).Format(time.RFC3339), ahead.Add(365*24*time.Hour).Format(time.RFC3339))
		require.NoError(t, a.store.Save(t.Context(), "alice", []byte(record)))
		time.Sleep(time.Minute)
		c := a.connector()
		_, err := c.Token(t.Context())
		require.Error(t, err)
		time.Sleep(time.Minute) // the pause by this clock
		_, err = c.Token(t.Context())
		require.NoError(t, err)

		// A token that was rejected right after its renewal is renewed again after a
		// minute, although its recorded time lies ahead.
		p := strings.ReplaceAll(a.stored(t), time.Now().UTC().Format("2006-01-02"), ahead.Add(48*time.Hour).UTC().Format("2006-01-02"))
		require.NoError(t, a.store.Save(t.Context(), "alice", []byte(p)))
		api := connectorauth.NewClient(a.connector(), &http.Client{Transport: &fakehttp.Base{Answer: fakehttp.Statuses(401)}})
		post := func() {
			resp, err := api.Post("https://api.example/", "text/plain", io.MultiReader(strings.NewReader("streamed")))
			require.NoError(t, err)
			resp.Body.Close()
			synctest.Wait()
		}
		before := len(a.forms)
		for range 5 {
			post()
		}
		assert.Len(t, a.forms, before+1)
		time.Sleep(61 * time.Second)
		post()
		assert.Len(t, a.forms, before+2)
	})
}

// The records are those of release 518a8b5.
func TestRecordsOfTheFirstVersion(t *testing.T) {
	inTime(t, &account{answer: granted}, func(t *testing.T, a *account) {
		for _, record := range []string{
			`{"v":1,"access_token":"old","refresh_token":"r0","issued":"1999-12-31T23:00:00Z","expiry":"2000-01-01T01:00:00Z"}`,
			`{"v":1,"access_token":"old","refresh_token":"r0","scope":"read","issued":"1999-12-31T23:00:00.123456789+01:00","extra":{"id":12345678901234567890}}`,
			`{"v":1,"refresh_token":"r0","issued":"1999-12-31T23:00:00Z","expiry":"1999-12-31T23:00:00Z"}`,
		} {
			require.NoError(t, a.store.Save(t.Context(), "alice", []byte(record)))
			token, err := a.token(t)
			require.NoError(t, err, record)
			if strings.Contains(record, "old") {
				assert.Equal(t, "old", token)
				assert.Equal(t, record, a.stored(t), "reading changes nothing")
			} else {
				assert.Contains(t, a.stored(t), `{"v":2,"identity":`)
			}
		}
	})
	for _, record := range []string{
		`{"v":1,"oauth_token":"t","oauth_token_secret":"s"}`,
		`{"v":1,"oauth_token":"t","oauth_token_secret":"s","issued":"1999-12-31T23:59:00Z","extra":{"oauth_session_handle":"h","oauth_expires_in":"3600"}}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			store := new(tokenstore.Memory)
			require.NoError(t, store.Save(t.Context(), "alice", []byte(record)))
			c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
				ClientID: "client", ClientSecret: "secret", Store: store, Account: "alice",
				RequestTokenURL: "https://p.example/request", AuthorizeURL: "https://p.example/authorize", AccessTokenURL: "https://p.example/access",
			}))
			base := new(fakehttp.Base)
			code, _ := get(t, c, &http.Client{Transport: base}, "https://api.example/")
			assert.Equal(t, 200, code)
			assert.Contains(t, base.Requests()[0].Header.Get("Authorization"), `oauth_token="t"`)
		})
	}
}
