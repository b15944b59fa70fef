package connectorauth_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
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

func TestOAuth1CorrectsItsClock(t *testing.T) {
	for _, skew := range []time.Duration{time.Hour, -time.Hour, 6 * time.Minute, 23 * time.Hour} {
		p := provider(t, authtest.Config{ClockSkew: skew})
		c := must(connectorauth.NewOAuth1(issued(p)))
		for _, requests := range []int{2, 3, 4} { // the first one is sent twice, and that is remembered
			status, answer := do(t, c, p.Client(), "POST", p.OAuth1URL, formType, "a=1")
			assert.Equal(t, 200, status, answer)
			assert.Len(t, p.Requests(p.OAuth1URL), requests, skew)
		}
		list := stamps(p.Requests(p.OAuth1URL))
		assert.NotEqual(t, list[0], list[1])
	}
}

func TestOAuth1CorrectsItsClockForAll(t *testing.T) {
	p := provider(t, authtest.Config{ClockSkew: time.Hour})
	c := must(connectorauth.NewOAuth1(issued(p)))
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			status, answer := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
			assert.Equal(t, 200, status, answer)
		})
	}
	all.Wait()
	assert.LessOrEqual(t, len(p.Requests(p.OAuth1URL)), 80)
}

// saying answers with a refusal unless the timestamp is within 5 minutes of the
// server's clock, in the words of header and body.
func saying(ahead time.Duration, header func(now time.Time) http.Header, body string) *fakehttp.Base {
	base := &fakehttp.Base{}
	base.Answer = func(req *http.Request) (*http.Response, error) {
		now := time.Now().Add(ahead)
		_, rest, _ := strings.Cut(req.Header.Get("Authorization"), `oauth_timestamp="`)
		sent, _ := strconv.ParseInt(strings.Split(rest, `"`)[0], 10, 64)
		if off := now.Sub(time.Unix(sent, 0)); off.Abs() < 5*time.Minute {
			return fakehttp.Respond(200, ""), nil
		}
		resp := fakehttp.Respond(401, body)
		resp.Header = header(now)
		return resp, nil
	}
	return base
}

func date(now time.Time) http.Header {
	return http.Header{"Date": {now.UTC().Format(http.TimeFormat)}}
}

func TestOAuth1ReadsTheServersTime(t *testing.T) {
	for name, c := range map[string]struct {
		base         *fakehttp.Base
		status, sent int
	}{
		"Date of a 401":        {saying(time.Hour, date, `{"errors":[{"code":135}]}`), 200, 2},
		"said in the body":     {saying(-time.Hour, date, "oauth_problem=timestamp_refused"), 200, 2},
		"acceptable range":     {saying(time.Hour, acceptable, ""), 200, 2},
		"no Date":              {saying(time.Hour, func(time.Time) http.Header { return http.Header{} }, ""), 401, 1},
		"more than a day":      {saying(25*time.Hour, date, ""), 401, 1},
		"Date is wrong":        {saying(time.Hour, func(now time.Time) http.Header { return date(now.Add(time.Hour)) }, ""), 401, 2},
		"another problem":      {saying(time.Hour, date, "oauth_problem=nonce_used"), 401, 1},
		"no time to speak of":  {saying(time.Hour, func(time.Time) http.Header { return date(time.Now().Add(50 * time.Second)) }, ""), 401, 1},
		"but if that is it...": {saying(time.Hour, func(time.Time) http.Header { return date(time.Now().Add(50 * time.Second)) }, "oauth_problem=timestamp_refused"), 401, 2},
	} {
		t.Run(name, func(t *testing.T) {
			connector := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s"}))
			for range 2 {
				before := len(c.base.Requests())
				status, _ := get(t, connector, &http.Client{Transport: c.base}, "https://api.example.com/")
				assert.Equal(t, c.status, status)
				if before == 0 || c.status != 200 { // no loop, and what did not help is forgotten
					assert.Len(t, c.base.Requests(), before+c.sent)
				} else {
					assert.Len(t, c.base.Requests(), before+1)
				}
			}
		})
	}
}

func acceptable(now time.Time) http.Header {
	return http.Header{"Www-Authenticate": {fmt.Sprintf(`OAuth oauth_problem=timestamp_refused,oauth_acceptable_timestamps=%d-%d`, now.Unix()-300, now.Unix()+300)}}
}

// A clock that is set right again is noticed too.
func TestOAuth1ClockIsSetRight(t *testing.T) {
	skew := time.Hour
	base := saying(0, date, "")
	answer := base.Answer
	base.Answer = func(req *http.Request) (*http.Response, error) { return saying(skew, date, "").RoundTrip(req) }
	c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s"}))
	status, _ := get(t, c, &http.Client{Transport: base}, "https://api.example.com/")
	assert.Equal(t, 200, status)
	base.Answer = answer
	for _, requests := range []int{4, 5} {
		status, _ = get(t, c, &http.Client{Transport: base}, "https://api.example.com/")
		assert.Equal(t, 200, status)
		assert.Len(t, base.Requests(), requests)
	}
}

// Whatever comes together - a wrong clock, an expired token, a service that does
// not say what it dislikes - the token is renewed in the end, and each request
// is sent twice at the most.
func TestOAuth1ClockAndTokenTogether(t *testing.T) {
	for name, mute := range map[string]bool{"told why": false, "not told": true} {
		t.Run(name, func(t *testing.T) {
			config := hourly
			config.ClockSkew = time.Hour
			store := new(tokenstore.Memory)
			shared := func(c *connectorauth.OAuth1Config) { c.Store, c.Account = store, "account" }
			inSession(t, config, shared, func(t *testing.T, p *authtest.Provider, _ *connectorauth.OAuth1) {
				time.Sleep(10 * time.Minute)
				p.ExpireAccessTokens()
				if mute {
					p.Inject(p.OAuth1URL, authtest.Always, func(next http.Handler) http.Handler {
						return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(silent{w}, r) })
					})
				}
				client := consenting(p)
				shared(&client)
				c := must(connectorauth.NewOAuth1(client)) // it has the token, but not the time
				var status int
				for range 2 {
					before := len(p.Requests(p.OAuth1URL))
					status, _ = do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
					assert.LessOrEqual(t, len(p.Requests(p.OAuth1URL)), before+2)
				}
				assert.Equal(t, 200, status)
				assert.Equal(t, 2, p.Stats().AccessTokens)
			})
		})
	}
}

// silent leaves out why a request is refused.
type silent struct{ http.ResponseWriter }

func (w silent) WriteHeader(status int) {
	w.Header().Del("WWW-Authenticate")
	w.ResponseWriter.WriteHeader(status)
}

func (w silent) Write(body []byte) (int, error) { return len(body), nil }

// The handshake corrects the clock as well, and sends nothing twice that may
// have been used.
func TestOAuth1HandshakeCorrectsTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true, ClockSkew: -time.Hour})
		defer p.Close()
		beginner, finisher := must(connectorauth.NewOAuth1(consenting(p))), must(connectorauth.NewOAuth1(consenting(p)))
		pending, callback := begin(t, p, beginner)
		assert.Len(t, p.Requests(p.RequestTokenURL), 2)
		require.NoError(t, finisher.Finish(t.Context(), pending, callback)) // in another process, say
		assert.Len(t, p.Requests(p.AccessTokenURL), 2)
		assert.Equal(t, 1, p.Stats().AccessTokens)
		status, _ := do(t, finisher, p.Client(), "GET", p.OAuth1URL, "", "")
		assert.Equal(t, 200, status)
		assert.Len(t, p.Requests(p.OAuth1URL), 1)

		p.Inject(p.RequestTokenURL, 1, authtest.Answer(401, date(time.Now().Add(-time.Hour)), ""))
		beginner = must(connectorauth.NewOAuth1(consenting(p)))
		pending, callback = begin(t, p, beginner) // a 401 with another Date is worth a try
		before := len(p.Requests(p.AccessTokenURL))
		p.Inject(p.AccessTokenURL, 1, authtest.Answer(401, date(time.Now().Add(2*time.Hour)), ""))
		require.Error(t, beginner.Finish(t.Context(), pending, callback))
		assert.Len(t, p.Requests(p.AccessTokenURL), before+1)
	})
}

func TestOAuth1KeepsItsClockAfterAnotherKindOf401(t *testing.T) {
	const ahead = 600
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Add(ahead * time.Second)
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		var stamp int64
		_, rest, _ := strings.Cut(r.Header.Get("Authorization"), `oauth_timestamp="`)
		fmt.Sscan(strings.Split(rest, `"`)[0], &stamp)
		io.Copy(io.Discard, r.Body)
		if late := now.Unix() - stamp; late > 300 || r.URL.Path == "/forbidden" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer api.Close()
	c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "client", ClientSecret: "secret", Token: "token", TokenSecret: "secret"}))
	streamed := func(path string) int { // which cannot be sent again
		resp, err := connectorauth.NewClient(c, nil).Post(api.URL+path, "application/octet-stream", io.MultiReader(strings.NewReader("x")))
		status, _ := read(t, resp, err)
		return status
	}
	status, _ := get(t, c, nil, api.URL+"/ok")
	require.Equal(t, 200, status, "the clock is right from here on")
	require.Equal(t, 200, streamed("/ok"))
	status, _ = get(t, c, nil, api.URL+"/forbidden")
	assert.Equal(t, 401, status)
	assert.Equal(t, 401, streamed("/forbidden"))
	assert.Equal(t, 200, streamed("/ok"))
}

func TestOAuth1ClockIsCorrectedThoughTheBodyStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "client", ClientSecret: "secret"}))
		base := rejectsOpenly(1)
		open := base.Answer
		base.Answer = func(req *http.Request) (*http.Response, error) {
			resp, err := open(req)
			resp.Header.Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			return resp, err
		}
		began := time.Now()
		resp, err := c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		require.NoError(t, err)
		assert.Equal(t, 200, resp.StatusCode)
		assert.LessOrEqual(t, time.Since(began), 100*time.Millisecond)
	})
}
