package session_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/session"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// renewed returns the outcome of a login whose response has these headers.
func renewed(t *testing.T, capture string, head http.Header) (sent string, err error) {
	base := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if req.URL.String() != loginURL {
			sent = req.Header.Get("X-Session")
			return fakehttp.Respond(200, ""), nil
		}
		resp := fakehttp.Respond(200, "")
		resp.Header = head
		return resp, nil
	})
	config := one(func(r *session.Request) { r.Capture = map[string]string{"token": capture} })
	config.Places, config.HTTPClient = header, client(base)
	resp, err := connectorauth.NewClient(must(session.New(config)), client(base)).Get("https://api.example.test/")
	if err == nil {
		resp.Body.Close()
	}
	return sent, err
}

func TestCookiesThatAreRemoved(t *testing.T) {
	for name, test := range map[string]struct {
		cookies []string
		want    string
	}{
		"by Expires":             {[]string{"SID=deleted; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/"}, ""},
		"by Expires, afterwards": {[]string{"SID=a", "SID=deleted; Expires=Thu, 01-Jan-1970 00:00:01 GMT"}, ""},
		"by Max-Age":             {[]string{"SID=a; Path=/", "SID=x; Path=/; Max-Age=0"}, ""},
		"Max-Age counts":         {[]string{"SID=a; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, "a"},
		"elsewhere":              {[]string{"SID=a; Path=/", "SID=; Max-Age=0; Path=/old"}, "a"},
		"of another domain":      {[]string{"SID=a", "SID=; Max-Age=0; Domain=example.test"}, "a"},
		"before":                 {[]string{"SID=; Max-Age=0; Path=/", "SID=a; Path=/"}, "a"},
		"twice":                  {[]string{"SID=a; Path=/", "SID=b; Path=/"}, "b"},
		"attributes and quotes":  {[]string{`SID="a=b"; Path=/; HttpOnly; SameSite=None; Partitioned; Foo=bar`}, `"a=b"`},
		"other letter case":      {[]string{"sid=x", "SID=a", "sId=y"}, "a"},
	} {
		sent, err := renewed(t, "cookie:SID", http.Header{"Set-Cookie": test.cookies})
		assert.Equal(t, test.want, sent, name)
		if test.want == "" {
			assert.ErrorIs(t, err, connectorauth.ErrReauthRequired, name)
		}
	}
}

// A lifetime that is over when the response comes would mean a login for each request.
func TestLifetimeThatIsOverAtOnce(t *testing.T) {
	for name, lifetime := range map[string]string{"seconds": "3", "tiny": "0.000001", "negative": "-5", "zero": "0", "a word": `"soon"`, "null": "null", "huge": "1e400", "a list": "[1]", "the past": `"2001-01-01T00:00:00Z"`} {
		synctest.Test(t, func(t *testing.T) {
			logins := 0
			base := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				if req.URL.String() != loginURL {
					return fakehttp.Respond(200, ""), nil
				}
				logins++
				time.Sleep(4 * time.Second)
				return fakehttp.Respond(200, `{"token":"t","expires_in":`+lifetime+`}`), nil
			})
			config := one(func(r *session.Request) { r.Capture = map[string]string{"token": "token", "expires": "expires_in"} })
			config.Lifetime.Expiry, config.HTTPClient = "expires", client(base)
			api := connectorauth.NewClient(must(session.New(config)), client(base))
			for range 5 {
				resp, err := api.Get("https://api.example.test/")
				require.NoError(t, err, name)
				resp.Body.Close()
				time.Sleep(time.Second)
			}
			assert.Equal(t, 1, logins, name)
		})
	}
}

// A record of the program before may lack a capture that the config has by now.
func TestRecordWithoutANewCaptureIsReplaced(t *testing.T) {
	p := authtest.NewProvider(t)
	for name, edit := range map[string]func(*session.Config){
		"in a place": func(c *session.Config) {
			c.Places = []session.Place{{}, {Placement: dialect.Placement{Name: "X-Renewal"}, Value: "{renewal}"}}
		},
		"for the renewal": func(c *session.Config) {
			c.Renew = &session.Request{URL: p.SessionRenewURL, Form: map[string]string{"renewal": "{renewal}"}, Capture: map[string]string{"token": "session.token"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := new(tokenstore.Memory)
			before := must(session.New(login(p, func(c *session.Config) {
				c.Login[0].Capture, c.Lifetime = map[string]string{"token": "session.token"}, session.Lifetime{}
				c.Store, c.Account = store, "a"
			})))
			requireUsable(t, p, before)
			after := must(session.New(login(p, func(c *session.Config) { c.Store, c.Account = store, "a" }, edit)))
			if name == "for the renewal" {
				p.EndSessions()
			}
			requireUsable(t, p, after)
			requireUsable(t, p, after)
			requireUsable(t, p, before)
		})
	}
}

// A Renew that prolongs a session, and says nothing of its end, makes no end of the
// former session's.
func TestRenewalThatSaysNothingOfTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		config := login(p, func(c *session.Config) {
			c.Login[0].Capture = map[string]string{"token": "session.token", "date": "expires", "renewal": "renewal"}
			c.Lifetime = session.Lifetime{Expiry: "date"}
			c.Renew = &session.Request{URL: p.SessionRenewURL, Form: map[string]string{"renewal": "{renewal}"}, Capture: map[string]string{"token": "session.token", "renewal": "renewal"}}
		})
		c := must(session.New(config))
		for range 62 * 12 {
			use(t, p, c)
			time.Sleep(5 * time.Second)
			synctest.Wait()
		}
		assert.LessOrEqual(t, p.Stats().SessionRenewals, 1)
	})
}

// A Renew that succeeds, and prolongs nothing, is followed by a login.
func TestRenewalOfNoUseLeadsToALogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		c := must(session.New(login(p, func(c *session.Config) {
			c.Renew = &session.Request{URL: p.LoginBeginURL, Header: map[string]string{"X-Session": "{token}"}} // which always succeeds
		})))
		requireUsable(t, p, c)
		p.EndSessions()
		status, err := use(t, p, c)
		require.NoError(t, err)
		require.Equal(t, 401, status)
		time.Sleep(61 * time.Second)
		requireUsable(t, p, c)
		assert.Equal(t, 2, p.Stats().Logins)
	})
}
