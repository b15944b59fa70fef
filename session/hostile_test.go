package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/session"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A value in the header Cookie is the value of one cookie.
func TestValueAddsNoCookie(t *testing.T) {
	for _, v := range []string{"a; admin=1", "a;admin=1", `"a"; admin="1"`, `a"b`, `"`} {
		_, err := sent(t, v, func(r *session.Request) { r.Header = map[string]string{"cookie": "lang=de; PRE={value}"} })
		assert.ErrorContains(t, err, "a value cannot stand in the header Cookie", v)
	}
	got, err := sent(t, `"x=1/ +"`, func(r *session.Request) {
		r.Header = map[string]string{"cookie": "lang=de; PRE={value}; B={base64({value})}"}
	})
	require.NoError(t, err)
	assert.Equal(t, `lang=de; PRE="x=1/ +"; B=`+base64std(`"x=1/ +"`), got.Header.Get("Cookie"))
}

// What is stored of a session is what was sent.
func TestCaptureThatIsNoText(t *testing.T) {
	store := new(tokenstore.Memory)
	connect := func(body string, head http.Header, capture string) (string, error) {
		var sent string
		base := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.String() == loginURL {
				resp := fakehttp.Respond(200, body)
				resp.Header = head
				return resp, nil
			}
			sent = req.Header.Get("X-Session")
			return fakehttp.Respond(200, ""), nil
		})
		config := one(func(r *session.Request) { r.Capture = map[string]string{"token": capture} })
		config.HTTPClient, config.Places, config.Store, config.Account, config.Shared = client(base), header, store, "a", new(connectorauth.Shared)
		resp, err := connectorauth.NewClient(must(session.New(config)), client(base)).Get("https://api.example.test/")
		if err == nil {
			resp.Body.Close()
		}
		return sent, err
	}
	for _, test := range []struct {
		body, capture string
		head          http.Header
	}{
		{"", "header:X-Token", http.Header{"X-Token": {"a\xe6b"}}},
		{"a\xe6b", "", nil},
	} {
		first, err := connect(test.body, test.head, test.capture)
		if err == nil {
			second, err := connect(test.body, test.head, test.capture)
			require.NoError(t, err)
			assert.Equal(t, first, second)
		} else {
			assert.NotContains(t, err.Error(), "a\xe6b")
		}
		assert.ErrorContains(t, err, "is not valid UTF-8")
		require.NoError(t, store.Delete(t.Context(), "a"))
	}
}

// Hostile responses cost neither a panic nor time.
func TestHostileResponses(t *testing.T) {
	deep := strings.Repeat("[", 4_000_000)
	for name, test := range map[string]struct{ body, capture, want string }{
		"deep JSON":         {`{"token":` + deep, "token", ""},
		"deep XML":          {strings.Repeat("<a>", 300_000), "a.b", ""},
		"many elements":     {"<r>" + strings.Repeat("<b/>", 200_000) + "<t>x</t></r>", "t", "x"},
		"inner elements":    {"<r><t>a<x>b</x>c</t></r>", "t", "ac"},
		"entities":          {`<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r><t>&b;</t></r>`, "t", ""},
		"a large number":    {`{"token":12345678901234567890123}`, "token", "12345678901234567890123"},
		"a number of 2^53":  {`{"token":9007199254740993}`, "token", "9007199254740993"},
		"a boolean":         {`{"token":true}`, "token", "true"},
		"a list":            {`{"token":["a"]}`, "token", ""},
		"twice":             {`{"token":"a","token":"b"}`, "token", "b"},
		"an array index":    {`{"a":[{"t":"x"}]}`, "a.0.t", "x"},
		"a negative index":  {`{"a":[{"t":"x"}]}`, "a.-1.t", ""},
		"a huge index":      {`{"a":[{"t":"x"}]}`, "a.99999999999999999999.t", ""},
		"a line break":      {`{"token":"a\nb"}`, "token", ""},
		"a NUL":             {`{"token":"a\u0000b"}`, "token", ""},
		"white space":       {`{"token":" \t"}`, "token", ""},
		"a lone surrogate":  {`{"token":"\ud800"}`, "token", "\ufffd"},
		"a byte order mark": {"\xef\xbb\xbf{\"token\":\"x\"}", "token", "x"},
	} {
		began := time.Now()
		base := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			return fakehttp.Respond(200, test.body), nil
		})
		config := one(func(r *session.Request) { r.Capture = map[string]string{"token": test.capture} })
		config.Places, config.HTTPClient = header, client(base)
		var got string
		api := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			got = req.Header.Get("X-Session")
			return fakehttp.Respond(200, ""), nil
		})
		resp, err := connectorauth.NewClient(must(session.New(config)), client(api)).Get("https://api.example.test/")
		if err == nil {
			resp.Body.Close()
		}
		assert.Equal(t, test.want, got, name)
		assert.Equal(t, test.want == "", err != nil, name)
		assert.Less(t, time.Since(began), 30*time.Second, name)
	}
}

// A long template is read in one pass. With a second pass for each brace, texts of this length take
// hours, and the test does not end before its timeout.
func TestLongTemplatesTakeNoTime(t *testing.T) {
	for name, text := range map[string]string{
		"braces":   strings.Repeat("{{", 4_000_000),
		"argument": "{base64(" + strings.Repeat("{{}}", 2_000_000) + ")}",
		"values":   strings.Repeat("{user}x", 800_000),
	} {
		_, err := session.New(one(func(r *session.Request) { r.Form = map[string]string{"a": text} }))
		assert.NoError(t, err, name)
	}
}

// What a renewal responds decides whether a login follows.
func TestWhatFollowsARenewal(t *testing.T) {
	for name, test := range map[string]struct {
		answer           authtest.Fault
		captures         map[string]string
		renewals, logins int
	}{
		"no value":   {authtest.Answer(200, nil, `{"x":1}`), map[string]string{"token": "session.token", "renewal": "renewal"}, 0, 2},
		"an outage":  {authtest.Answer(503, nil, ""), map[string]string{"token": "session.token"}, 0, 1},
		"a redirect": {authtest.Answer(302, http.Header{"Location": {"/login"}}, ""), nil, 0, 2},
		"a session":  {nil, map[string]string{"token": "session.token"}, 1, 1},
	} {
		p := authtest.NewProvider(t)
		p.Inject(p.LoginJSONURL, authtest.Always, authtest.EditAnswer(func(response map[string]any) { delete(response, "expires_in") }))
		c := must(session.New(login(p, func(c *session.Config) {
			c.Renew = &session.Request{URL: p.SessionRenewURL, Form: map[string]string{"renewal": "{renewal}"}, Capture: test.captures}
		})))
		requireUsable(t, p, c)
		if test.answer != nil {
			p.Inject(p.SessionRenewURL, 1, test.answer)
		}
		err := c.Renew(t.Context())
		assert.Equal(t, name == "an outage", err != nil, name)
		assert.Equal(t, test.renewals, p.Stats().SessionRenewals, name)
		assert.Equal(t, test.logins, len(p.Requests(p.LoginJSONURL)), name)
	}
}

// readOnly is a store on a full disk.
type readOnly struct{ *tokenstore.Memory }

func (readOnly) Save(context.Context, string, []byte) error { return errors.New("disk full") }
func (readOnly) CompareAndSwap(context.Context, string, []byte, []byte) (bool, error) {
	return false, errors.New("disk full")
}

// A refusal that cannot be recorded keeps the account's lock, so nobody else tries.
func TestRefusalThatCannotBeRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		store := readOnly{new(tokenstore.Memory)}
		for range 5 {
			_, err := use(t, p, must(session.New(login(p, func(c *session.Config) {
				c.Store, c.Account = store, "a"
				c.Values["password"] = "wrong"
			}))))
			require.Error(t, err)
		}
		assert.Equal(t, 1, p.Stats().LoginsRefused)
		time.Sleep(time.Hour)
	})
}

// A connector in Auth that needs its owner is no refusal of the login: once the owner has
// been there, the account comes back.
func TestConnectorInAuthThatNeedsItsOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := true
		auth := must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Places: []connectorauth.CustomPlace{{}},
			Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
				if gone {
					return connectorauth.CustomCredential{}, connectorauth.ErrReauthRequired
				}
				return connectorauth.CustomCredential{Value: "v"}, nil
			},
		}))
		base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) { return fakehttp.Respond(200, `{"token":"t"}`), nil }}
		config := one(func(r *session.Request) { r.Auth = auth })
		config.HTTPClient = client(base)
		c := connectorauth.NewClient(must(session.New(config)), client(base))
		_, err := c.Get("https://api.example.test/")
		require.ErrorIs(t, err, connectorauth.ErrNotConnected)
		assert.Empty(t, base.Requests())
		gone = false
		time.Sleep(3 * time.Minute)
		resp, err := c.Get("https://api.example.test/")
		require.NoError(t, err)
		resp.Body.Close()
	})
}

// What a function has made of a secret is a secret.
func TestNoErrorShowsWhatAFunctionHasMade(t *testing.T) {
	for _, function := range []string{"lower", "base64", "url"} {
		config := one(func(r *session.Request) {
			r.Header = map[string]string{"X-Made": "{" + function + "(The/{password}!)}"}
		})
		made := ""
		config.Values["password"] = "PassWord/Of/Bob"
		config.HTTPClient = client(fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			made = req.Header.Get("X-Made")
			return nil, errors.New("cannot send " + made)
		}))
		err := must(session.New(config)).Renew(t.Context())
		require.Error(t, err)
		require.NotEmpty(t, made)
		assert.NotContains(t, err.Error(), made, function)
	}
}
