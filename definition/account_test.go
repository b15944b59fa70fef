package definition_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// set returns a Set of documents.
func set(t testing.TB, documents ...string) *definition.Set {
	t.Helper()
	var list []*definition.Definition
	for _, document := range documents {
		list = append(list, parse(t, document))
	}
	s, err := definition.NewSet(list...)
	require.NoError(t, err)
	return s
}

// revised returns a definition with two inputs, and with more of everything.
func revised(name, members, inputs, method string) string {
	return `{"connectorauth": 1, "name": "` + name + `", ` + members + ` "baseUrl": "https://{subdomain}.example.com",
		"inputs": [{"name": "subdomain", "format": "label"}, {"name": "region", "default": "eu"}, {"name": "version", "hidden": true, "default": "v1"}` + inputs + `],
		"headers": {"X-Version": "{version}", "X-Region": "{region}"},
		"methods": [` + method + `]}`
}

const keyMethod = `{"name": "key", "type": "ApiKey", "inputs": [{"name": "apiKey", "title": "API key", "secret": true}], "key": "{apiKey}", "placement": {"name": "X-Key"}}`

func connected(t testing.TB, s *definition.Set, a definition.Account) *definition.Connected {
	t.Helper()
	c, err := s.Connect(a, definition.Connection{})
	require.NoError(t, err)
	return c
}

func TestStoredAccountIsConnectedAgain(t *testing.T) {
	s := set(t, revised("acme", "", "", keyMethod))
	d, err := s.Lookup("acme")
	require.NoError(t, err)
	first, err := d.Connect(definition.Connection{Values: values{"subdomain": "a", "apiKey": "k"}})
	require.NoError(t, err)
	account := first.Account()
	assert.Equal(t, definition.Account{
		Definition: "acme", Revision: 1, Method: "key",
		Values: map[string]string{"subdomain": "a", "region": "eu"}, Secrets: values{"apiKey": "k"},
	}, account)

	text, err := account.Encode()
	require.NoError(t, err)
	assert.JSONEq(t, `{"version": 1, "definition": "acme", "revision": 1, "method": "key", "values": {"subdomain": "a", "region": "eu"}, "secrets": {"apiKey": "k"}}`, string(text))
	read, err := definition.DecodeAccount(text)
	require.NoError(t, err)
	assert.Equal(t, account, read)
	req := sent(t, connected(t, s, read), "GET", "/x", "")
	assert.Equal(t, "https://a.example.com/x", req.URL.String())
	assert.Equal(t, "k", req.Header.Get("X-Key"))
}

func TestPrintedAccountHasNoSecret(t *testing.T) {
	a := definition.Account{Definition: "acme", Secrets: values{"apiKey": "CANARY"}}
	text, err := json.Marshal(a)
	require.NoError(t, err)
	for _, shown := range []string{string(text), fmt.Sprint(a), fmt.Sprintf("%+v %#v %+v", a, a, &a)} {
		assert.NotContains(t, shown, "CANARY")
	}
}

func TestAccountThatCannotBeRead(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "is no account",
		"CANARY":                                 "is no account",
		`{"secrets": {"a": "CANARY"}}`:           "is no account",
		`{"version": 1}`:                         "is no account",
		`{"definition": "CANARY"}`:               "is no account",
		`{"version": 0, "definition": "CANARY"}`: "is no account",
		`{"version": 2, "definition": "CANARY"}`: "the record has version 2, and this program reads versions up to 1",
	} {
		_, err := definition.DecodeAccount([]byte(text))
		assert.ErrorContains(t, err, want, text)
		assert.NotContains(t, err.Error(), "CANARY")
	}
}

// The definition may be renamed, its method too, and inputs may come and go.
func TestAccountSurvivesANewRevision(t *testing.T) {
	account := definition.Account{
		Definition: "acme", Revision: 1, Method: "key",
		Values: map[string]string{"subdomain": "a", "region": "eu", "gone": "x"}, Secrets: values{"apiKey": "k"},
	}
	s := set(t, revised("acme-cloud", `"was": ["acme"], "revision": 2,`, `, {"name": "note", "optional": true}`,
		`{"name": "open", "type": "None", "default": true}, {"name": "token", "was": ["key"], "type": "ApiKey", "inputs": [{"name": "apiKey", "secret": true}], "key": "{apiKey}"}`))
	c := connected(t, s, account)
	assert.Equal(t, "k", sent(t, c, "GET", "/x", "").Header.Get("Authorization"))
	assert.Equal(t, definition.Account{
		Definition: "acme-cloud", Revision: 2, Method: "token",
		Values: map[string]string{"subdomain": "a", "region": "eu"}, Secrets: values{"apiKey": "k"},
	}, c.Account())
}

// An account stays with its revision as long as the Set has the revision.
func TestAccountPinsARevision(t *testing.T) {
	one, two := revised("acme", "", "", keyMethod), revised("acme", `"revision": 2, "params": {"v": "2"},`, "", keyMethod)
	account := definition.Account{Definition: "acme", Revision: 1, Method: "key", Values: map[string]string{"subdomain": "a"}, Secrets: values{"apiKey": "k"}}
	assert.Empty(t, sent(t, connected(t, set(t, one, two), account), "GET", "/x", "").URL.RawQuery)
	assert.Equal(t, "v=2", sent(t, connected(t, set(t, two), account), "GET", "/x", "").URL.RawQuery)
	account.Revision = 0
	assert.Equal(t, "v=2", sent(t, connected(t, set(t, one, two), account), "GET", "/x", "").URL.RawQuery)
	account.Revision = 3
	_, err := set(t, one, two).Connect(account, definition.Connection{})
	assert.EqualError(t, err, "definition: the account has revision 3 of acme, and the program has revision 2; use the newer definition")
}

// What an account keeps stays as the account owner has seen it; what nobody was asked
// follows the definition.
func TestDefaultsOfANewRevision(t *testing.T) {
	s := set(t, `{"connectorauth": 1, "name": "acme", "revision": 2, "baseUrl": "https://api.example.com",
		"inputs": [{"name": "region", "default": "us"}, {"name": "version", "hidden": true, "default": "v2"}, {"name": "app", "hidden": true, "optional": true}],
		"headers": {"X-Version": "{version}", "X-Region": "{region}", "X-App": "{app}"}, "methods": [{"name": "key", "type": "None"}]}`)
	c, err := s.Connect(definition.Account{Definition: "acme", Method: "key", Values: map[string]string{"region": "eu"}}, definition.Connection{Values: values{"app": "mine"}})
	require.NoError(t, err)
	req := sent(t, c, "GET", "/", "")
	c, err = s.Connect(definition.Account{Definition: "acme", Values: map[string]string{"app": "old"}}, definition.Connection{Values: values{"app": "mine"}})
	require.NoError(t, err)
	assert.Equal(t, "mine", sent(t, c, "GET", "/", "").Header.Get("X-App"), "a value of the connection goes first")
	assert.Equal(t, []string{"v2", "eu", "mine"}, []string{req.Header.Get("X-Version"), req.Header.Get("X-Region"), req.Header.Get("X-App")})
}

func TestWhatANewRevisionLacksOrWants(t *testing.T) {
	account := definition.Account{Definition: "acme", Revision: 1, Method: "key", Values: map[string]string{"subdomain": "a"}, Secrets: values{"apiKey": "k"}}
	s := set(t, revised("acme", `"revision": 2,`, `, {"name": "team", "title": "Team"}`, keyMethod))
	_, err := s.Connect(account, definition.Connection{})
	var failed *definition.InputError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, []definition.InputProblem{{Input: "team", Title: "Team", Text: "is missing", Reason: definition.InputMissing}}, failed.Problems)

	s = set(t, revised("acme", `"revision": 2,`, "", `{"name": "kez", "type": "None"}, {"name": "open", "type": "None"}`))
	_, err = s.Connect(account, definition.Connection{})
	assert.EqualError(t, err, `definition: revision 2 of acme has no method "key"; connect the account again, by one of kez, open`)
	_, err = s.Connect(definition.Account{Definition: "acne"}, definition.Connection{})
	assert.EqualError(t, err, `definition: there is no definition "acne"; did you mean acme?`)
	_, err = s.Connect(account, definition.Connection{Method: "open"})
	assert.ErrorContains(t, err, "Method: is the account's")
}

func TestScopesOfAStoredAccount(t *testing.T) {
	s := set(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "oauth", "type": "OAuth2",
		"tokenUrl": "https://api.example.com/token", "scopes": [{"name": "read", "default": true}, "write", "admin"],
		"grant": {"authorizationCode": {"authUrl": "https://api.example.com/authorize"}}}]}`)
	connection := definition.Connection{Client: definition.Client{ID: "id", Secret: "s"}}
	for _, test := range []struct{ stored, chosen, want, kept []string }{
		{nil, nil, []string{"read"}, nil},
		{[]string{"write", "gone"}, nil, []string{"write"}, []string{"write"}},
		{[]string{"gone"}, nil, nil, []string{}},
		{[]string{"write"}, []string{"admin", "write"}, []string{"admin", "write"}, []string{"admin", "write"}},
		{[]string{"write"}, []string{}, nil, []string{}},
		{[]string{}, nil, nil, []string{}},
	} {
		text, err := definition.Account{Definition: "acme", Scopes: test.stored}.Encode()
		require.NoError(t, err)
		account, err := definition.DecodeAccount(text)
		require.NoError(t, err)
		connection.Scopes = test.chosen
		c, err := s.Connect(account, connection)
		require.NoError(t, err)
		raw, _, err := c.Credential().(*connectorauth.OAuth2).Begin(t.Context(), "https://app.example.com/callback")
		require.NoError(t, err)
		assert.Equal(t, test.want, scopesOf(t, raw), test)
		assert.Equal(t, test.kept, c.Account().Scopes, test)
	}
}

// FuzzDecodeAccount: whatever a store gives back, there is an account that can be written
// and read again, or an error that quotes nothing.
func FuzzDecodeAccount(f *testing.F) {
	for _, text := range []string{
		`{"version": 1, "definition": "acme", "revision": 1, "method": "key", "values": {"subdomain": "a"}, "secrets": {"apiKey": "CANARY"}, "scopes": []}`,
		`{"version": 1, "definition": "acme", "secrets": {"subdomain": "CANARY.evil.com"}}`, "{}", "", `{"version": 1e3}`,
	} {
		f.Add([]byte(text))
	}
	s := set(f, revised("acme", `"revision": 2,`, "", keyMethod))
	f.Fuzz(func(t *testing.T, text []byte) {
		account, err := definition.DecodeAccount(text)
		if err != nil {
			require.NotContains(t, err.Error(), "CANARY")
			return
		}
		again, err := account.Encode()
		require.NoError(t, err)
		read, err := definition.DecodeAccount(again)
		require.NoError(t, err)
		require.Equal(t, account.Given(), read.Given())
		c, err := s.Connect(account, definition.Connection{})
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		base, err := c.BaseURL(t.Context(), "")
		require.NoError(t, err)
		require.Regexp(t, `^https://[a-z0-9-]+\.example\.com$`, base)
		kept := c.Account()
		require.Equal(t, "acme", kept.Definition)
		require.Equal(t, 2, kept.Revision)
	})
}

// A stored account, a form and a merge field know an input by its former names.
func TestRenamedInput(t *testing.T) {
	const before = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://{subdomain}.example.com", "inputs": [{"name": "subdomain", "format": "label"}, {"name": "note", "optional": true}],
		"methods": [{"name": "key", "type": "ApiKey", "inputs": [{"name": "apiKey", "secret": true}], "key": "{apiKey}", "placement": {"name": "X-Key"}}]}`
	const after = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://{site}.example.com", "headers": {"X-Note": "{remark}"},
		"inputs": [{"name": "site", "format": "label", "was": ["host", "subdomain"]}, {"name": "remark", "was": ["note"], "optional": true}],
		"methods": [{"name": "key", "type": "ApiKey", "inputs": [{"name": "key", "secret": true, "was": ["apiKey"]}], "key": "{key}", "placement": {"name": "X-Key"}}]}`
	first, err := parse(t, before).Connect(definition.Connection{Values: values{"subdomain": "a", "apiKey": "k", "note": "n"}})
	require.NoError(t, err)
	account, d := first.Account(), parse(t, after)

	c := connected(t, set(t, after), account)
	req := sent(t, c, "GET", "/x", "")
	assert.Equal(t, []string{"https://a.example.com/x", "k", "n"}, []string{req.URL.String(), req.Header.Get("X-Key"), req.Header.Get("X-Note")})
	now := c.Account()
	assert.Equal(t, map[string]string{"site": "a", "remark": "n"}, now.Values)
	assert.Equal(t, values{"key": "k"}, now.Secrets)
	merged, err := c.Merge("{{subdomain}} {{site}}")
	require.NoError(t, err)
	assert.Equal(t, "a a", merged)
	_, err = c.Merge("{{apiKey}}")
	assert.ErrorContains(t, err, "is a secret")

	fields, err := d.Form("", account.Given())
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "n", ""}, []string{fields[0].Value, fields[1].Value, fields[2].Value})
	assert.True(t, fields[2].Stored && !fields[2].Required())
	edited, err := d.Connect(definition.Connection{Values: account.Edited(values{"site": "b", "remark": "", "key": ""})})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"site": "b"}, edited.Account().Values)
	assert.Equal(t, values{"key": "k"}, edited.Account().Secrets)
	// The present name goes before a former one, and an unknown name is still a mistake.
	_, err = d.Connect(definition.Connection{Values: values{"subdomain": "EVIL", "site": "a", "apiKey": "k"}})
	require.NoError(t, err)
	_, err = d.Connect(definition.Connection{Values: values{"subdomain": "a", "apiKeys": "k", "key": "k"}})
	assert.ErrorContains(t, err, `Values: "apiKeys" is no input of method key`)
}
