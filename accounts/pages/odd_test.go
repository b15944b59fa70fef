package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/stretchr/testify/assert"
)

// A long search costs no time.
func TestSearchIsBounded(t *testing.T) {
	b := newApp(t).browser("o1")
	for _, path := range []string{"connect?q=", "api/services?q="} {
		r := b.get(path + strings.Repeat("a+", 100_000))
		assert.Equal(t, http.StatusBadRequest, r.StatusCode, path)
		assert.Less(t, len(r.body), 10_000)
		assert.Equal(t, http.StatusOK, b.get(path+url.QueryEscape(strings.Repeat("ä", 200))).StatusCode, "what the field takes")
	}
}

// Whatever a client sends, it is the client's mistake, and no error of the program.
func TestNonsenseIsNoErrorOfTheProgram(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	long := strings.Repeat("x", 70_000)
	for name, s := range map[string]map[string]any{
		"a scope of nobody":         {"service": "acme", "method": "oauth", "scopes": []string{"admin"}},
		"an empty scope":            {"service": "acme", "method": "oauth", "scopes": []string{""}},
		"a scope twice":             {"service": "acme", "method": "oauth", "scopes": []string{"read", "read"}},
		"scopes of a key":           {"service": "acme", "values": map[string]string{"apiKey": "CANARY-key"}, "scopes": []string{"read"}},
		"a long value":              {"service": "acme", "values": map[string]string{"apiKey": long}},
		"a long value of no secret": {"service": "acme", "values": map[string]string{"apiKey": "k", "team": long}},
		"control characters":        {"service": "acme", "values": map[string]string{"apiKey": "a\x00\r\nX-Evil: 1"}},
		"other scripts":             {"service": "acme", "values": map[string]string{"apiKey": "ключ\u202e", "team": "команда"}},
		"no choice":                 {"service": "basic", "values": map[string]string{"user": "u:v", "password": "p", "region": "mars"}},
		"a colon in a user name":    {"service": "basic", "values": map[string]string{"user": "u:v", "password": "p"}},
		"an unknown method":         {"service": "acme", "method": "<b>"},
		"an unknown service":        {"service": "\x00"},
		"a long service":            {"service": long},
	} {
		status, failed := b.json("POST", "accounts", s)
		assert.True(t, status >= 400 && status < 500, "%s: %d %v", name, status, failed)
		form := url.Values{"key": {accounts.NewID()}, "scopes": {"yes"}}
		for k, v := range s {
			switch v := v.(type) {
			case string:
				form.Set(k, v)
			case []string:
				form["scope"] = v
			case map[string]string:
				for input, value := range v {
					form.Set("v."+input, value)
				}
			}
		}
		r := b.post("connect", form)
		assert.True(t, r.StatusCode >= 400 && r.StatusCode < 500, "%s, as a form: %d", name, r.StatusCode)
		assert.NotContains(t, r.body, "CANARY")
	}
	assert.Empty(t, a.failed)
	assert.Empty(t, a.all("o1"))
}

// Bodies that are odd are refused, in no time.
func TestOddBodies(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	fields := "service=acme&key=" + accounts.NewID()
	for name, body := range map[string]string{
		"many fields": fields + strings.Repeat("&v.x=", 20_000), "many scopes": fields + "&method=oauth&scopes=yes" + strings.Repeat("&scope=read", 9_000),
		"many names": fields + "&v." + strings.Repeat("x=1&v.x", 9_000), "semicolons": fields + ";v.apiKey=k", "no escape": fields + "&v.apiKey=%zz",
		"nothing": "", "one long name": fields + "&v." + strings.Repeat("x", 900_000) + "=1",
	} {
		r := b.do("POST", b.url+"/connect", "application/x-www-form-urlencoded", body)
		assert.True(t, r.StatusCode >= 400 && r.StatusCode < 500, "%s: %d", name, r.StatusCode)
		assert.Less(t, len(r.body), 50_000, name)
	}
	for name, body := range map[string]string{
		"deep": `{"values": ` + strings.Repeat("[", 100_000), "deep objects": strings.Repeat(`{"values":`, 50_000), "a list": `{"values": ["CANARY"]}`, "a long name of a value": `{"service": "acme", "values": {"` + strings.Repeat("x", 900_000) + `": "1"}}`,
		"many scopes": `{"service": "acme", "method": "oauth", "scopes": ["read"` + strings.Repeat(`, "read"`, 50_000) + `]}`,
		"a long name": `{"` + strings.Repeat("x", 900_000) + `": 1}`, "half a character": `{"service": "\ud800"}`, "a number": `{"service": 1e999}`,
	} {
		r := b.do("POST", b.url+"/api/accounts", "application/json", body)
		assert.True(t, r.StatusCode >= 400 && r.StatusCode < 500, "%s: %d", name, r.StatusCode)
		assert.Less(t, len(r.body), 50_000, name)
		assert.NotContains(t, r.body, "CANARY")
	}
	assert.Empty(t, a.failed)
	assert.Empty(t, a.all("o1"))
}
