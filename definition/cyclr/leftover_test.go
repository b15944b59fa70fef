package cyclr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/cyclr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is left out leaves nothing behind: no merge field, no client, no second default.
func TestWhatIsLeftOutLeavesNothing(t *testing.T) {
	draft, err := cyclr.Import("x.json", []byte(`{"Name": "a", "BaseUrl": "https://a.example.com/{{Content-Length}}/{{Site}}/{{site}}/{{ Site }}/{b}", "Authentication": [
 {"AuthName": "Bad", "AuthType": "OAuth2", "OAuth2Type": "ClientCredentials", "AccessTokenUrl": "ftp://a.example.com/t", "ClientId": "i", "ClientSecret": "s"},
 {"AuthName": "N", "AuthType": "None", "IsDefault": true}, {"AuthName": "M", "AuthType": "Basic", "IsDefault": true}],
"Parameters": [{"TargetType": "HttpHeader", "TargetName": "Content-Length", "IsAccountConnectorProperty": true},
 {"TargetType": "MergeField", "TargetName": "both", "IsAccountConnectorProperty": true, "IsPartnerConnectorProperty": true},
 {"TargetType": "MergeField", "TargetName": "partner", "IsPartnerConnectorProperty": true}]}`), cyclr.Options{Answers: answers{"clientAuth:bad": "client_secret_post"}})
	require.NoError(t, err)
	require.Empty(t, draft.Questions)
	assert.Empty(t, draft.Clients, "the method of the client is left out")
	d := draft.Definition
	require.Len(t, d.Methods, 2)
	assert.True(t, d.Methods[0].Default)
	assert.False(t, d.Methods[1].Default)
	var names, hidden []string
	for _, input := range d.Inputs {
		names = append(names, input.Name)
		if input.Hidden {
			hidden = append(hidden, input.Name)
		}
	}
	assert.Equal(t, "https://a.example.com/{"+d.Inputs[2].Name+"}/{Site}/{Site}/{Site}/{{b}}", d.BaseURL)
	assert.Equal(t, []string{"both", "partner", d.Inputs[2].Name, "Site"}, names, "a merge field is one input in any spelling")
	assert.True(t, strings.HasPrefix(d.Inputs[2].Name, "Content_Length"), "the merge field is an input of its own")
	assert.Equal(t, []string{"partner"}, hidden)
	text, err := d.Document()
	require.NoError(t, err)
	_, err = definition.Parse("a.json", text, definition.Options{})
	require.NoError(t, err)
}

func TestFortyParametersAreRead(t *testing.T) {
	for _, count := range []int{40, 41} {
		var list []string
		for i := range count {
			list = append(list, fmt.Sprintf(`{"TargetType": "MergeField", "TargetName": "p%d", "IsAccountConnectorProperty": true}`, i))
		}
		draft, err := cyclr.Import("a.json", []byte(`{"Name": "a", "AuthType": "None", "BaseUrl": "https://a.example.com", "Parameters": [`+strings.Join(list, ",")+"]}"), cyclr.Options{})
		require.NoError(t, err)
		assert.Len(t, draft.Definition.Inputs, 40)
		var found int
		for _, note := range draft.Notes {
			if strings.Contains(note.Text, "there are too many") {
				found++
			}
		}
		assert.Equal(t, count-40, found)
	}
}

func TestPlacesAndPrefixesOfKeysAndTokens(t *testing.T) {
	const key = `{"Name": "a", "BaseUrl": "https://a.example.com", "AuthType": "ApiKey"}`
	for _, place := range []string{"path id", "header", "nowhere X"} {
		draft, err := cyclr.Import("x.json", []byte(key), cyclr.Options{Answers: answers{"place:apikey": place}})
		require.NoError(t, err)
		assert.Len(t, draft.Questions, 1, place)
	}
	for scheme, prefix := range map[string]string{"Bearer": "", "Authorization": "", "null": "", "": "", "Zoho": "Zoho "} {
		_, d := imports(t, `{"Name": "a", "BaseUrl": "https://a.example.com", "AuthType": "OAuth2", "OAuth2Type": "ClientCredentials", "AccessTokenUrl": "https://a.example.com/t", "AuthScheme": "`+scheme+`"}`,
			answers{"clientAuth:oauth2": "client_secret_post"})
		assert.Equal(t, prefix, d.Methods[0].Scheme.(*definition.OAuth2).Dialect.Placement.Prefix, scheme)
	}
}

func TestTimesOfAnAccount(t *testing.T) {
	_, d := imports(t, `{"Name": "a", "BaseUrl": "https://a.example.com", "AuthType": "OAuth2", "OAuth2Type": "ClientCredentials", "AccessTokenUrl": "https://a.example.com/t"}`, answers{"clientAuth:oauth2": "client_secret_post"})
	account, err := cyclr.ReadAccount(d, "", []byte("\ufeff"+`{"AuthValue": "{\"AccessToken\":\"A\",\"Expires\":\"2026-10-01T02:00:00+02:00\"}"}`))
	require.NoError(t, err)
	written, err := account.Document(d)
	require.NoError(t, err)
	assert.Contains(t, string(written), "2026-10-01T00:00:00Z", "Cyclr's times are UTC")
	for _, member := range []string{"Expires", "RefreshExpires"} {
		_, err := cyclr.ReadAccount(d, "", []byte(`{"AuthValue": "{\"AccessToken\":\"A\",\"`+member+`\":\"soon\"}"}`))
		assert.ErrorContains(t, err, "not as in RFC 3339", member)
	}
}

// A form shows no client secret, no password and no API key.
func TestSecretsOfAConnector(t *testing.T) {
	for document, want := range map[string][]string{
		`"AuthType": "OAuth2", "OAuth2Type": "ClientCredentials", "AccessTokenUrl": "https://a.example.com/t", "ClientId": "{{ClientId}}", "ClientSecret": "{{ClientSecret}}"`: {"ClientSecret"},
		`"AuthType": "AuthFields", "AuthFields": [{"Name": "user", "Key": "u", "Type": "Text"}, {"Name": "pass", "Key": "p", "Type": "Password"}]`:                             {"pass"},
		`"AuthType": "ApiKey", "AuthScheme": "X-Key"`: {"apiKey"},
		`"AuthType": "Basic"`:                         {"password"},
	} {
		_, d := imports(t, `{"Name": "a", "BaseUrl": "https://a.example.com", `+document+`}`, answers{"clientAuth:oauth2": "client_secret_post"})
		fields, err := d.Form("", nil)
		require.NoError(t, err)
		var secrets []string
		for _, f := range fields {
			if f.Secret {
				secrets = append(secrets, f.Name)
			}
		}
		assert.Equal(t, want, secrets, document)
	}
}
