package pages_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type values = map[string]connectorauth.Secret

// text returns a value as JSON, without what differs from run to run.
func text(t *testing.T, object any) string {
	t.Helper()
	encoded, err := json.Marshal(object)
	require.NoError(t, err)
	return string(encoded)
}

func TestServicesOfTheAPI(t *testing.T) {
	b := newApp(t).browser("o1")
	status, got := b.json("GET", "services?q=ACME+tools", nil)
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"more": false, "services": [{"name": "acme", "title": "Acme <Tools>", "links": [{"title": "Where is my key?", "url": "https://acme.example/help"}],
		"methods": [{"name": "key", "title": "API key", "default": true}, {"name": "oauth", "title": "Sign in at Acme", "consent": true}]}]}`, text(t, got))
	for query, want := range map[string]string{"": "acme basic", "?limit=1": "acme", "?q=bas": "basic", "?q=nothing": "", "?q=ac+too": "acme", "?q=%20": "acme basic"} {
		_, got = b.json("GET", "services"+query, nil)
		var names []string
		for _, s := range got["services"].([]any) {
			names = append(names, s.(map[string]any)["name"].(string))
		}
		assert.Equal(t, want, strings.Join(names, " "), query)
		assert.Equal(t, query == "?limit=1", got["more"], query)
	}
	for _, query := range []string{"?limit=0", "?limit=201", "?limit=x"} {
		status, got = b.json("GET", "services"+query, nil)
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Equal(t, "limit must be a number from 1 to 200", got["detail"])
	}
}

func TestFormOfTheAPI(t *testing.T) {
	b := newApp(t).browser("o1")
	status, got := b.json("GET", "services/acme", nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-7`, got["key"])
	assert.JSONEq(t, `[{"name": "team", "title": "Team", "example": "sales", "format": "text", "pattern": "(?:[\\u{2d}a-z])+"},
		{"name": "apiKey", "title": "API key", "help": "Under Settings, API.", "format": "text", "required": true, "secret": true}]`, text(t, got["fields"]))
	_, got = b.json("GET", "services/acme-old?method=oauth", nil)
	assert.JSONEq(t, `[{"name": "read", "title": "Read your data", "help": "Needed.", "chosen": true}, {"name": "write", "title": "Change your data"}]`, text(t, got["scopes"]))
	_, got = b.json("GET", "services/basic", nil)
	assert.JSONEq(t, `{"name": "region", "title": "Region", "value": "eu", "format": "text", "choices": [{"value": "eu", "title": "Europe"}, {"value": "us", "title": "us"}]}`, text(t, got["fields"].([]any)[0]))
	for path, reason := range map[string]string{"services/acne": "no_service", "services/acme?method=x": "no_method"} {
		status, got = b.json("GET", path, nil)
		assert.Equal(t, http.StatusNotFound, status)
		assert.Equal(t, reason, got["reason"])
		assert.NotEmpty(t, got["message"])
	}
}

// An account from the form to its end, as a front end of a product's own sees it.
func TestAccountOfTheAPI(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	_, form := b.json("GET", "services/acme", nil)
	body := map[string]any{"key": form["key"], "service": "acme", "values": map[string]string{"apiKey": "CANARY-wrong"}}
	status, got := b.json("POST", "accounts", body)
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	assert.JSONEq(t, `{"reason": "refused", "message": "The service does not accept what you have entered. Check the values, and try again.", "fields": {"apiKey": "Please check this value."}}`, text(t, got))

	body["values"] = map[string]string{"apiKey": "CANARY-key", "team": "sales"}
	status, created := b.json("POST", "accounts", body)
	assert.Equal(t, http.StatusCreated, status)
	account := a.one("o1")
	at := text(t, account.Since)
	assert.JSONEq(t, `{"id": "`+account.ID+`", "service": "acme", "title": "Acme <Tools>", "method": "key", "methodTitle": "API key", "identity": "ada", "label": "ada by ApiKey",
		"status": "ok", "statusTitle": "Works", "message": "The account works.", "since": `+at+`, "tested": `+text(t, account.Tested)+`}`, text(t, created))
	status, again := b.json("POST", "accounts", body)
	assert.Equal(t, http.StatusOK, status, "the same key is the same account")
	assert.Equal(t, created, again)
	_, got = b.json("GET", "accounts/"+account.ID, nil)
	assert.Equal(t, created, got)
	_, got = b.json("GET", "accounts", nil)
	assert.Equal(t, map[string]any{"accounts": []any{created}}, got)

	_, got = b.json("GET", "accounts/"+account.ID+"/form", nil)
	assert.JSONEq(t, `[{"name": "team", "title": "Team", "example": "sales", "format": "text", "pattern": "(?:[\\u{2d}a-z])+", "value": "sales", "stored": true},
		{"name": "apiKey", "title": "API key", "help": "Under Settings, API.", "format": "text", "secret": true, "stored": true}]`, text(t, got["fields"]))
	status, got = b.json("POST", "accounts/"+account.ID+"/reconnect", map[string]any{"values": map[string]string{"team": "support"}})
	assert.Equal(t, http.StatusOK, status, got)
	status, got = b.json("POST", "accounts/"+account.ID+"/reconnect", map[string]any{"values": map[string]string{"team": "No!"}})
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	assert.Equal(t, map[string]any{"team": "The value does not look as the service writes it. It looks like sales."}, got["fields"])

	a.provider.Inject(a.provider.KeyHeaderURL, 1, authtest.Answer(503, http.Header{"Retry-After": {"7"}}, ""))
	status, got = b.json("POST", "accounts/"+account.ID+"/test", map[string]any{})
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "failing", got["status"])
	assert.Equal(t, "unavailable", got["reason"])
	assert.NotContains(t, got, "error", "the text for developers")

	a.provider.Inject(a.provider.KeyHeaderURL, 1, authtest.Answer(503, http.Header{"Retry-After": {"7"}}, ""))
	r := b.do("POST", b.url+"/api/accounts", "application/json", `{"service": "acme", "values": {"apiKey": "CANARY-key"}}`)
	assert.Equal(t, http.StatusServiceUnavailable, r.StatusCode)
	assert.Equal(t, "7", r.Header.Get("Retry-After"))

	status, got = b.json("DELETE", "accounts/"+account.ID, nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, map[string]any{"revoked": false}, got)
	status, got = b.json("DELETE", "accounts/"+account.ID, nil)
	assert.Equal(t, http.StatusNotFound, status)
	assert.Equal(t, "not_found", got["reason"])
}

func TestConsentOfTheAPI(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	status, got := b.json("POST", "accounts?return_to=/settings", map[string]any{"service": "acme", "method": "oauth", "scopes": []string{"write"}})
	assert.Equal(t, http.StatusCreated, status)
	assert.Equal(t, "connecting", got["status"])
	start, err := url.Parse(got["consent"].(string))
	require.NoError(t, err)
	assert.Equal(t, a.url+"/start", start.Scheme+"://"+start.Host+start.Path)
	callback, err := a.provider.Authorize(b.get(got["consent"].(string)).Header.Get("Location"))
	require.NoError(t, err)
	require.Equal(t, http.StatusSeeOther, b.get(callback.String()).StatusCode)
	_, got = b.json("GET", "accounts/"+got["id"].(string), nil)
	assert.Equal(t, "ok", got["status"])
	assert.Equal(t, []any{"Change your data"}, got["granted"])
	assert.NotContains(t, got, "consent")
}

func TestPagesOfAccountsOfTheAPI(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	for i := range 5 {
		q := accounts.Request{ID: fmt.Sprint("a", i), Owner: fmt.Sprint("o", 1+i/4), Definition: "acme", Values: values{"apiKey": "CANARY-key"}, Duplicate: true}
		if i == 2 {
			q.Definition, q.Values = "basic", values{"user": "u", "password": "p"}
		}
		if i == 3 {
			q.Method, q.Values = "oauth", nil
		}
		_, err := a.registry.Connect(t.Context(), q)
		require.NoError(t, err)
	}
	for query, want := range map[string]string{
		"": "a0 a1 a2 a3", "?limit=2": "a0 a1 > a1", "?limit=2&after=a1": "a2 a3", "?limit=4": "a0 a1 a2 a3", "?status=connecting": "a3",
		"?service=basic": "a2", "?service=acme-old&limit=1": "a0 > a0", "?status=failing": "",
	} {
		_, got := b.json("GET", "accounts"+query, nil)
		var ids []string
		for _, account := range got["accounts"].([]any) {
			ids = append(ids, account.(map[string]any)["id"].(string))
		}
		list := strings.Join(ids, " ")
		if got["next"] != nil {
			list += " > " + got["next"].(string)
		}
		assert.Equal(t, want, list, query)
	}
	for query, code := range map[string]int{"?status=odd": 400, "?after=" + url.QueryEscape("\x00"): 400, "?service=acne": 404, "?limit=-1": 400} {
		status, _ := b.json("GET", "accounts"+query, nil)
		assert.Equal(t, code, status, query)
	}
	page := b.get("?limit=2")
	assert.Contains(t, page.body, `id="next" href="/my/accounts/?after=a1&amp;limit=2"`)
	assert.NotContains(t, b.get("?limit=2&after=a1").body, `id="next"`)
}

func TestBodiesThatAreNoRequests(t *testing.T) {
	b := newApp(t).browser("o1")
	for body, detail := range map[string]string{
		``: "the body is not the JSON object that is wanted", `[]`: "the member \"\" must be of another type", `{"service": 7}`: `the member "service" must be of another type`,
		`{"secret": "CANARY"}`: `unknown field "secret"`, `{"service": "acme"} {}`: "the body goes on behind the JSON object", "{\"service\": \"\xff\"}": "the body was cut off, or is not UTF-8",
		`{"service": "acme", "key": "x"}`: "key must be that of a form",
	} {
		r := b.do("POST", b.url+"/api/accounts", "application/json", body)
		assert.Equal(t, http.StatusBadRequest, r.StatusCode, body)
		var got map[string]any
		require.NoError(t, json.Unmarshal([]byte(r.body), &got))
		assert.Equal(t, detail, got["detail"], body)
	}
	r := b.do("POST", b.url+"/api/accounts", "application/json", `{"service": "`+strings.Repeat("a", 1<<20)+`"}`)
	assert.Equal(t, http.StatusRequestEntityTooLarge, r.StatusCode)
}

// The part of a body that was cut off may be a whole document.
func TestBodyThatWasCutOff(t *testing.T) {
	b := newApp(t).browser("o1")
	conn, err := net.Dial("tcp", b.server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "POST /my/accounts/api/accounts HTTP/1.1\r\nHost: %s\r\nCookie: user=o1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n%s",
		b.server.Listener.Addr(), `{"service": "acme"}`)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer r.Body.Close()
	assert.Equal(t, http.StatusBadRequest, r.StatusCode)
	var got map[string]any
	require.NoError(t, json.NewDecoder(r.Body).Decode(&got))
	assert.Equal(t, "the body was cut off, or is not UTF-8", got["detail"])
}

// A field that several methods have is explained as the chosen method has the field.
func TestMistakesAreThoseOfTheMethod(t *testing.T) {
	b := newApp(t).browser("o1")
	status, failed := b.json("POST", "accounts", map[string]any{"service": "basic", "method": "mail", "values": map[string]string{"user": "ada", "number": "seven", "region": "mars"}})
	assert.Equal(t, http.StatusUnprocessableEntity, status)
	assert.Equal(t, map[string]any{
		"user": "Give an address such as ada@example.com.", "number": "Give a whole number.", "region": "Please choose one of the values.",
	}, failed["fields"])
}
