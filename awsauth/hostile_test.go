package awsauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/awsauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signed returns what was sent for a request to url that change has changed.
func signed(t *testing.T, c connectorauth.Connector, url string, change func(*http.Request)) fakehttp.Request {
	t.Helper()
	base := new(fakehttp.Base)
	req := request(t, http.MethodGet, url, nil)
	if change != nil {
		change(req)
	}
	resp, err := c.Wrap(base).RoundTrip(req)
	require.NoError(t, err)
	resp.Body.Close()
	return base.Requests()[0]
}

func TestPlusInAPathOfS3IsNoSpace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plus := signed(t, open(t, s3("")), home+"/b/a+b", nil)
		escaped := signed(t, open(t, s3("")), home+"/b/a%2Bb", nil)
		space := signed(t, open(t, s3("")), home+"/b/a%20b", nil)
		assert.Equal(t, escaped.Header.Get("Authorization"), plus.Header.Get("Authorization"))
		assert.NotEqual(t, space.Header.Get("Authorization"), plus.Header.Get("Authorization"))
		assert.Equal(t, "/b/a%2Bb", plus.URL.EscapedPath())
		assert.Equal(t, "/b/a%2Bb", escaped.URL.EscapedPath())
	})
}

func TestHeadersOfASignatureAreReplacedInAnySpelling(t *testing.T) {
	sent := signed(t, open(t, s3("")), home, func(req *http.Request) {
		for _, name := range []string{"x-amz-date", "X-AMZ-Security-Token", "x-amz-content-sha256"} {
			req.Header[name] = []string{"of the caller"}
		}
	})
	assert.Len(t, sent.Header["X-Amz-Date"], 1)
	assert.Equal(t, []string{"of the caller"}, sent.Header["X-Amz-Content-Sha256"])
	for _, name := range []string{"x-amz-date", "X-AMZ-Security-Token", "x-amz-content-sha256"} {
		assert.NotContains(t, sent.Header, name)
	}
}

func TestHeadersAreSignedAsTheyAreSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := func() connectorauth.Connector {
			return open(t, func(c *awsauth.Config) { c.SignedHeaders = []string{"X-Own"} })
		}
		want := signed(t, open(), home, func(req *http.Request) { req.Header["X-Own"] = []string{"a", "b"} })
		require.Contains(t, want.Header.Get("Authorization"), ";x-own,")
		for range 20 { // the order of a map is random
			twice := signed(t, open(), home, func(req *http.Request) {
				req.Header["X-Own"], req.Header["x-own"] = []string{"a"}, []string{"b"}
			})
			require.Equal(t, want.Header.Get("Authorization"), twice.Header.Get("Authorization"))
		}
		none := signed(t, open(), home, func(req *http.Request) { req.Header["X-Own"], req.Header["X-Amz-Meta"] = nil, nil })
		assert.Contains(t, none.Header.Get("Authorization"), "SignedHeaders=host;x-amz-date,", "net/http sends no such header")
	})
}

func TestHeadersOfNetHTTPAreNotSigned(t *testing.T) {
	_, err := awsauth.New(awsauth.Config{
		Service: "s3", Region: "r", Credentials: awsauth.Default(), SignedHeaders: []string{"content-Length", "Transfer-Encoding", "Trailer", "Connection", "Expect"},
	})
	for _, name := range []string{"content-Length", "Transfer-Encoding", "Trailer", "Connection", "Expect"} {
		assert.ErrorContains(t, err, name)
	}
	synctest.Test(t, func(t *testing.T) {
		c := open(t, func(c *awsauth.Config) { c.SignedHeaders = []string{"host"} })
		plain := signed(t, c, home, nil)
		other := signed(t, c, home, func(req *http.Request) { req.Header.Set("Host", "other.example.test") }) // which net/http does not send
		assert.Equal(t, plain.Header.Get("Authorization"), other.Header.Get("Authorization"))
	})
}

func TestOpaqueURLIsSignedAsItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := signed(t, open(t, nil), home+"/a%2Fb/c?x=1", nil)
		sent := signed(t, open(t, nil), home, func(req *http.Request) {
			req.URL = &url.URL{Scheme: "https", Host: strings.TrimPrefix(home, "https://"), Opaque: "/a%2Fb/c", RawQuery: "x=1"}
		})
		assert.Equal(t, want.Header.Get("Authorization"), sent.Header.Get("Authorization"))
	})
}

func TestSlowRequestIsNoWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
			time.Sleep(3 * time.Minute)
			resp := fakehttp.Respond(403, "no access")
			resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
			return resp, nil
		}}
		resp, _ := send(t, open(t, nil), base, request(t, http.MethodPut, home, strings.NewReader("long")))
		assert.Equal(t, 403, resp.StatusCode)
		assert.Len(t, base.Requests(), 1)
	})
}

func TestSignatureOfAJoinCoversWhatFunctionsAdd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		adds, err := connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
			req.URL.RawQuery = "a=1&key=k"
			return nil
		}})
		require.NoError(t, err)
		want := signed(t, open(t, nil), home+"/?a=1&key=k", nil)
		for _, list := range [][]connectorauth.Connector{{adds, open(t, nil)}, {open(t, nil), adds}} {
			joined, err := connectorauth.Join(list...)
			require.NoError(t, err)
			sent := signed(t, joined, home+"/?a=1", nil)
			require.Equal(t, "a=1&key=k", sent.URL.RawQuery)
			assert.Equal(t, want.Header.Get("Authorization"), sent.Header.Get("Authorization"))
		}
	})
}

func TestSignatureOfAJoinCoversOAuth1InTheQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		oauth1, err := connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s", In: dialect.InQuery})
		require.NoError(t, err)
		joined, err := connectorauth.Join(open(t, nil), oauth1)
		require.NoError(t, err)
		sent := signed(t, joined, home+"/?a=1", nil)
		require.Contains(t, sent.URL.RawQuery, "oauth_signature")
		want := signed(t, open(t, nil), home+"/?"+sent.URL.RawQuery, nil)
		assert.Equal(t, want.Header.Get("Authorization"), sent.Header.Get("Authorization"))
	})
}

func TestRequestsInFlightWhileTheClockIsCorrected(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, -time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			base := &fakehttp.Base{Answer: func(req *http.Request) (*http.Response, error) {
				began := time.Now()
				signed, err := time.Parse("20060102T150405Z", req.Header.Get("X-Amz-Date"))
				require.NoError(t, err)
				off := began.Add(ahead).Sub(signed)
				if off.Abs() > 5*time.Minute && req.URL.Path == "/slow" {
					time.Sleep(5 * time.Second)
				}
				resp := fakehttp.Respond(200, "")
				if off.Abs() > 5*time.Minute {
					resp = fakehttp.Respond(403, "")
				}
				resp.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
				return resp, nil
			}}
			c := open(t, nil)
			var all sync.WaitGroup
			for _, path := range []string{"/slow", "/slow", "/fast"} {
				all.Go(func() {
					resp, _ := send(t, c, base, request(t, http.MethodGet, home+path, nil))
					assert.Equal(t, 200, resp.StatusCode, "%s, %v", path, ahead)
				})
				synctest.Wait() // the slow requests are signed before the clock is corrected
			}
			all.Wait()
		})
	}
}

func TestQueryIsSortedByNameAndValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := signed(t, open(t, nil), home+"/?a=1&a=2&a-b=3&b", nil)
		for _, query := range []string{"b&a-b=3&a=2&a=1", "a=2&b=&a=1&a%2Db=3", "&a=2&&a=%31&%62&a-b=3&"} {
			assert.Equal(t, want.Header.Get("Authorization"), signed(t, open(t, nil), home+"/?"+query, nil).Header.Get("Authorization"), query)
		}
	})
}

func TestContentHeadersAreSigned(t *testing.T) {
	sent := signed(t, open(t, nil), home, func(req *http.Request) {
		req.Header = http.Header{"Content-Md5": {"a"}, "Content-Type": {"b"}, "X-Other": {"c"}, "Content-Language": {"d"}}
	})
	assert.Contains(t, sent.Header.Get("Authorization"), "SignedHeaders=content-md5;content-type;host;x-amz-date,")
}
