package connectorauth_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// told returns the error that came with an event of the given kind.
func (e *events) told(t *testing.T, kind connectorauth.EventKind) error {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.list {
		if event.Kind == kind {
			return event.Err
		}
	}
	t.Errorf("no event says %q", kind)
	return nil
}

func TestExpiryOfATokenAsProvidersWriteIt(t *testing.T) {
	begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // as in every bubble
	noon := begin.Add(12 * time.Hour)
	for written, want := range map[string]time.Time{
		`"2000-01-01T12:00:00+0000"`:      noon,
		`"2000-01-01T12:00:00"`:           noon,
		`"2000-01-01 12:00:00"`:           noon,
		`"2000-01-01 14:00:00+02:00"`:     noon,
		`"2000-01-01T12:00:00.1234567Z"`:  noon.Add(123456700),
		`"2000-01-01T12:00:00.1234567"`:   noon.Add(123456700),
		`"Sat, 01 Jan 2000 12:00:00 GMT"`: noon,
		`946728000`:                       noon,
		`"946728000"`:                     noon,
		`946728000000`:                    noon,
		`9.46728e8`:                       noon,
		`946728000.5`:                     noon.Add(time.Second / 2),
		`"12h"`:                           noon,
	} {
		a := &account{edit: func(c *connectorauth.OAuth2Config) {
			c.Dialect.Response = dialect.Response{Expiry: "until", RefreshExpiry: "owner_until", ExpiryFormat: dialect.ExpiryRFC3339}
		}}
		a.answer = func(int, url.Values) (*http.Response, error) {
			return fakehttp.Respond(200, `{"access_token":"a","refresh_token":"r","until":`+written+`,"owner_until":`+written+`}`), nil
		}
		inTime(t, a, func(t *testing.T, a *account) {
			require.NoError(t, a.connector().SetToken(t.Context(), &oauth2.Token{RefreshToken: "first"}))
			_, err := a.token(t)
			require.NoError(t, err)
			status := a.status(t)
			assert.True(t, status.Expiry.Equal(want), "%s: %v", written, status.Expiry)
			assert.True(t, status.ReauthBy.Equal(want), "%s: %v", written, status.ReauthBy)
			assert.NoError(t, a.events.told(t, connectorauth.EventRenewed), written)
		})
	}
}

// An expiry that is there, and is of no use, is told.
func TestExpiryThatCannotBeReadIsTold(t *testing.T) {
	for name, members := range map[string]string{
		"nonsense":            `"expires_in":"canary"`,
		"an object":           `"expires_in":{"canary":1}`,
		"a point in the past": `"expires_in":"1999-12-31T23:59:59Z"`,
		"a refresh token's":   `"expires_in":60,"refresh_expires_in":"canary"`,
	} {
		t.Run(name, func(t *testing.T) {
			a := &account{answer: func(int, url.Values) (*http.Response, error) {
				return fakehttp.Respond(200, `{"access_token":"a","refresh_token":"r",`+members+`}`), nil
			}}
			inTime(t, a, func(t *testing.T, a *account) {
				require.NoError(t, a.connector().SetToken(t.Context(), &oauth2.Token{RefreshToken: "first"}))
				a.events.kinds()
				assert.Equal(t, "a", must(a.token(t)))
				for _, kind := range []connectorauth.EventKind{connectorauth.EventRenewed, connectorauth.EventSaved} {
					err := a.events.told(t, kind)
					require.ErrorContains(t, err, "expiry")
					assert.NotContains(t, err.Error(), "canary")
				}
				assert.Equal(t, connectorauth.StateOK, a.status(t).State)
			})
		})
	}
}

// A consent without a Store has no other event that could tell.
func TestExpiryThatCannotBeReadIsToldAfterAConsent(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		for _, odd := range []any{3600, "canary"} {
			seen := new(events)
			c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Observe = seen.observe })
			p.Inject(p.TokenURL, 1, authtest.EditAnswer(func(response map[string]any) { response["expires_in"] = odd }))
			pending, callback := consented(t, p, c)
			require.NoError(t, c.Finish(t.Context(), pending, callback))
			if odd == "canary" {
				assert.ErrorContains(t, seen.told(t, connectorauth.EventRenewed), "expiry")
			}
			assert.Len(t, seen.kinds(), map[bool]int{true: 1}[odd == "canary"])
		}
		seen := new(events)
		config := consenting(p)
		config.Observe = seen.observe
		edited(p, p.AccessTokenURL, func(response map[string]any) { response["oauth_expires_in"] = "canary" })
		consent(t, p, must(connectorauth.NewOAuth1(config)))
		assert.ErrorContains(t, seen.told(t, connectorauth.EventRenewed), "expiry")
	})
}

func TestOAuth1ExpiryAsServicesWriteIt(t *testing.T) {
	for written, want := range map[string]time.Duration{
		"3600": time.Hour, "3600.0": time.Hour, "3.6e3": time.Hour, "1h": time.Hour,
		"2000-01-01 01:00:00": time.Hour, "2000-01-01T01:00:00+0000": time.Hour, "0": 0, "": 0,
	} {
		t.Run(written, func(t *testing.T) {
			seen := new(events)
			observe := func(c *connectorauth.OAuth1Config) { c.Observe = seen.observe }
			synctest.Test(t, func(t *testing.T) {
				p := authtest.New(authtest.Config{OAuth1Lifetime: time.Hour, OAuth1Session: 24 * time.Hour, InMemory: true})
				defer p.Close()
				config := consenting(p)
				observe(&config)
				c := must(connectorauth.NewOAuth1(config))
				edited(p, p.AccessTokenURL, func(response map[string]any) {
					response["oauth_expires_in"], response["oauth_authorization_expires_in"] = written, written
				})
				consent(t, p, c)
				status, err := c.Status(t.Context())
				require.NoError(t, err)
				var end time.Time
				if want > 0 {
					end = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(want)
				}
				assert.True(t, status.Expiry.Equal(end), status.Expiry)
				assert.True(t, status.ReauthBy.Equal(end), status.ReauthBy)
				assert.Empty(t, seen.kinds(), "nothing to tell")
			})
		})
	}
}

func TestOAuth1ExpiryThatCannotBeReadIsTold(t *testing.T) {
	for _, name := range []string{"oauth_expires_in", "oauth_authorization_expires_in"} {
		seen := new(events)
		inSession(t, hourly, func(c *connectorauth.OAuth1Config) { c.Observe = seen.observe }, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth1) {
			edited(p, p.AccessTokenURL, func(response map[string]any) { response[name] = "canary" })
			require.NoError(t, c.Renew(t.Context()))
			err := seen.told(t, connectorauth.EventRenewed)
			require.ErrorContains(t, err, "expiry", name)
			assert.NotContains(t, err.Error(), "canary")
		})
	}
}

func TestSetTokenCountsExpiresInFromNow(t *testing.T) {
	for name, test := range map[string]struct {
		token oauth2.Token
		want  time.Duration // 0: no expiry
	}{
		"neither":                  {oauth2.Token{}, 0},
		"ExpiresIn":                {oauth2.Token{ExpiresIn: 3600}, time.Hour},
		"Expiry is more exact":     {oauth2.Token{ExpiresIn: 3600, Expiry: time.Date(2000, 1, 1, 2, 0, 0, 0, time.UTC)}, 2 * time.Hour},
		"negative":                 {oauth2.Token{ExpiresIn: -1}, 0},
		"more than a Duration has": {oauth2.Token{ExpiresIn: 1 << 62}, 100 * 365 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, &account{answer: granted}, func(t *testing.T, a *account) {
				token := test.token
				token.AccessToken, token.RefreshToken = "a0", "r0"
				require.NoError(t, a.connector().SetToken(t.Context(), &token))
				var want time.Time
				if test.want > 0 {
					want = time.Now().Add(test.want)
				}
				got := a.status(t).Expiry
				assert.True(t, got.Equal(want), got)
				if test.want == time.Hour {
					time.Sleep(time.Hour)
					assert.Equal(t, "a1", must(a.token(t)), "renewed in time")
				}
			})
		})
	}
}
