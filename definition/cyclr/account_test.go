package cyclr_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/cyclr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAccounts(t *testing.T) {
	_, d := imports(t, file(t, "crm.json"), crm)
	quoted := func(s string) string {
		text, err := json.Marshal(s)
		require.NoError(t, err)
		return string(text)
	}
	october := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		method, authValue string
		want              cyclr.Account
		written           string // empty means authValue
	}{
		{"api-key", "k", cyclr.Account{Values: values{"apiKey": "k"}}, ""},
		{"user", "dTpwOnE=", cyclr.Account{Values: values{"username": "u", "password": "p:q"}}, ""},
		{"oauth-2-0", `{"AccessToken":"A","RefreshToken":"R","Expires":"2026-10-01T00:00:00Z","RefreshExpires":"2026-10-01T00:00:00.5Z"}`,
			cyclr.Account{Values: values{}, AccessToken: "A", RefreshToken: "R", Expires: october, RefreshExpires: october.Add(time.Second / 2)}, ""},
		{"oauth-2-0", `{"RefreshToken":"R","Expires":"2026-10-01T00:00:00.0000000"}`, cyclr.Account{Values: values{}, RefreshToken: "R", Expires: october}, `{"RefreshToken":"R","Expires":"2026-10-01T00:00:00Z"}`},
		{"oauth-2-0", "A", cyclr.Account{Values: values{}, AccessToken: "A"}, `{"AccessToken":"A"}`},
		{"oauth-2-0", "{}", cyclr.Account{Values: values{}}, ""},
		{"machine", "{}", cyclr.Account{Values: values{}}, ""},
	} {
		properties := `,"Properties":[{"Name":"Subdomain","Value":"my"},{"Name":"X-Region","Value":"eu"}]`
		document := `{"AuthValue":` + quoted(test.authValue) + properties + `}`
		got, err := cyclr.ReadAccount(d, test.method, []byte(document))
		require.NoError(t, err)
		test.want.Method = test.method
		test.want.Values["Subdomain"], test.want.Values["X_Region"] = "my", "eu"
		assert.Equal(t, &test.want, got)
		written, err := got.Document(d)
		require.NoError(t, err)
		if test.written != "" {
			document = `{"AuthValue":` + quoted(test.written) + properties + `}`
		}
		assert.JSONEq(t, document, string(written))
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", got, got, *got), `"R"`)
	}
}

// A token that moves in from Cyclr serves until it expires.
func TestTokensMoveIn(t *testing.T) {
	draft, d := imports(t, file(t, "crm.json"), crm)
	account, err := cyclr.ReadAccount(d, "", []byte(`{"AuthValue": "{\"AccessToken\":\"A\",\"RefreshToken\":\"R\"}", "Properties": [{"Name": "subdomain", "Value": "my"}]}`))
	require.NoError(t, err)
	account.Values["ApiVersion"], account.Values["tenant"] = "v2", "7"
	c, err := d.Connect(definition.Connection{Method: account.Method, Values: account.Values, Client: draft.Clients[account.Method]})
	require.NoError(t, err)
	oauth := c.Credential().(*connectorauth.OAuth2)
	require.NoError(t, oauth.SetToken(t.Context(), account.Token()))
	token, err := oauth.Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "A", token.AccessToken)
	assert.Nil(t, (&cyclr.Account{}).Token())
}

func TestAccountsWithMistakes(t *testing.T) {
	_, d := imports(t, file(t, "crm.json"), crm)
	for document, want := range map[string]string{
		`user {"AuthValue": "hunter2"}`:                               "cyclr: AuthValue is not what the AuthType of the method wants",
		`user {"AuthValue": 7}`:                                       "cyclr: the account connector is not JSON",
		`oauth-2-0 {"AuthValue": "{hunter2"}`:                         "cyclr: AuthValue is not what",
		`oauth-2-0 {"AuthValue": "{\"Expires\": \"hunter2\"}"}`:       "cyclr: AuthValue has a time",
		`open {"AuthValue": "hunter2"}`:                               "cyclr: AuthValue is not what",
		`none {}`:                                                     `cyclr: acme-crm has no method "none"`,
		`open {"Properties": [{"Name": "Nmae", "Value": "hunter2"}]}`: `cyclr: the method open has no input for the property "Nmae"`,
	} {
		var method, text string
		for i, c := range document {
			if c == ' ' {
				method, text = document[:i], document[i+1:]
				break
			}
		}
		_, err := cyclr.ReadAccount(d, method, []byte(text))
		require.ErrorContains(t, err, want, document)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	_, err := (&cyclr.Account{Method: "none"}).Document(d)
	assert.ErrorContains(t, err, "no method")
}
