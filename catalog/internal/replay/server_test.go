package replay_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/catalog/internal/replay"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// acme has a key in a header, another in the query, and a test.
func acme() *facts.Source {
	return &facts.Source{
		Base: facts.Fact{Value: "https://api.example.com/v1"},
		Test: &facts.Fact{Value: "GET https://api.example.com/v1/me"},
		Methods: map[string]facts.Method{"key": {Type: "ApiKey", Carries: []facts.Carried{
			{In: "header", Name: "X-Key", Fact: facts.Fact{Value: "Key {key}"}},
			{In: "query", Name: "app", Fact: facts.Fact{Value: "{app}"}},
		}}},
		Headers: map[string]facts.Fact{"X-Version": {Value: "2"}},
	}
}

// TestRequestsToTheAPI sends requests with one mistake each.
func TestRequestsToTheAPI(t *testing.T) {
	call := "https://api.example.com/v1" + replay.CallPath
	for name, c := range map[string]struct {
		change  func(r *http.Request)
		address string
		body    string
		want    string // empty means no complaint
	}{
		"as the sources say":       {},
		"the test":                 {address: "https://api.example.com/v1/me?app=a1"},
		"no key":                   {change: func(r *http.Request) { r.Header.Del("X-Key") }, want: `api request: want Key {key} once in header X-Key, got none; methods.key.carries[0]`},
		"another prefix":           {change: func(r *http.Request) { r.Header.Set("X-Key", "Token k1") }, want: `api request: want Key {key} once in header X-Key, got "Token k1"; methods.key.carries[0]`},
		"the key twice":            {change: func(r *http.Request) { r.Header.Add("X-Key", "Key k1") }, want: `api request: want Key {key} once in header X-Key, got "Key k1", "Key k1"; methods.key.carries[0]`},
		"no parameter":             {address: call, want: `api request: want {app} once in query app, got none; methods.key.carries[1]`},
		"a parameter twice":        {address: call + "?app=a1&app=a1", want: `api request: want {app} once in query app, got "a1", "a1"; methods.key.carries[1]`},
		"one parameter more":       {address: call + "?app=a1&more=1", want: `api request: has parameters that the sources do not know: "more"; methods.key.carries`},
		"no constant header":       {change: func(r *http.Request) { r.Header.Del("X-Version") }, want: `api request: want the header X-Version: 2 once, got none; headers.X-Version`},
		"a constant header twice":  {change: func(r *http.Request) { r.Header.Add("X-Version", "3") }, want: `api request: want the header X-Version: 2 once, got "2", "3"; headers.X-Version`},
		"a cookie":                 {change: func(r *http.Request) { r.Header.Set("Cookie", "a=b") }, want: `api request: has a header Cookie that the sources do not know; headers`},
		"an Authorization":         {change: func(r *http.Request) { r.SetBasicAuth("k1", "") }, want: `api request: has a header Authorization that the sources do not know; methods.key.carries`},
		"a body":                   {body: "more", want: `api request: has a body that the sources do not know; methods.key.type`},
		"the credential of a test": {address: "https://api.example.com/v1/me?app=a2", want: `test request: want {app} once in query app, got "a2"; methods.key.carries[1]`},
		"a query too many":         {address: "https://api.example.com/v1/me?app=a1&v=1", want: `test request: has parameters that the sources do not know: "v"; methods.key.carries`},
		"a foreign host":           {address: "https://api.example.org/v1/me", want: `GET https://api.example.org/v1/me: the sources know no such URL; change the definition, or x-sources: base, test or a URL of methods.key`},
		"plain http":               {address: "http://api.example.com/v1/me", want: `GET http://api.example.com/v1/me: the sources know no such URL; change the definition, or x-sources: base, test or a URL of methods.key`},
		"another port":             {address: "https://api.example.com:444/v1/me", want: `GET https://api.example.com:444/v1/me: the sources know no such URL; change the definition, or x-sources: base, test or a URL of methods.key`},
		"a test by POST":           {address: "https://api.example.com/v1/me?app=a1", change: func(r *http.Request) { r.Method = http.MethodPost }, want: `POST https://api.example.com/v1/me: the sources know no such URL; change the definition, or x-sources: base, test or a URL of methods.key`},
		"another path":             {address: "https://api.example.com/v2/me?app=a1", want: `GET https://api.example.com/v2/me: the sources know no such URL; change the definition, or x-sources: base, test or a URL of methods.key`},
		"an escaped path":          {address: "https://api.example.com/v1%2Fme?app=a1", want: `GET https://api.example.com/v1%2Fme: the sources know no such URL; change the definition, or x-sources: base, test or a URL of methods.key`},
	} {
		server := replay.New(acme(), "key", map[string]string{"key": "k1", "app": "a1"})
		m := message{verb: http.MethodGet, address: call + "?app=a1", body: c.body, change: func(r *http.Request) {
			r.Header.Set("X-Key", "Key k1")
			r.Header.Set("X-Version", "2")
			if c.change != nil {
				c.change(r)
			}
		}}
		if c.address != "" {
			m.address = c.address
		}
		send(t, server, m)
		if c.want == "" {
			only(t, server, name)
		} else {
			only(t, server, name, c.want)
		}
	}
}

// TestIdentityAtAPointer has pointers whose steps look like an index and are none.
func TestIdentityAtAPointer(t *testing.T) {
	for pointer, want := range map[string]string{
		"/id": `{"id":"account-1"}`, "/a/1/id": `{"a":[null,{"id":"account-1"}]}`, "/a~1b/c~0d": `{"a/b":{"c~d":"account-1"}}`,
		"/-1": `{"-1":"account-1"}`, "/01": `{"01":"account-1"}`, "": `"account-1"`,
		"/~01": `{"~1":"account-1"}`, "/3": `[null,null,null,"account-1"]`,
	} {
		source := acme()
		source.TestID = &facts.Fact{Value: pointer}
		resp, err := (&http.Client{Transport: replay.New(source, "key", nil)}).Get("https://api.example.com/v1/me")
		require.NoError(t, err, pointer)
		var body strings.Builder
		require.NoError(t, resp.Write(&body), pointer)
		assert.Contains(t, body.String(), want+"\n", pointer)
		require.NoError(t, resp.Body.Close(), pointer)
	}
}

// TestPlacesOfCredentials sends requests with values in each place.
func TestPlacesOfCredentials(t *testing.T) {
	basic := facts.Carried{In: "basic", Name: "{username}", Fact: *said("{password}")}
	body := facts.Carried{In: "body", Name: "key", Fact: *said("{key}")}
	good := func(r *http.Request) { r.SetBasicAuth("ann", "open") }
	for name, c := range map[string]struct {
		carried facts.Carried
		m       message
		want    []string
	}{
		"basic":                    {basic, message{change: good}, nil},
		"another user":             {basic, message{change: func(r *http.Request) { r.SetBasicAuth("bob", "open") }}, []string{`api request: want {password} once in HTTP Basic, got "bob:open"; methods.m.carries[0]`}},
		"no Basic":                 {basic, message{}, []string{"api request: want {password} once in HTTP Basic, got none; methods.m.carries[0]"}},
		"another scheme":           {basic, message{change: with("Authorization", "Bearer x")}, []string{`api request: want {password} once in HTTP Basic, got "another scheme"; methods.m.carries[0]`}},
		"a second Authorization":   {basic, message{change: func(r *http.Request) { good(r); r.Header.Add("Authorization", "Bearer x") }}, []string{`api request: want {password} once in HTTP Basic, got "ann:open", "another scheme"; methods.m.carries[0]`}},
		"body":                     {body, message{media: text, body: `{"key": "k1"}`}, nil},
		"body with a charset":      {body, message{media: text + "; charset=utf-8", body: `{"key": "k1"}`}, nil},
		"another value":            {body, message{media: text, body: `{"key": "k2"}`}, []string{`api request: want {key} once in body key, got "k2"; methods.m.carries[0]`}},
		"a member more":            {body, message{media: text, body: `{"key": "k1", "more": "1"}`}, []string{`api request: has parameters that the sources do not know: "more"; methods.m.carries`}},
		"a member twice":           {body, message{media: text, body: `{"key": "k1", "key": "k1"}`}, []string{`api request: want {key} once in body key, got "k1", "k1"; methods.m.carries[0]`}},
		"a body of another type":   {body, message{media: form, body: `{"key": "k1"}`}, []string{`api request: want a body of the type application/json, got "application/x-www-form-urlencoded"; methods.m.encoding`}},
		"Authorization and a body": {body, message{media: text, body: `{"key": "k1"}`, change: good}, []string{"api request: has a header Authorization that the sources do not know; methods.m.carries"}},
		"a list": {body, message{media: text, body: `["k1"]`}, []string{"api request: the body is no json of texts; methods.m.encoding",
			"api request: want {key} once in body key, got none; methods.m.carries[0]"}},
		"a list of name and value": {body, message{media: text, body: `["key", "k1"]`}, []string{"api request: the body is no json of texts; methods.m.encoding",
			"api request: want {key} once in body key, got none; methods.m.carries[0]"}},
		"two objects": {body, message{media: text, body: `{"key": "k1"} {}`}, []string{"api request: the body is no json of texts; methods.m.encoding"}},
		"a number": {body, message{media: text, body: `{"key": 1}`}, []string{"api request: the body is no json of texts; methods.m.encoding",
			"api request: want {key} once in body key, got none; methods.m.carries[0]"}},
		"a place that is none": {facts.Carried{In: "cookie", Name: "key"}, message{}, []string{`api request: "cookie" is none of header, query, body and basic; methods.m.carries[0].in`}},
	} {
		server := serve(facts.Method{Type: "Basic", Carries: []facts.Carried{c.carried}})
		c.m.verb, c.m.address = http.MethodPost, "https://api.example.com"+replay.CallPath
		send(t, server, c.m)
		only(t, server, name, c.want...)
	}
}

// TestTheTestHasAQueryOfItsOwn sends a test whose URL has a query.
func TestTheTestHasAQueryOfItsOwn(t *testing.T) {
	for address, want := range map[string][]string{
		"/v1/me?app=a1&f=id": nil,
		"/v1/me?app=a1":      {`test request: want f in the query with "id", got none; test`},
		"/v1/me?app=a1&f=x":  {`test request: want f in the query with "id", got "x"; test`},
	} {
		source := acme()
		source.Test.Value += "?f=id"
		server := replay.New(source, "key", map[string]string{"key": "k1", "app": "a1"})
		send(t, server, message{verb: http.MethodGet, address: "https://api.example.com" + address, change: with("X-Key", "Key k1", "X-Version", "2")})
		only(t, server, address, want...)
		assert.Equal(t, 1, server.Count("test"))
	}
}
