package definition_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tested returns an account with a test, whose members are given.
func tested(t testing.TB, test string) *definition.Connected {
	t.Helper()
	c, err := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://{subdomain}.example.com/api",
		"inputs": [{"name": "subdomain", "title": "Subdomain", "format": "label"}, {"name": "team", "optional": true}],
		"params": {"v": "1"},
		"methods": [{"name": "key", "type": "ApiKey", "inputs": [{"name": "apiKey", "title": "API key", "secret": true}], "key": "{apiKey}"}], "test": {`+test+`}}`).
		Connect(definition.Connection{Values: values{"subdomain": "mycompany", "apiKey": "CANARY-0123", "team": "a/b"}})
	require.NoError(t, err)
	return c
}

const me = `"request": "GET /me", "id": "/user/id", "label": "{/user/name} ({/org})"`

// responding returns a client whose network makes one response.
func responding(status int, body string, header ...string) *http.Client {
	return &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(status, body)
		for i := 0; i < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	})}
}

func failing(err error) *http.Client {
	return &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) { return nil, err })}
}

func TestCheckMakesTheTestRequestWithTheCredential(t *testing.T) {
	base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
		return fakehttp.Respond(200, `{"user": {"id": 7615917337495251231, "name": "Ada"}, "org": "Acme"}`), nil
	}}
	c := tested(t, strings.Replace(me, "/me", "/teams/{team}?x={team}", 1))
	id, err := c.Check(t.Context(), &http.Client{Transport: base})
	require.NoError(t, err)
	assert.Equal(t, definition.Identity{ID: "7615917337495251231", Label: "Ada (Acme)"}, id)
	req := base.Requests()[0]
	assert.Equal(t, "https://mycompany.example.com/api/teams/a%2Fb?x=a%2Fb&v=1", req.URL.String())
	assert.Equal(t, []string{"CANARY-0123", "application/json"}, []string{req.Header.Get("Authorization"), req.Header.Get("Accept")})
}

// A failed check names inputs that people have filled in.
func TestSuspiciousInputs(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com",
		"inputs": [{"name": "app", "secret": true, "hidden": true}, {"name": "key", "secret": true}, {"name": "pin", "secret": true, "optional": true}, {"name": "user"}],
		"methods": [{"name": "a", "type": "Basic", "username": "{user}", "password": "{key}{pin}{app}"}], "test": {"request": "GET /"}}`)
	c, err := d.Connect(definition.Connection{Values: values{"app": "a", "key": "k", "user": "u"}})
	require.NoError(t, err)
	_, err = c.Check(t.Context(), responding(401, ""))
	var failed *definition.CheckError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, []string{"key"}, failed.Inputs)
}

// The default client, over a real connection.
func TestCheckOverTheNetwork(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		fmt.Fprintf(w, `[{"id": %q}]`, user)
	}))
	defer server.Close()
	d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "`+server.URL+`", "inputs": [{"name": "user"}],
		"methods": [{"name": "a", "type": "Basic", "username": "{user}"}], "test": {"request": "GET /", "id": "/0/id"}}`)
	c, err := d.Connect(definition.Connection{Values: values{"user": "ada"}})
	require.NoError(t, err)
	id, err := c.Check(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, definition.Identity{ID: "ada"}, id)
}

func TestReasonsOfAFailedCheck(t *testing.T) {
	const good = `{"user": {"id": 1}}`
	for _, test := range []struct {
		client *http.Client
		reason definition.CheckReason
		inputs []string
		text   string
	}{
		{responding(401, "{}"), "refused", []string{"apiKey"}, "the service refused the credential (status 401); check API key"},
		{responding(403, good), "forbidden", []string{"apiKey"}, "the service does not allow the credential what the test does (status 403); check API key; the credential needs more rights in the service, or more scopes"},
		{responding(404, ""), "not_found", []string{"subdomain"}, "the service has nothing at the address of the test (status 404); check Subdomain"},
		{responding(410, ""), "not_found", []string{"subdomain"}, "status 410"},
		{failing(&net.DNSError{Err: "no such host", Name: "mycompany.example.com", IsNotFound: true}), "not_found", []string{"subdomain"}, "the service has nothing at the address of the test: lookup mycompany.example.com: no such host; check Subdomain"},
		{responding(503, "", "Retry-After", "30"), "unavailable", nil, "the service does not respond as services do that work (status 503); try again after 30s"},
		{responding(429, good), "unavailable", nil, "(status 429); try again later"},
		{responding(408, good), "unavailable", nil, "(status 408); try again later"},
		{failing(errors.New("connection refused")), "unavailable", nil, "the service does not respond as services do that work: connection refused; try again later"},
		{responding(400, good), "status", nil, "the service responds with a status that the test does not expect (status 400); check the test of the definition"},
		{responding(302, ""), "moved", []string{"subdomain"}, "the service leads to another host, which does not see the credential (status 302); check Subdomain"},
		{responding(200, "<html>"), "not_json", []string{"subdomain"}, "the response to the test is no JSON of at most 1 MiB (status 200); check Subdomain"},
		{responding(200, good+good), "not_json", []string{"subdomain"}, ""},
		{responding(200, `{"user": {"id": "`+strings.Repeat("a", 1<<20)+`"}}`), "not_json", []string{"subdomain"}, ""},
		{responding(200, good+strings.Repeat(" ", 1<<20)), "not_json", []string{"subdomain"}, ""},
		{responding(200, good, "Content-Encoding", "br"), "not_json", []string{"subdomain"}, ""},
		{responding(204, ""), "not_json", []string{"subdomain"}, ""},
		{responding(200, "{\"user\": {\"id\": \"\xff\"}}"), "not_json", []string{"subdomain"}, ""},
		{responding(200, `{"ok": false}`), "no_member", nil, "the response to the test has nothing to name the account by at /user/id (status 200); check the test of the definition, and whether the service reports an error there"},
		{responding(200, `{"user": {"id": null}}`), "no_member", nil, ""},
		{responding(200, `{"user": {"id": [1]}}`), "no_member", nil, ""},
		{responding(200, `{"user": {"id": "a\nb"}}`), "no_member", nil, ""},
		{responding(200, `{"user": {"id": "CANARY-0123"}}`), "no_member", nil, ""},
		{responding(200, `{"user": {"id": "`+strings.Repeat("a", 1001)+`"}}`), "no_member", nil, ""},
	} {
		_, err := tested(t, me).Check(t.Context(), test.client)
		var failed *definition.CheckError
		require.ErrorAs(t, err, &failed, test.text)
		assert.Equal(t, test.reason, failed.Reason, err)
		assert.Equal(t, test.inputs, failed.Inputs, err)
		assert.Equal(t, test.reason == "unavailable", failed.Temporary())
		assert.Contains(t, err.Error(), test.text)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "CANARY")
		assert.NotContains(t, err.Error(), "https://", "the URL has values of the account")
	}
}

func TestStatusesOfATest(t *testing.T) {
	c := tested(t, `"request": "GET /me", "ok": [404, 204]`)
	for status, works := range map[int]bool{404: true, 204: true, 200: false, 401: false} {
		_, err := c.Check(t.Context(), responding(status, ""))
		assert.Equal(t, works, err == nil, "%d: %v", status, err)
	}
	_, err := tested(t, `"request": "HEAD /me"`).Check(t.Context(), responding(299, ""))
	assert.NoError(t, err)
	assert.Contains(t, mistakes(named("acme", `"test": {"request": "HEAD /me", "id": "/id"},`)), "test.request: the response to HEAD has no body for id and label")
}

func TestDefinitionWithoutATest(t *testing.T) {
	c, err := parse(t, named("acme", "")).Connect(definition.Connection{})
	require.NoError(t, err)
	_, err = c.Check(t.Context(), nil)
	assert.ErrorIs(t, err, definition.ErrNoTest)
	assert.EqualError(t, err, "definition: acme: the definition has no test; add a member test")
}

// A redirect to another origin is followed without the credential, so the response says
// nothing of the credential.
func TestRedirectOfATest(t *testing.T) {
	for location, works := range map[string]bool{"/api/me/": true, "https://login.example.com/": false, "https://mycompany.example.com:8443/": false} {
		client := &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path != "/api/me" {
				return fakehttp.Respond(200, `{"user": {"id": 1}}`), nil
			}
			resp := fakehttp.Respond(302, "")
			resp.Header.Set("Location", location)
			return resp, nil
		})}
		_, err := tested(t, me).Check(t.Context(), client)
		if works {
			assert.NoError(t, err, location)
			continue
		}
		var failed *definition.CheckError
		if assert.ErrorAs(t, err, &failed, location) {
			assert.Equal(t, definition.ReasonMoved, failed.Reason)
		}
	}
}

func TestResponsesInOtherEncodings(t *testing.T) {
	const text = `{"user": {"id": 1e2, "name": "Zoë"}, "org": true}`
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := io.WriteString(w, text)
	require.NoError(t, errors.Join(err, w.Close()))
	utf16BE := func(mark string) string {
		for _, u := range utf16.Encode([]rune(text)) {
			mark += string([]byte{byte(u >> 8), byte(u)})
		}
		return mark
	}
	for name, client := range map[string]*http.Client{
		"plain":              responding(200, text),
		"byte order mark":    responding(200, "\ufeff"+text),
		"labelled gzip":      responding(200, zipped.String(), "Content-Encoding", "gzip"),
		"unlabelled gzip":    responding(200, zipped.String()),
		"UTF-16":             responding(200, utf16BE("\xfe\xff")),
		"UTF-16 without BOM": responding(200, utf16BE("")),
		"Latin-1":            responding(200, strings.ReplaceAll(text, "ë", "\xeb"), "Content-Type", "application/json; charset=ISO-8859-1"),
		"not Latin-1":        responding(200, text, "Content-Type", "application/json; charset=ISO-8859-1"),
	} {
		id, err := tested(t, me).Check(t.Context(), client)
		require.NoError(t, err, name)
		assert.Equal(t, definition.Identity{ID: "1e2", Label: "Zoë (true)"}, id, name)
	}
}

// The label is for people, and is as long as a line.
func TestLabels(t *testing.T) {
	for _, row := range []struct{ test, body, id, label string }{
		{`"label": "{/a~1b~0} {/list/1}"`, `{"a/b~": "x", "list": [1, 2.50]}`, "", "x 2.50"},
		{`"label": "{lower({/a})} {{x}}"`, `{"a": "ADA"}`, "", "ada {x}"},
		{`"id": "/0", "label": "{/1}"`, `["i"]`, "i", ""},
		{`"label": "{/a}"`, `{"a": "a\n\u202eb\u0000CANARY-0123"}`, "", "a  b [redacted]"},
		{`"label": "{/a}"`, `{"a": "` + strings.Repeat("é", 300) + `"}`, "", strings.Repeat("é", 98) + "..."},
		{`"label": "constant"`, `{}`, "", "constant"},
	} {
		id, err := tested(t, `"request": "GET /", `+row.test).Check(t.Context(), responding(200, row.body))
		require.NoError(t, err, row)
		assert.Equal(t, definition.Identity{ID: row.id, Label: row.label}, id)
		assert.LessOrEqual(t, len(id.Label), 200)
	}
	_, err := tested(t, `"request": "GET /", "label": "{/a} {/list/01} {/list/-}"`).Check(t.Context(), responding(200, `{"b": 1, "list": [1, 2]}`))
	assert.ErrorContains(t, err, "nothing to name the account by at /a, /list/01, /list/-")
}

func TestCheckOfAnAccountWithoutAToken(t *testing.T) {
	c, err := service(t, "zendesk").Connect(definition.Connection{Values: values{"subdomain": "a"}, Client: definition.Client{ID: "id", Secret: "s"}})
	require.NoError(t, err)
	_, err = c.Check(t.Context(), responding(200, ""))
	assert.ErrorIs(t, err, connectorauth.ErrNotConnected)
	var failed *definition.CheckError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, definition.ReasonRefused, failed.Reason)
	assert.ErrorContains(t, err, "connect the account again")
}

// Where the service has not said where the API is, the error says what is missing.
func TestCheckOfAnAccountWithoutItsBaseURL(t *testing.T) {
	p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer"}}
	c, err := service(t, "salesforce").Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "secret"}, HTTPClient: p.client(t)})
	require.NoError(t, err)
	_, err = c.Check(t.Context(), responding(200, "{}"))
	assert.ErrorIs(t, err, connectorauth.ErrNotConnected)
	consented(t, c, url.Values{})
	_, err = c.Check(t.Context(), responding(200, "{}"))
	assert.EqualError(t, err, "definition: salesforce: the provider gave no instance_url, or one that the definition does not allow")
}

// A token endpoint that is out of order is no refusal, neither at first nor after a 401.
func TestCheckWhileNoTokenCanBeObtained(t *testing.T) {
	for status, want := range map[int]definition.CheckReason{503: "unavailable", 400: "refused"} {
		d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "test": {"request": "GET /me"},
			"methods": [{"name": "a", "type": "OAuth2", "tokenUrl": "https://api.example.com/token", "grant": {"clientCredentials": {}}}]}`)
		c, err := d.Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "s"}, HTTPClient: responding(status, `{"error": "invalid_client"}`)})
		require.NoError(t, err)
		_, err = c.Check(t.Context(), responding(200, "{}"))
		var failed *definition.CheckError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, want, failed.Reason, err)
		var token *connectorauth.TokenError
		assert.ErrorAs(t, err, &token)
	}

	p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer", "refresh_token": "R"}}
	c, err := service(t, "zendesk").Connect(definition.Connection{Values: values{"subdomain": "a"}, Client: definition.Client{ID: "id", Secret: "s"}, HTTPClient: p.client(t)})
	require.NoError(t, err)
	consented(t, c, url.Values{})
	p.token = map[string]any{"error": "temporarily_unavailable"}
	_, err = c.Check(t.Context(), responding(401, ""))
	var failed *definition.CheckError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, definition.ReasonUnavailable, failed.Reason, err)
}

// A service that refuses a token right after its renewal refuses the credential. To wait would
// not help.
func TestCheckWhileANewTokenIsRefused(t *testing.T) {
	p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer", "refresh_token": "R"}}
	c, err := service(t, "zendesk").Connect(definition.Connection{Values: values{"subdomain": "a"}, Client: definition.Client{ID: "id", Secret: "s"}, HTTPClient: p.client(t)})
	require.NoError(t, err)
	consented(t, c, url.Values{})
	for range 2 { // right after the renewal, and while no other renewal is tried
		_, err = c.Check(t.Context(), responding(401, ""))
		var failed *definition.CheckError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, definition.ReasonRefused, failed.Reason, err)
		assert.False(t, failed.Temporary())
		assert.ErrorIs(t, err, connectorauth.ErrCredentialRejected)
		assert.ErrorContains(t, err, "right after its renewal")
	}
}

func TestCheckTakesHalfAMinuteAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := tested(t, me).Check(t.Context(), &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})})
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 30*time.Second, time.Since(began))
	})
}

// Fields go into a message, so the test has one.
func TestCheckWithFieldsInTheMessage(t *testing.T) {
	c, err := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "inputs": [{"name": "key", "secret": true}],
		"methods": [{"name": "a", "type": "AuthFields", "fields": [{"key": "token", "value": "{key}"}]}], "test": {"request": "POST /me"}}`).
		Connect(definition.Connection{Values: values{"key": "k"}})
	require.NoError(t, err)
	base := &fakehttp.Base{}
	_, err = c.Check(t.Context(), &http.Client{Transport: base})
	require.NoError(t, err)
	assert.JSONEq(t, `{"token": "k"}`, base.Requests()[0].Body)
}

// FuzzCheck: whatever a service responds, Check ends with one line for people, an ID that
// is printable, or a CheckError, and without the credential.
func FuzzCheck(f *testing.F) {
	for _, body := range []string{`{"a": {"b": "x"}}`, `["CANARY-0123"]`, "\xfe\xff\x00{\x00}", "\x1f\x8b\x08", `{"a":1e999}`, "{}{}"} {
		f.Add([]byte(body), "/a/b", "{/a} {base64({/0})}", "application/json; charset=latin1", "gzip")
	}
	f.Fuzz(func(t *testing.T, body []byte, id, label, kind, coding string) {
		d, err := definition.Parse("f.json", fmt.Appendf(nil, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "inputs": [{"name": "k", "secret": true}],
			"methods": [{"name": "a", "type": "ApiKey", "key": "{k}"}], "test": {"request": "GET /", "id": %s, "label": %s}}`, quoted(id), quoted(label)), definition.Options{})
		if err != nil {
			return
		}
		c, err := d.Connect(definition.Connection{Values: values{"k": "CANARY-0123"}})
		require.NoError(t, err)
		began := time.Now()
		got, err := c.Check(t.Context(), responding(200, string(body), "Content-Type", kind, "Content-Encoding", coding))
		require.Less(t, time.Since(began), 30*time.Second)
		var failed *definition.CheckError
		require.True(t, err == nil || errors.As(err, &failed), err)
		require.LessOrEqual(t, len(got.Label), 200)
		require.False(t, strings.ContainsFunc(got.ID+got.Label, func(r rune) bool { return r < ' ' }), "%q", got)
		require.NotContains(t, got.ID+got.Label, "CANARY-0123")
		if err != nil && !strings.Contains(id+label, "CANARY") {
			require.NotContains(t, err.Error(), "CANARY")
		}
	})
}
