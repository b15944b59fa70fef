package pages_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/pages"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// offers are services of which a program can connect some, or by some methods.
var offers = []string{
	`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [
		{"name": "oauth", "default": true, "type": "OAuth2", "tokenUrl": "https://login.example.com/t", "grant": {"authorizationCode": {"authUrl": "https://login.example.com/a"}}},
		{"name": "app", "type": "OAuth2", "tokenUrl": "https://login.example.com/t", "grant": {"clientCredentials": {}}},
		{"name": "key", "type": "ApiKey", "key": "{apiKey}", "inputs": [{"name": "apiKey", "secret": true}]},
		{"name": "free", "type": "None"}]}`,
	`{"connectorauth": 1, "name": "books", "baseUrl": "https://api.example.com", "methods": [
		{"name": "oauth", "type": "OAuth2", "tokenUrl": "https://login.example.com/t", "grant": {"authorizationCode": {"authUrl": "https://login.example.com/a"}}}]}`,
	`{"connectorauth": 1, "name": "crm", "baseUrl": "https://api.example.com", "methods": [
		{"name": "own", "type": "OAuth2", "tokenUrl": "https://login.example.com/t", "grant": {"authorizationCode": {"authUrl": "https://login.example.com/a"}},
			"clientId": "{id}", "inputs": [{"name": "id"}]}]}`,
	`{"connectorauth": 1, "name": "desk", "baseUrl": "https://api.example.com", "methods": [
		{"name": "key", "type": "ApiKey", "key": "{partner}", "inputs": [{"name": "partner", "secret": true, "hidden": true}]}]}`,
}

// A desk is a program without a network. Its user is the header User, and its function
// connection says what the program adds.
type desk struct {
	*testing.T
	handler    http.Handler
	connection func(accounts.Account) (definition.Connection, error)
	set        *definition.Set
	asked      []string // the owner, definition and method of each call of connection
	failed     []error
}

func newDesk(t *testing.T, connection func(accounts.Account) (definition.Connection, error)) *desk {
	t.Helper()
	d := &desk{T: t, connection: connection}
	d.define(offers...)
	key := strings.Repeat("k", 32)
	registry, err := accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return d.set }, Index: new(accounts.Memory), Store: new(tokenstore.Memory),
		Keys: []tokenstore.Key{{ID: "k", Secret: []byte(key)}}, Shared: new(connectorauth.Shared),
		Connection: func(_ context.Context, a accounts.Account) (definition.Connection, error) {
			d.asked = append(d.asked, a.Owner+" "+a.Definition+" "+a.Method)
			return d.connection(a)
		},
	})
	require.NoError(t, err)
	d.handler, err = pages.New(pages.Config{
		URL: "https://app.example/a", Keys: []connectorauth.Secret{connectorauth.Secret(key)}, Registry: registry,
		Owner:  func(r *http.Request) (string, error) { return r.Header.Get("User"), nil },
		Failed: func(_ *http.Request, err error) { d.failed = append(d.failed, err) },
	})
	require.NoError(t, err)
	return d
}

// define replaces the definitions of the services.
func (d *desk) define(documents ...string) {
	d.Helper()
	var list []*definition.Definition
	for _, document := range documents {
		parsed, err := definition.Parse("x.json", []byte(document), definition.Options{})
		require.NoError(d, err)
		list = append(list, parsed)
	}
	var err error
	d.set, err = definition.NewSet(list...)
	require.NoError(d, err)
}

// do sends a request of a user, and returns the status and the body of the response.
func (d *desk) do(user, method, path, body string) (int, string) {
	d.Helper()
	d.asked, d.failed = nil, nil
	r := httptest.NewRequestWithContext(d.Context(), method, "https://app.example/a/"+path, strings.NewReader(body))
	r.Header.Set("User", user)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// services returns the services and methods that a user is offered, such as "acme(key) books(oauth)".
func (d *desk) services(user, query string) string {
	d.Helper()
	status, body := d.do(user, "GET", "api/services"+query, "")
	require.Equal(d, http.StatusOK, status, body)
	var list struct {
		Services []struct {
			Name    string
			Methods []struct {
				Name    string
				Default bool
			}
		}
		More bool
	}
	require.NoError(d, json.Unmarshal([]byte(body), &list))
	var text []string
	for _, s := range list.Services {
		var methods []string
		for _, m := range s.Methods {
			if m.Default {
				m.Name += "!"
			}
			methods = append(methods, m.Name)
		}
		text = append(text, s.Name+"("+strings.Join(methods, " ")+")")
	}
	if list.More {
		text = append(text, "more")
	}
	return strings.Join(text, " ")
}

// byOwner gives a client to o1, a public client to o2, and nothing to anybody else.
func byOwner(a accounts.Account) (definition.Connection, error) {
	var c definition.Connection
	switch {
	case a.Owner == "o1" && a.Definition == "desk":
		c.Values = values{"partner": "CANARY"}
	case a.Owner == "o1":
		c.Client = definition.Client{ID: "id", Secret: "CANARY"}
	case a.Owner == "o2":
		c.Client = definition.Client{ID: "id"}
	}
	return c, nil
}

// Each owner is offered what the program can connect, and nothing else.
func TestSearchOffersWhatTheProgramIsReadyFor(t *testing.T) {
	d := newDesk(t, byOwner)
	for _, test := range []struct{ user, query, want string }{
		{"o1", "", "acme(oauth! app key free) books(oauth!) crm(own!) desk(key!)"},
		{"o2", "", "acme(oauth! key free) books(oauth!) crm(own!)"},
		{"o3", "", "acme(key free) crm(own!)"},
		{"o3", "?limit=1", "acme(key free) more"},
		{"o3", "?limit=2", "acme(key free) crm(own!)"},
		{"o2", "?q=b", "books(oauth!)"},
		{"o3", "?q=b", ""},
		{"o3", "?q=c", "crm(own!) acme(key free)"},
	} {
		assert.Equal(t, test.want, d.services(test.user, test.query), test)
		assert.Empty(t, d.failed, "a method that is left out is no fault")
	}
	_, page := d.do("o3", "GET", "connect", "")
	assert.Contains(t, page, "service=acme")
	assert.Contains(t, page, "service=crm")
	assert.NotContains(t, page, "service=books")
	assert.NotContains(t, page, "service=desk")
	_, page = d.do("o1", "GET", "connect", "")
	assert.Contains(t, page, "service=books")
	d.define(strings.NewReplacer(`"default": true, `, "", `"name": "free"`, `"name": "key-too"`, `"type": "None"`, `"type": "ApiKey", "key": "{partner}", "inputs": [{"name": "partner", "hidden": true}]`).Replace(offers[0]))
	assert.Equal(t, "acme(key!)", d.services("o3", ""), "the only method that is left is the default")
}

// A form offers the methods of the search, and begins with the default method if the program is
// ready for the default method.
func TestFormOffersWhatTheProgramIsReadyFor(t *testing.T) {
	d := newDesk(t, byOwner)
	for _, test := range []struct{ user, query, method, methods string }{
		{"o1", "", "oauth", "oauth app key free"}, {"o1", "?method=key", "key", "oauth app key free"}, {"o2", "", "oauth", "oauth key free"},
		{"o3", "", "key", "key free"}, {"o3", "?method=free", "free", "key free"},
	} {
		var form struct {
			Method  string
			Service struct{ Methods []struct{ Name string } }
		}
		status, body := d.do(test.user, "GET", "api/services/acme"+test.query, "")
		require.Equal(t, http.StatusOK, status, body)
		require.NoError(t, json.Unmarshal([]byte(body), &form))
		var methods []string
		for _, m := range form.Service.Methods {
			methods = append(methods, m.Name)
		}
		assert.Equal(t, test.method, form.Method, test)
		assert.Equal(t, test.methods, strings.Join(methods, " "), test)
		assert.Empty(t, d.failed)
	}
	_, page := d.do("o3", "GET", "connect?service=acme", "")
	assert.Contains(t, page, `name="v.apiKey"`)
	assert.NotContains(t, page, "method=oauth")
	_, page = d.do("o1", "GET", "connect?service=acme", "")
	assert.Contains(t, page, "method=oauth")
}

// A service or a method that is not offered has no form and no account. The developer is told
// what is missing, and the person is not.
func TestWhatIsNotOfferedIsTheDevelopersBusiness(t *testing.T) {
	d := newDesk(t, byOwner)
	noID := ": Connection.Client: ID is missing; register the program with the service, and give its client ID there"
	noSecret := "Connection.Client: Secret is missing; the method takes no client without a secret"
	for _, test := range []struct{ user, method, path, body, want string }{
		{"o3", "GET", "connect?service=books", "", "definition: books: method oauth" + noID},
		{"o3", "GET", "api/services/books", "", "definition: books: method oauth" + noID},
		{"o3", "GET", "connect?service=acme&method=oauth", "", "definition: acme: method oauth" + noID},
		{"o2", "GET", "api/services/acme?method=app", "", "definition: acme: method app: " + noSecret},
		{"o3", "GET", "connect?service=desk", "", "definition: desk: method key: Values: partner: is missing; the input is hidden, so the program gives the value"},
		{"o3", "POST", "api/accounts", `{"service": "books"}`, "definition: books: method oauth" + noID},
		{"o3", "POST", "api/accounts", `{"service": "acme", "method": "oauth"}`, "definition: acme: method oauth" + noID},
		{"o3", "POST", "api/accounts", `{"service": "desk", "method": "key"}`, "definition: desk: method key: Values: partner: is missing; the input is hidden, so the program gives the value"},
	} {
		status, body := d.do(test.user, test.method, test.path, test.body)
		assert.Equal(t, http.StatusInternalServerError, status, test)
		require.Len(t, d.failed, 1, test)
		assert.EqualError(t, d.failed[0], test.want)
		for _, word := range []string{"Connection", "client ID", "partner", "CANARY"} {
			assert.NotContains(t, body, word, test)
		}
	}
	_, body := d.do("o3", "GET", "api/accounts", "")
	assert.JSONEq(t, `{"accounts": []}`, body)
	status, _ := d.do("o3", "GET", "api/services/acme?method=x", "")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Empty(t, d.failed)
}

// A request that names no method means an offered one.
func TestConnectWithoutAMethodTakesAnOfferedMethod(t *testing.T) {
	d := newDesk(t, byOwner)
	for user, want := range map[string]string{"o1": `"method":"oauth"`, "o3": `"method":"key"`} {
		status, body := d.do(user, "POST", "api/accounts", map[string]string{"o1": `{"service": "acme"}`, "o3": `{"service": "acme", "values": {"apiKey": "k"}}`}[user])
		assert.Equal(t, http.StatusCreated, status, body)
		assert.Empty(t, d.failed)
		assert.Contains(t, body, want)
	}
}

// A search asks Connection for methods that need something of the program, and once in a minute
// for each owner.
func TestSearchRemembersWhatTheProgramIsReadyFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, byOwner)
		asked := []string{"o3 acme oauth", "o3 acme app", "o3 books oauth", "o3 desk key"}
		want := d.services("o3", "")
		assert.Equal(t, asked, d.asked)
		time.Sleep(time.Minute - time.Nanosecond)
		assert.Equal(t, want, d.services("o3", ""))
		assert.Empty(t, d.asked)
		d.services("o1", "?q=books")
		assert.Equal(t, []string{"o1 books oauth"}, d.asked, "another owner")
		d.connection = func(a accounts.Account) (definition.Connection, error) {
			return byOwner(accounts.Account{Owner: "o1", Definition: a.Definition})
		}
		_, body := d.do("o3", "GET", "connect?service=books", "")
		assert.Empty(t, d.failed, "a form asks anew: %s", body)
		assert.Equal(t, want, d.services("o3", ""))
		time.Sleep(time.Nanosecond)
		assert.Equal(t, "acme(oauth! app key free) books(oauth!) crm(own!) desk(key!)", d.services("o3", ""))
		assert.Equal(t, asked, d.asked)
	})
}

// A search that is full asks no further, but for one service.
func TestSearchAsksAsFarAsThePageGoes(t *testing.T) {
	d := newDesk(t, byOwner)
	assert.Equal(t, "acme(oauth! app key free) more", d.services("o1", "?limit=1"))
	assert.Equal(t, []string{"o1 acme oauth", "o1 acme app", "o1 books oauth"}, d.asked)
}

// While Connection fails, what needs nothing of the program is offered, and the developer is
// told once for each page.
func TestDialogWhileConnectionFails(t *testing.T) {
	down := errors.New("the database is down")
	d := newDesk(t, func(accounts.Account) (definition.Connection, error) { return definition.Connection{}, down })
	for _, path := range []string{"connect", "api/services", "connect?service=acme", "api/services/acme"} {
		status, body := d.do("o1", "GET", path, "")
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, body, "acme")
		assert.NotContains(t, body, "books")
		assert.NotContains(t, body, "database")
		require.Len(t, d.failed, 1, path)
		assert.ErrorIs(t, d.failed[0], down)
	}
	status, _ := d.do("o1", "GET", "connect?service=books", "")
	assert.Equal(t, http.StatusInternalServerError, status)
	require.Len(t, d.failed, 1)
	assert.ErrorIs(t, d.failed[0], down)
	d.connection = func(a accounts.Account) (definition.Connection, error) {
		if a.Definition == "acme" {
			return definition.Connection{}, down
		}
		return byOwner(a)
	}
	assert.Equal(t, "acme(key free) books(oauth!) crm(own!) desk(key!)", d.services("o1", ""))
	assert.Len(t, d.failed, 1, "the other services do not hide the failure")
	d.connection = byOwner
	assert.Equal(t, "acme(oauth! app key free) books(oauth!) crm(own!) desk(key!)", d.services("o1", ""), "no failure is remembered")
}

// A search whose person has left ends.
func TestSearchOfAPersonWhoHasLeft(t *testing.T) {
	d := newDesk(t, byOwner)
	ctx, leave := context.WithCancel(t.Context())
	d.connection = func(a accounts.Account) (definition.Connection, error) {
		leave()
		return definition.Connection{}, ctx.Err()
	}
	r := httptest.NewRequestWithContext(ctx, "GET", "https://app.example/a/connect", nil)
	r.Header.Set("User", "o1")
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Equal(t, []string{"o1 acme oauth", "o1 acme app"}, d.asked, "no further service")
	assert.Empty(t, d.failed)
}
