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
		want    string // empty means no complaint
	}{
		"as the sources say":      {},
		"the test":                {address: "https://api.example.com/v1/me?app=a1"},
		"no key":                  {change: func(r *http.Request) { r.Header.Del("X-Key") }, want: `api: want the value of Key {key} in header X-Key, got []`},
		"another prefix":          {change: func(r *http.Request) { r.Header.Set("X-Key", "Token k1") }, want: `api: want the value of Key {key} in header X-Key, got ["Token k1"]`},
		"the key twice":           {change: func(r *http.Request) { r.Header.Add("X-Key", "Key k1") }, want: `api: want the value of Key {key} in header X-Key, got ["Key k1" "Key k1"]`},
		"no parameter":            {address: call, want: `api: want the value of {app} in query app, got []`},
		"a parameter twice":       {address: call + "?app=a1&app=a1", want: `api: want the value of {app} in query app, got ["a1" "a1"]`},
		"one parameter more":      {address: call + "?app=a1&more=1", want: `api: want the query "" beside credentials, got the names ["more"]`},
		"no constant header":      {change: func(r *http.Request) { r.Header.Del("X-Version") }, want: `api: want the header X-Version: 2, got []`},
		"a constant header twice": {change: func(r *http.Request) { r.Header.Add("X-Version", "3") }, want: `api: want the header X-Version: 2, got ["2" "3"]`},
		"a cookie":                {change: func(r *http.Request) { r.Header.Set("Cookie", "a=b") }, want: `api: has a header Cookie that the sources do not know`},
		"an Authorization":        {change: func(r *http.Request) { r.SetBasicAuth("k1", "") }, want: `api: has a header Authorization that the sources do not know`},
		"a foreign host":          {address: "https://api.example.org/v1/me", want: `GET https://api.example.org/v1/me: the sources know no such URL`},
		"plain http":              {address: "http://api.example.com/v1/me", want: `GET http://api.example.com/v1/me: the sources know no such URL`},
		"another port":            {address: "https://api.example.com:444/v1/me", want: `GET https://api.example.com:444/v1/me: the sources know no such URL`},
		"a test by POST":          {address: "https://api.example.com/v1/me?app=a1", change: func(r *http.Request) { r.Method = http.MethodPost }, want: `POST https://api.example.com/v1/me: the sources know no such URL`},
		"another path":            {address: "https://api.example.com/v2/me?app=a1", want: `GET https://api.example.com/v2/me: the sources know no such URL`},
		"an escaped path":         {address: "https://api.example.com/v1%2Fme?app=a1", want: `GET https://api.example.com/v1%2Fme: the sources know no such URL`},
	} {
		server := replay.New(acme(), "key", map[string]string{"key": "k1", "app": "a1"})
		address := c.address
		if address == "" {
			address = call + "?app=a1"
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		require.NoError(t, err, name)
		r.Header.Set("X-Key", "Key k1")
		r.Header.Set("X-Version", "2")
		if c.change != nil {
			c.change(r)
		}
		resp, err := (&http.Client{Transport: server}).Do(r)
		require.NoError(t, err, name)
		require.NoError(t, resp.Body.Close(), name)
		if c.want == "" {
			assert.Empty(t, server.Complaints(), name)
		} else {
			assert.Equal(t, []string{c.want}, server.Complaints(), name)
		}
	}
}

// TestIdentityAtAPointer has pointers whose steps look like an index and are none.
func TestIdentityAtAPointer(t *testing.T) {
	for pointer, want := range map[string]string{
		"/id": `{"id":"account-1"}`, "/a/1/id": `{"a":[null,{"id":"account-1"}]}`, "/a~1b/c~0d": `{"a/b":{"c~d":"account-1"}}`,
		"/-1": `{"-1":"account-1"}`, "/01": `{"01":"account-1"}`, "": `"account-1"`,
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
