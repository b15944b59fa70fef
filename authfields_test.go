package connectorauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// authFieldsOf returns a connector for the fields that p accepts.
func authFieldsOf(p *authtest.Provider) *connectorauth.AuthFields {
	return must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{
		{Name: "Token", Key: "user_token", Type: dialect.FieldPassword, Value: connectorauth.Secret(fmt.Sprint(p.Fields["user_token"]))},
		{Key: "company_id", Type: dialect.FieldInteger, Value: connectorauth.Secret(fmt.Sprint(p.Fields["company_id"]))},
		{Key: "sandbox", Type: dialect.FieldBoolean, Value: connectorauth.Secret(fmt.Sprint(p.Fields["sandbox"]))},
	}}))
}

func TestAuthFieldsArriveInForms(t *testing.T) {
	p := authtest.New(authtest.Config{TLS: true})
	t.Cleanup(p.Close)
	c := authFieldsOf(p)
	assert.Equal(t, connectorauth.AuthTypeAuthFields, c.AuthType())
	client := connectorauth.NewClient(c, p.Client())

	resp, err := client.PostForm(p.FieldsURL, url.Values{"a": {"1"}, "user_token": {"mine", "too"}})
	accepted(t, connectorauth.AuthTypeAuthFields, resp, err)
	resp, err = client.Post(p.FieldsURL, "application/json", strings.NewReader(`{"a":1,"sandbox":false}`))
	accepted(t, connectorauth.AuthTypeAuthFields, resp, err)
	resp, err = client.Post(p.FieldsURL, "", nil)
	accepted(t, connectorauth.AuthTypeAuthFields, resp, err)
}

func TestAuthFieldsSpellTheirTypesInJSON(t *testing.T) {
	c := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
		Fields: []connectorauth.AuthField{
			{Key: "auth.text", Value: "a\"b"},
			{Key: "auth.empty", Type: dialect.FieldPassword},
			{Key: "auth.integer", Type: dialect.FieldInteger, Value: "-42"},
			{Key: "auth.number", Type: dialect.FieldNumber, Value: "1.50e3"},
			{Key: "/auth.bool", Type: dialect.FieldBoolean, Value: "true"},
		},
		Body:    dialect.BodyJSON,
		Methods: []string{"DELETE"},
	}))
	base := &fakehttp.Base{}
	_, err := c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodDelete, home, strings.NewReader(`{"a":1}`))))
	require.NoError(t, err)
	assert.JSONEq(t, `{"a":1,"auth":{"text":"a\"b","empty":"","integer":-42,"number":1.50e3},"auth.bool":true}`, base.Requests()[0].Body)

	_, err = c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodPost, home, strings.NewReader(`{}`))))
	assert.ErrorContains(t, err, "the method of the request is POST, but only DELETE requests")
	require.ErrorIs(t, err, connectorauth.ErrBodyNotInjectable)
}

// The credentials of JSON-RPC and SOAP stand in arrays and attributes.
func TestAuthFieldsInArraysAndAttributes(t *testing.T) {
	for _, test := range []struct{ keys, contentType, body, want string }{
		{"/params/0", "application/json", `{"method":"m","params":["token",{"id":1.0}]}`, `{"method":"m","params":["v1",{"id":1.0}]}`},
		{"/params/-", "application/json", `{"method":"m","params":[1]}`, `{"method":"m","params":[1,"v1"]}`},
		{"/params/0/user /params/0/pass", "application/json", `{"method":"m"}`, `{"method":"m","params":[{"user":"v1","pass":"v2"}]}`},
		{"/0/params/token /1/params/token", "application/json", `[{"id":1},{"id":2,"params":{}}]`, `[{"id":1,"params":{"token":"v1"}},{"id":2,"params":{"token":"v2"}}]`},
		{"/auth/0", "application/json", `{"auth":{"0":"old"}}`, `{"auth":{"0":"v1"}}`},
		{"@key /Header/Auth/@user", "text/xml", "<?xml version=\"1.0\" encoding=\"utf-16\"?><s:E xmlns:s='u' key=''><s:Header/></s:E>", "<?xml version=\"1.0\" encoding=\"utf-16\"?><s:E xmlns:s='u' key='v1'><s:Header><s:Auth user=\"v2\"></s:Auth></s:Header></s:E>"},
	} {
		var config connectorauth.AuthFieldsConfig
		for i, key := range strings.Fields(test.keys) {
			config.Fields = append(config.Fields, connectorauth.AuthField{Key: key, Value: connectorauth.Secret(fmt.Sprint("v", i+1))})
		}
		base := &fakehttp.Base{}
		resp, err := connectorauth.NewClient(must(connectorauth.NewAuthFields(config)), &http.Client{Transport: base}).Post(home, test.contentType, strings.NewReader(test.body))
		require.NoError(t, err, test.keys)
		resp.Body.Close()
		assert.Equal(t, test.want, base.Requests()[0].Body)
	}
	c := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{{Key: "/params/1", Value: fieldValue}}}))
	_, err := connectorauth.NewClient(c, &http.Client{Transport: &fakehttp.Base{}}).Post(home, "application/json", strings.NewReader(`{"params":[]}`))
	require.ErrorIs(t, err, connectorauth.ErrBodyNotInjectable)
	assert.NotContains(t, err.Error(), fieldValue)
}

// Each hop begins with the caller's body.
func TestAppendedElementIsSentOnce(t *testing.T) {
	c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", In: dialect.InBody, Name: "/params/-"}))
	base := &fakehttp.Base{}
	base.Answer = func(*http.Request) (*http.Response, error) {
		if len(base.Requests()) > 2 {
			return fakehttp.Respond(200, ""), nil
		}
		resp := fakehttp.Respond(307, "")
		resp.Header = http.Header{"Location": {"/again"}}
		return resp, nil
	}
	resp, err := connectorauth.NewClient(c, &http.Client{Transport: base}).Post(home, "application/json", strings.NewReader(`{"params":[1]}`))
	require.NoError(t, err)
	resp.Body.Close()
	require.Len(t, base.Requests(), 3)
	for _, sent := range base.Requests() {
		assert.Equal(t, `{"params":[1,"k"]}`, sent.Body)
	}
}

func TestAuthFieldsAreListedWithoutValues(t *testing.T) {
	fields := []connectorauth.AuthField{{Key: "token", Value: fieldValue}, {Name: "Account number", Key: "account", Type: dialect.FieldInteger, Value: "7"}}
	c := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: fields}))
	want := []connectorauth.AuthField{{Name: "token", Key: "token"}, {Name: "Account number", Key: "account", Type: dialect.FieldInteger}}
	assert.Equal(t, want, c.Fields())

	c.Fields()[0].Key = "changed"
	fields[0].Key = "changed"
	assert.Equal(t, want, c.Fields(), "a copy")
	assert.EqualValues(t, fieldValue, fields[0].Value, "the caller's config is left alone")
}

func TestAuthFieldsNeedABodyToGoInto(t *testing.T) {
	c := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
		Fields: []connectorauth.AuthField{{Key: "token", Value: fieldValue}}, MaxBody: 20,
	}))
	tests := []struct{ name, method, contentType, body, want string }{
		{"GET", "GET", "", "", "the method of the request is GET, but only POST, PUT, PATCH requests"},
		{"HEAD", "HEAD", "", "", "the method of the request is HEAD, but only POST, PUT, PATCH requests"},
		{"plain text", "POST", "text/plain", "hello", "Content-Type"},
		{"no Content-Type", "POST", "", "a=b", "no Content-Type"},
		{"JSON array", "POST", "application/json", "[]", "object"},
		{"broken JSON", "POST", "application/json", "{", "JSON"},
		{"too long", "POST", "application/json", `{"a":"` + strings.Repeat("x", 20) + `"}`, "20 bytes (MaxBody)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			base := &fakehttp.Base{}
			req := must(http.NewRequest(test.method, home, strings.NewReader(test.body)))
			if test.contentType != "" {
				req.Header.Set("Content-Type", test.contentType)
			}
			_, err := c.Wrap(base).RoundTrip(req)
			require.ErrorIs(t, err, connectorauth.ErrBodyNotInjectable)
			assert.ErrorContains(t, err, test.want)
			assert.Empty(t, base.Requests(), "nothing is sent")
		})
	}
}

func TestRedirectThatTookTheBodyAwayPassesWithoutFields(t *testing.T) {
	p := authtest.New(authtest.Config{TLS: true})
	t.Cleanup(p.Close)
	client := connectorauth.NewClient(authFieldsOf(p), p.Client())
	for _, status := range []int{301, 302, 303} {
		resp, err := client.Post(p.RedirectURL(status, p.OpenURL), "application/json", strings.NewReader("{}"))
		accepted(t, connectorauth.AuthTypeNone, resp, err)
		assert.Equal(t, http.MethodGet, resp.Request.Method)
	}
	for _, status := range []int{307, 308} {
		resp, err := client.Post(p.RedirectURL(status, p.FieldsURL), "application/json", strings.NewReader("{}"))
		accepted(t, connectorauth.AuthTypeAuthFields, resp, err)
	}
}

func TestAuthFieldsConfigIsChecked(t *testing.T) {
	type config = connectorauth.AuthFieldsConfig
	one := func(f connectorauth.AuthField) config { return config{Fields: []connectorauth.AuthField{f}} }
	good := []connectorauth.AuthField{{Key: "token", Value: fieldValue}}
	tests := []badConfig[config]{
		{"no fields", config{}, "Fields: there are none"},
		{"no key", one(connectorauth.AuthField{Name: "Token", Value: fieldValue}), "empty key"},
		{"control character in the key", one(connectorauth.AuthField{Key: "a\r\nb", Value: fieldValue}), "control characters"},
		{"empty part", one(connectorauth.AuthField{Key: "a..b", Value: fieldValue}), "empty"},
		{"unknown type", one(connectorauth.AuthField{Key: "token", Type: "date", Value: fieldValue}), `unknown type "date"`},
		{"not an integer", one(connectorauth.AuthField{Key: "n", Type: dialect.FieldInteger, Value: fieldValue}), "not an integer"},
		{"integer with a fraction", one(connectorauth.AuthField{Key: "n", Type: dialect.FieldInteger, Value: "1.5"}), "not an integer"},
		{"not a number", one(connectorauth.AuthField{Key: "n", Type: dialect.FieldNumber, Value: fieldValue}), "not a number"},
		{"not a boolean", one(connectorauth.AuthField{Key: "b", Type: dialect.FieldBoolean, Value: fieldValue}), "not a boolean"},
		{"empty boolean", one(connectorauth.AuthField{Key: "b", Type: dialect.FieldBoolean}), "not a boolean"},
		{"not UTF-8", one(connectorauth.AuthField{Key: "token", Value: fieldValue + "\xff"}), "UTF-8"},
		{"twice", config{Fields: append(good, good...)}, "two fields have this key"},
		{"one inside the other", config{Fields: append(good, connectorauth.AuthField{Key: "token.x", Value: fieldValue})}, "same place"},
		{"unknown format", config{Fields: good, Body: "yaml"}, `unknown body format "yaml"`},
		{"negative MaxBody", config{Fields: good, MaxBody: -1}, "MaxBody: is negative"},
		{"method without a body", config{Fields: good, Methods: []string{"POST", "HEAD"}}, `Methods: "HEAD" is not a method`},
		{"CONNECT", config{Fields: good, Methods: []string{"CONNECT"}}, "Methods:"},
		{"TRACE", config{Fields: good, Methods: []string{"TRACE"}}, "Methods:"},
		{"empty method", config{Fields: good, Methods: []string{""}}, "Methods:"},
		{"malformed method", config{Fields: good, Methods: []string{"PO ST"}}, "Methods:"},
	}
	for _, host := range badHosts {
		tests = append(tests, badConfig[config]{"host " + host, config{Fields: good, Hosts: []string{host}}, "Hosts: host"})
	}
	checkBadConfigs(t, "AuthFieldsConfig", tests, func(c config) error {
		_, err := connectorauth.NewAuthFields(c)
		return err
	})
}
