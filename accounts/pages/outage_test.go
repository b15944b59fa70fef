package pages_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// manyOffers are 20 services with a consent, and the services of offers.
func manyOffers() (documents []string) {
	for i := range 20 {
		documents = append(documents, fmt.Sprintf(`{"connectorauth": 1, "name": "a%02d", "baseUrl": "https://api.example.com", "methods": [
			{"name": "oauth", "type": "OAuth2", "tokenUrl": "https://login.example.com/t", "grant": {"authorizationCode": {"authUrl": "https://login.example.com/a"}}}]}`, i))
	}
	return append(documents, offers...)
}

// A search asks Connection no further after three faults, and offers what needs nothing of the
// program. Each search asks anew.
func TestSearchAsksAFailingConnectionThreeTimes(t *testing.T) {
	down := errors.New("the database is down")
	d := newDesk(t, func(accounts.Account) (definition.Connection, error) { return definition.Connection{}, down })
	d.define(manyOffers()...)
	for range 2 {
		assert.Equal(t, "acme(key free) crm(own!)", d.services("o1", ""))
		assert.Equal(t, []string{"o1 a00 oauth", "o1 a01 oauth", "o1 a02 oauth"}, d.asked)
		require.Len(t, d.failed, 1)
		assert.ErrorIs(t, d.failed[0], down)
	}
	d.connection = byOwner
	assert.Contains(t, d.services("o1", ""), "a00(oauth!) a01(oauth!)", "no failure is remembered")
	assert.Len(t, d.asked, 24, "also of a method about which the search did not ask")
}

// A search during an outage of Connection offers what a search of before has found.
func TestSearchOffersWhatIsRememberedWhileConnectionFails(t *testing.T) {
	d := newDesk(t, byOwner)
	d.define(manyOffers()...)
	assert.Equal(t, "books(oauth!)", d.services("o1", "?q=books"))
	d.services("o1", "?q=desk")
	d.connection = func(accounts.Account) (definition.Connection, error) {
		return definition.Connection{}, errors.New("the database is down")
	}
	assert.Equal(t, "acme(key free) books(oauth!) crm(own!) desk(key!)", d.services("o1", ""))
	assert.Len(t, d.asked, 3)
	status, _ := d.do("o1", "GET", "connect?q=a1", "")
	assert.Equal(t, http.StatusOK, status, "a page without a service is no mistake")
	assert.Len(t, d.asked, 3)
}

// A form that was sent while Connection fails comes again, with the key and what was typed. The
// developer is told.
func TestFormComesAgainWhileConnectionFails(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withConsent()
	for _, test := range []struct{ page, path string }{
		{"connect?service=acme", "connect"},
		{"connect?service=acme&method=oauth", "connect"},
		{"reconnect?id=" + account.ID, "reconnect"},
		{"reconnect?id=" + account.ID + "&method=key", "reconnect"},
	} {
		a.connection, a.failed = nil, nil
		sent := with(fields(t, b.get(test.page).body), "v.team", "sales")
		if sent.Has("scope") {
			sent["scope"] = []string{"write"}
		} else {
			sent.Set("v.apiKey", "CANARY-key")
		}
		down := errors.New("the database is down")
		a.connection = func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{}, down
		}
		r := b.post(test.path, sent)
		assert.Equal(t, http.StatusInternalServerError, r.StatusCode, test)
		again := fields(t, r.body)
		if sent.Has("v.apiKey") { // secrets are typed again
			again.Set("v.apiKey", "CANARY-key")
		}
		assert.Equal(t, sent, again, test)
		assert.NotContains(t, r.body, "database")
		assert.NotContains(t, r.body, "CANARY")
		require.NotEmpty(t, a.failed)
		for _, err := range a.failed {
			assert.ErrorIs(t, err, down)
		}
		a.connection = nil
		again.Set("duplicate", "yes") // the provider has one account
		assert.Equal(t, http.StatusSeeOther, b.post(test.path, again).StatusCode, test)
	}
}

// A person who opens the form of a method, or of an account, while Connection fails can fill in
// the form: the outage may be over when the form is sent. The developer is told once.
func TestFormOfAMethodWhileConnectionFails(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withConsent()
	down := errors.New("the database is down")
	a.connection = func(context.Context, accounts.Account) (definition.Connection, error) {
		return definition.Connection{}, down
	}
	for path, method := range map[string]string{
		"connect?service=acme&method=oauth": "oauth", "reconnect?id=" + account.ID: "oauth", "reconnect?method=oauth&id=" + account.ID: "oauth",
		"connect?service=acme": "key", "reconnect?method=key&id=" + account.ID: "key",
	} {
		a.failed = nil
		r := b.get(path)
		assert.Equal(t, http.StatusOK, r.StatusCode, path)
		assert.Equal(t, method, fields(t, r.body).Get("method"), path)
		require.Len(t, a.failed, 1, path)
		assert.ErrorIs(t, a.failed[0], down)
	}
	for _, path := range []string{"services/acme?method=oauth", "accounts/" + account.ID + "/form"} {
		status, form := b.json("GET", path, nil)
		assert.Equal(t, []any{http.StatusOK, "oauth"}, []any{status, form["method"]})
	}
}

// A person who has left while Connection is asked about a form is no fault.
func TestFormOfAPersonWhoHasLeft(t *testing.T) {
	d := newDesk(t, byOwner)
	ctx, leave := context.WithCancel(t.Context())
	d.connection = func(accounts.Account) (definition.Connection, error) {
		leave()
		return definition.Connection{}, ctx.Err()
	}
	r := httptest.NewRequestWithContext(ctx, "GET", "https://app.example/a/connect?service=acme&method=oauth", nil)
	r.Header.Set("User", "o1")
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Equal(t, []string{"o1 acme oauth"}, d.asked)
	assert.Empty(t, d.failed)
}

// A form asks a failing Connection no further after three faults either.
func TestFormAsksAFailingConnectionThreeTimes(t *testing.T) {
	down := errors.New("the database is down")
	d := newDesk(t, func(accounts.Account) (definition.Connection, error) { return definition.Connection{}, down })
	var methods []string
	for i := range 5 {
		methods = append(methods, fmt.Sprintf(`{"name": "m%d", "type": "OAuth2", "tokenUrl": "https://login.example.com/t", "grant": {"clientCredentials": {}}}`, i))
	}
	many := `{"connectorauth": 1, "name": "many", "baseUrl": "https://api.example.com", "methods": [` + strings.Join(methods, ", ")
	d.define(many+`, {"name": "key", "type": "ApiKey", "key": "{apiKey}", "inputs": [{"name": "apiKey", "secret": true}]}]}`, strings.Replace(many, "many", "none", 1)+`]}`)
	for _, test := range []struct {
		path, method string
		offered      []string
	}{
		{"many", "key", []string{"key"}},
		{"many?method=m4", "m4", []string{"m4", "key"}},
		{"many?method=key", "key", []string{"key"}},
	} {
		status, body := d.do("o1", "GET", "api/services/"+test.path, "")
		require.Equal(t, http.StatusOK, status, body)
		for i := range 5 {
			name := fmt.Sprintf("m%d", i)
			assert.Equal(t, slices.Contains(test.offered, name), strings.Contains(body, `"name":"`+name+`"`), test)
		}
		assert.Contains(t, body, `"method":"`+test.method+`"`)
		assert.Contains(t, body, `"name":"key"`)
		assert.Equal(t, []string{"o1 many m0", "o1 many m1", "o1 many m2"}, d.asked)
		require.Len(t, d.failed, 1)
		assert.Equal(t, 3, strings.Count(d.failed[0].Error(), down.Error()), "each fault is told once: %v", d.failed[0])
	}
	status, _ := d.do("o1", "GET", "api/services/none", "")
	assert.Equal(t, http.StatusInternalServerError, status)
	require.Len(t, d.failed, 1)
	assert.ErrorIs(t, d.failed[0], down)
	assert.Len(t, d.asked, 3)
}

// A request with the key of an account is that account, whatever the program is ready for by now.
func TestConnectAgainWithTheKeyOfAnAccount(t *testing.T) {
	const key = "0190a0a0-1234-7abc-8def-0123456789ab"
	body := func(service, members string) string {
		return `{"key": "` + key + `", "service": "` + service + `"` + members + `}`
	}
	given := `, "values": {"apiKey": "k"}`
	for name, later := range map[string]func(*desk){
		"nothing has changed": func(*desk) {},
		"ready for another method": func(d *desk) {
			d.connection = func(accounts.Account) (definition.Connection, error) {
				return definition.Connection{Client: definition.Client{ID: "id", Secret: "CANARY"}}, nil
			}
		},
		"Connection fails": func(d *desk) {
			d.connection = func(accounts.Account) (definition.Connection, error) {
				return definition.Connection{}, errors.New("the database is down")
			}
		},
		"the method has other inputs": func(d *desk) { d.define(strings.ReplaceAll(offers[0], "apiKey", "token"), offers[1]) },
		"the method is gone":          func(d *desk) { d.define(strings.Replace(offers[0], `"name": "key"`, `"name": "token"`, 1), offers[1]) },
	} {
		d := newDesk(t, byOwner)
		status, first := d.do("o3", "POST", "api/accounts", body("acme", given))
		require.Equal(t, http.StatusCreated, status, first)
		assert.Contains(t, first, `"method":"key"`)
		later(d)
		for _, members := range []string{given, given + `, "method": "key"`} {
			status, again := d.do("o3", "POST", "api/accounts", body("acme", members))
			assert.Equal(t, http.StatusOK, status, name+again)
			assert.Equal(t, strings.Split(first, `"`)[3], strings.Split(again, `"`)[3], name)
			assert.Empty(t, d.failed, name)
			assert.Empty(t, d.asked, name)
		}
		status, again := d.do("o3", "POST", "api/accounts", body("books", ""))
		assert.Equal(t, http.StatusBadRequest, status, again)
		_, list := d.do("o3", "GET", "api/accounts", "")
		assert.Equal(t, 1, strings.Count(list, `"id"`), name)
	}
}

// A request without a method goes on by the method of the account that waits for a consent.
func TestConnectAgainWithTheKeyOfAnAccountThatWaits(t *testing.T) {
	d := newDesk(t, byOwner)
	body := `{"key": "0190a0a0-1234-7abc-8def-0123456789ab", "service": "acme"}`
	status, first := d.do("o1", "POST", "api/accounts", body)
	require.Equal(t, http.StatusCreated, status, first)
	d.define(strings.Replace(offers[0], `"default": true, `, "", 1))
	status, again := d.do("o1", "POST", "api/accounts", body)
	assert.Equal(t, http.StatusOK, status, again)
	assert.Contains(t, again, `"method":"oauth"`)
	d.define(strings.NewReplacer(`"default": true, `, "", `"name": "key", `, `"name": "key", "default": true, `).Replace(offers[0]))
	status, again = d.do("o1", "POST", "api/accounts", body)
	assert.Equal(t, http.StatusOK, status, again)
	assert.Contains(t, again, `"method":"oauth"`)
	assert.Empty(t, d.failed)
}
