package session_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
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
	deep := strings.Repeat("[", 500_000)
	for name, test := range map[string]struct{ body, capture, want string }{
		"deep JSON":         {`{"token":` + deep, "token", ""},
		"deep XML":          {strings.Repeat("<a>", 300_000), "a.b", ""},
		"many elements":     {"<r>" + strings.Repeat("<b/>", 200_000) + "<t>x</t></r>", "t", "x"},
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
		assert.Less(t, time.Since(began), 5*time.Second, name)
	}
}
