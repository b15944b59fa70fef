package connectorauth_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThousandRejectionsMakeOneTokenRequest(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		p.Inject(p.TokenURL, authtest.Always, authtest.Delay(time.Second))
		p.RevokeAccessTokens()
		crowd(t, p, c, 1000, succeeded)
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}

func TestLateRejectionNeverDropsANewerToken(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		p.RevokeAccessTokens()
		var slow atomic.Int32
		base := direct(p)
		answer := base.Transport
		base.Transport = fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := answer.RoundTrip(req)
			if resp.StatusCode == 401 { // one rejection after the other arrives
				time.Sleep(time.Duration(slow.Add(1)) * time.Minute)
			}
			return resp, err
		})
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				resp, err := connectorauth.NewClient(c, base).Get(p.BearerURL)
				if assert.NoError(t, err) {
					assert.Equal(t, 200, resp.StatusCode)
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, 20, slow.Load())
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}

func TestInsufficientScopeRenewsNothing(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		for _, code := range []int{401, 403} {
			for range 10 {
				assert.Equal(t, code, status(t, p, c, p.ScopeURL(code, "admin")))
			}
		}
		synctest.Wait()
		assert.Zero(t, p.Stats().TokenRequests)
		assert.Equal(t, 20, p.Stats().APIRefused, "nothing is replayed")
	})
}

func TestRejectedBodyThatCannotBeReplayedRenewsForLater(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		p.RevokeAccessTokens()
		post := func() (int, string) {
			resp, err := connectorauth.NewClient(c, direct(p)).Post(p.BearerURL, "text/plain", io.LimitReader(strings.NewReader("body"), 4))
			return read(t, resp, err)
		}
		code, body := post()
		assert.Equal(t, 401, code)
		assert.Contains(t, body, "invalid_token", "the caller gets the API's answer")
		time.Sleep(time.Second)
		code, _ = post()
		assert.Equal(t, 200, code, "the next request has a new token")
		assert.Equal(t, 1, p.Stats().TokenRequests)
		assert.Len(t, p.Requests(p.BearerURL), 2)
	})
}

func TestRejectionLeavesTheResponseWhileRenewalFailsForNow(t *testing.T) {
	for name, fault := range map[string]authtest.Fault{
		"503":     authtest.Answer(503, http.Header{"Retry-After": {"60"}}, ""),
		"429":     authtest.Answer(429, nil, `{"error":"slow_down"}`),
		"HTML":    authtest.Answer(200, http.Header{"Content-Type": {"text/html"}}, "<html>"),
		"dropped": authtest.DropBefore(),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
				c := connect(t, p, nil)
				issue(t, p, c, time.Hour)
				p.RevokeAccessTokens()
				p.Inject(p.TokenURL, 1, fault)
				for range 3 {
					code, body := get(t, c, direct(p), p.BearerURL)
					assert.Equal(t, 401, code)
					assert.Contains(t, body, "invalid_token", "the original response, whole")
				}
				assert.Equal(t, 1, p.Stats().TokenRequests, "the failure is shared for a moment")
				time.Sleep(61 * time.Second)
				assert.Equal(t, 200, status(t, p, c, p.BearerURL))
			})
		})
	}
}

func TestRejectionIsAnErrorOnceRenewalFailsForGood(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		p.RevokeGrants()
		for range 5 {
			_, err := connectorauth.NewClient(c, direct(p)).Get(p.BearerURL)
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			var failed *connectorauth.TokenError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, "invalid_grant", failed.Code)
			assert.Equal(t, 400, failed.StatusCode)
			assert.False(t, failed.Temporary())
		}
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}

func TestTokenRejectedRightAfterItsRenewalIsNotRenewedAgain(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		p.Inject(p.BearerURL, authtest.Always, authtest.Answer(401, nil, "never"))
		for range 20 {
			code, body := get(t, c, direct(p), p.BearerURL)
			assert.Equal(t, 401, code)
			assert.Equal(t, "never", body)
		}
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}
