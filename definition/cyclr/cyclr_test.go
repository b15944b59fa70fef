package cyclr_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/cyclr"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

type answers = map[string]string

type values = map[string]connectorauth.Secret

// crm are the answers for testdata/crm.json.
var crm = answers{"clientAuth:oauth-2-0": "client_secret_post", "clientAuth:machine": "client_secret_basic", "clientAuth:password": "client_secret_basic"}

// imports reads a connector, and parses the draft.
func imports(t testing.TB, document string, given answers) (*cyclr.Draft, *definition.Definition) {
	t.Helper()
	draft, err := cyclr.Import("c.json", []byte(document), cyclr.Options{Answers: given})
	require.NoError(t, err)
	require.Empty(t, draft.Questions)
	text, err := draft.Definition.Document()
	require.NoError(t, err)
	d, err := definition.Parse("draft.json", text, definition.Options{})
	require.NoError(t, err, string(text))
	return draft, d
}

func file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(text)
}

// sent makes a request as an account, and returns the request as the request went out.
// Token requests get a token, and their parameters are noted.
func sent(t *testing.T, d *definition.Definition, connection definition.Connection, body string) (req *http.Request, token string) {
	t.Helper()
	connection.HTTPClient = &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		text, err := io.ReadAll(req.Body)
		token = req.URL.String() + " " + string(text)
		return fakehttp.Respond(200, `{"access_token":"T","token_type":"Bearer"}`), err
	})}
	c, err := d.Connect(connection)
	require.NoError(t, err)
	base, err := c.BaseURL(t.Context(), "")
	require.NoError(t, err)
	api := connectorauth.NewClient(c.Connector(), &http.Client{Transport: fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
		req = r
		if r.Body != nil {
			text, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			r.Body = io.NopCloser(strings.NewReader(string(text)))
		}
		return fakehttp.Respond(200, "{}"), nil
	})})
	resp, err := api.Post(base+"/x", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return req, token
}

// with returns values and those that all methods of crm.json want.
func with(given values) values {
	all := values{"Subdomain": "my", "ApiVersion": "v2", "tenant": "7"}
	for name, value := range given {
		all[name] = value
	}
	return all
}

func TestConnectorsBecomeDefinitions(t *testing.T) {
	draft, d := imports(t, file(t, "crm.json"), crm)
	assert.Empty(t, draft.Notes)
	assert.Equal(t, map[string]definition.Client{
		"oauth-2-0": {ID: "acme-client", Secret: "acme-secret"}, "password": {ID: "acme-client"}, "signed": {ID: "consumer", Secret: "consumer-secret"},
	}, draft.Clients)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", draft, *draft, draft.Clients), "-secret")
	assert.Equal(t, "https://{Subdomain}.acme.example.com/{ApiVersion}", d.BaseURL)

	req, _ := sent(t, d, definition.Connection{Method: "api-key", Values: with(values{"apiKey": "k", "X_Region": "us"})}, "{}")
	assert.Equal(t, "https://my.acme.example.com/v2/x?tenant=7", req.URL.String())
	assert.Equal(t, []string{"k", "us"}, []string{req.Header.Get("X-Acme-Key"), req.Header.Get("X-Region")})
	req, _ = sent(t, d, definition.Connection{Method: "user", Values: with(values{"username": "u", "password": "p"})}, "{}")
	user, password, _ := req.BasicAuth()
	assert.Equal(t, "u p", user+" "+password)
	req, token := sent(t, d, definition.Connection{Method: "machine", Values: with(nil), Client: definition.Client{ID: "i", Secret: "s"}}, "{}")
	assert.Equal(t, "Bearer T", req.Header.Get("Authorization"))
	assert.Equal(t, "https://login.acme.example.com/token grant_type=client_credentials", token)
	_, token = sent(t, d, definition.Connection{Method: "password", Values: with(values{"Username": "u", "Password": "p"}), Client: definition.Client{ID: "i", Secret: "s"}}, "{}")
	assert.Equal(t, "https://login.acme.example.com/token grant_type=password&password=p&username=u", token)
	req, _ = sent(t, d, definition.Connection{Method: "fields", Values: with(values{"Account": "12", "Secret": "s", "Rate": "1.5", "Live": "true", "Note": "n"})}, `{"a":1}`)
	body, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	assert.JSONEq(t, `{"a":1,"note":"n","auth":{"account":12,"secret":"s","rate":1.5,"live":true}}`, string(body))
	c, err := d.Connect(definition.Connection{Values: with(nil), Client: draft.Clients["oauth-2-0"]})
	require.NoError(t, err)
	auth, _, err := c.Credential().(*connectorauth.OAuth2).Begin(t.Context(), "https://app.example.com/callback")
	require.NoError(t, err)
	assert.Contains(t, auth, "https://my.acme.example.com/authorise?display=page&client_id=acme-client&")
}

func TestExportOfAnImportKeepsWhatTheConnectorSaid(t *testing.T) {
	document := file(t, "crm.json")
	draft, d := imports(t, document, crm)
	written, lost, err := cyclr.Export(d, draft.Clients)
	require.NoError(t, err)
	assert.JSONEq(t, document, string(written))
	assert.Equal(t, []string{
		"methods[0].clientAuth: Cyclr has no word for this member", "methods[1].clientAuth: Cyclr has no word for this member", "methods[2].clientAuth: Cyclr has no word for this member",
	}, lost)
	again, _ := imports(t, string(written), crm)
	assert.Equal(t, draft, again)
}

func TestConnectorsOfOldReleases(t *testing.T) {
	document := `{"Id": 1, "Name": "Pipes", "AuthType": "ApiKey", "OAuth2Type": "Unknown", "AuthScheme": null, "AuthDescription": "Ask your administrator", "Description": "CRM"}`
	draft, err := cyclr.Import("p.json", []byte(document), cyclr.Options{})
	require.NoError(t, err)
	require.Len(t, draft.Questions, 2)
	assert.Equal(t, "p.json:1:1: BaseUrl: is missing; what is the URL of the API, such as https://{{Subdomain}}.example.com/api?", draft.Questions[0].String())
	assert.Equal(t, "place:apikey", draft.Questions[1].ID)
	for place, want := range map[string]string{"header X-Key": "X-Key: k", "query key": "?key=k", "cookie sid": "Cookie: sid=k", "body a.key": `{"a":{"key":"k"}}`} {
		draft, d := imports(t, document, answers{"baseUrl": "https://{{Company}}.pipes.example.com/v1/", "place:apikey": place})
		assert.Len(t, draft.Notes, 2)
		req, _ := sent(t, d, definition.Connection{Values: values{"Company": "acme", "apiKey": "k"}}, "{}")
		body, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		seen := "?" + req.URL.RawQuery + string(body)
		for name := range req.Header {
			seen += name + ": " + req.Header.Get(name)
		}
		assert.Contains(t, seen, want)
		assert.Equal(t, "acme.pipes.example.com", req.URL.Host)
	}
	draft, err = cyclr.Import("p.json", []byte(document), cyclr.Options{Answers: answers{"baseUrl": "https://{{Company}}", "place:apikey": "somewhere"}})
	require.NoError(t, err)
	require.Len(t, draft.Questions, 2)
	assert.Equal(t, []string{"host:Company", "place:apikey"}, []string{draft.Questions[0].ID, draft.Questions[1].ID})
	_, d := imports(t, document, answers{"baseUrl": "{{Site}}/v1", "host:Site": ".example.com", "place:apikey": "header X-Key"})
	req, _ := sent(t, d, definition.Connection{Values: values{"Site": "https://a.example.com", "apiKey": "k"}}, "{}")
	assert.Equal(t, "https://a.example.com/v1/x", req.URL.String())
}

// A client is the program's, or each account brings a client: as parameters, or as merge
// fields.
func TestClientsOfAccounts(t *testing.T) {
	for _, document := range []string{
		`{"Name": "a", "BaseUrl": "https://a.example.com", "AuthType": "OAuth2", "OAuth2Type": "ClientCredentials", "AccessTokenUrl": "https://a.example.com/t", "Parameters": [
			{"TargetType": "MergeField", "TargetName": "ClientId", "IsAccountConnectorProperty": true}, {"TargetType": "MergeField", "TargetName": "ClientSecret", "IsSensitive": true, "IsAccountConnectorProperty": true}]}`,
		`{"Name": "a", "BaseUrl": "https://a.example.com", "AuthType": "OAuth2", "OAuth2Type": "ClientCredentials", "AccessTokenUrl": "https://a.example.com/t", "ClientId": "{{ClientId}}", "ClientSecret": "{{ClientSecret}}"}`,
	} {
		draft, d := imports(t, document, answers{"clientAuth:oauth2": "client_secret_post"})
		assert.Empty(t, draft.Clients)
		_, token := sent(t, d, definition.Connection{Values: values{"ClientId": "i", "ClientSecret": "s"}}, "{}")
		assert.Equal(t, "https://a.example.com/t client_id=i&client_secret=s&grant_type=client_credentials", token)
		account, err := cyclr.ReadAccount(d, "", []byte(`{"AuthValue": "{}", "Properties": [{"Name": "ClientId", "Value": "i"}, {"Name": "ClientSecret", "Value": "s"}]}`))
		require.NoError(t, err)
		assert.Equal(t, values{"ClientId": "i", "ClientSecret": "s"}, account.Values)
		written, _, err := cyclr.Export(d, nil)
		require.NoError(t, err)
		_, again := imports(t, string(written), answers{"clientAuth:oauth2": "client_secret_post"})
		assert.Equal(t, d.Methods, again.Methods)
	}
}

func TestScriptsAreAsked(t *testing.T) {
	const document = `{"Name": "Keyed", "BaseUrl": "https://api.example.com", "Authentication": [{"AuthName": "Key", "AuthType": "ApiKey", "AuthScheme": "Authorization"}],
		"Script": "function before_action() { method_request_headers.Authorization = 'Bearer ' + method_auth_value; return true; }"}`
	draft, err := cyclr.Import("k.json", []byte(document), cyclr.Options{})
	require.NoError(t, err)
	require.Len(t, draft.Questions, 1)
	assert.Contains(t, draft.Questions[0].String(), "k.json:2:13: Script: runs for each request, and a definition has no scripts")
	for answer, want := range map[string]string{"bearer": "Bearer k", "nothing": "k", "all": ""} {
		draft, d := imports(t, document, answers{"script": answer})
		assert.Contains(t, draft.Notes[0].String(), "package script runs scripts")
		given := values{"apiKey": "k"}
		if answer == "all" {
			given = nil
		}
		req, _ := sent(t, d, definition.Connection{Values: given}, "{}")
		assert.Equal(t, want, req.Header.Get("Authorization"), answer)
	}
	_, err = cyclr.Import("k.json", []byte(document), cyclr.Options{Answers: answers{"script": "magic"}})
	assert.ErrorContains(t, err, `the answer to script is none of "nothing", "bearer", "all"`)
}

func TestWhatCannotBeADefinitionIsSaid(t *testing.T) {
	draft, err := cyclr.Import("x.json", []byte(`{"Name": "--", "BaseUrl": "https://{{Any}}.co.uk", "Authentication": [
 {"AuthName": "Kerberos", "AuthType": "Kerberos"}, {"AuthName": "A", "AuthType": "AuthFields", "AuthFields": [{"Name": "n", "Key": "k", "Type": "Colour"}]},
 {"AuthName": "Empty", "AuthType": "AuthFields"}, {"AuthName": "O", "AuthType": "OAuth2", "OAuth2Type": "Unknown"}, {"AuthName": "N", "AuthType": "NetSuiteOAuth1"},
 {"AuthName": "A", "AuthType": "None", "IsDefault": true}, {"AuthType": "None", "IsDefault": true}],
"Parameters": [{"TargetType": "QueryString", "TargetName": "step"}, {"IsAccountConnectorProperty": true}, {"TargetType": "Script", "TargetName": "s", "IsAccountConnectorProperty": true, "DataType": "Date", "TriggerName": "List"},
 {"TargetType": "HttpHeader", "TargetName": "Content-Length", "IsAccountConnectorProperty": true}]}`), cyclr.Options{})
	require.NoError(t, err)
	var ids, notes []string
	for _, q := range draft.Questions {
		ids = append(ids, q.ID)
	}
	for _, n := range draft.Notes {
		notes = append(notes, n.String())
	}
	assert.Equal(t, []string{"name", "baseUrl", "grant:o", "tokenUrl:o", "clientAuth:o", "requestTokenUrl:n", "authUrl:n", "tokenUrl:n"}, ids)
	for _, want := range []string{
		`Authentication[0]: is left out: the AuthType "Kerberos" cannot be a definition`, "Authentication[1].AuthFields[0].Type: is left out: the field is a text",
		"Authentication[2]: is left out: methods[0].fields: there are none", "Authentication[6].IsDefault: is left out: a-2 is the default",
		"Parameters[0]: is left out: step is asked for in each step", "Parameters[1].TargetName: is missing", "Parameters[2].TargetType: is left out: the input is for merge fields",
		"Parameters[2].DataType: is left out", "Parameters[2].TriggerName: is left out", "Parameters[3]: is left out: headers.Content-Length: is not a header to set here",
	} {
		assert.Contains(t, strings.Join(notes, "\n"), want)
	}
	for _, document := range []string{"", "[]", `{"Name": "a"}`, `{"AuthType": 1, "AuthType": 2}`} {
		_, err := cyclr.Import("x.json", []byte(document), cyclr.Options{})
		var failed *definition.Error
		assert.ErrorAs(t, err, &failed, document)
	}
}

func TestExportSaysWhatIsLost(t *testing.T) {
	d, err := definition.Parse("a.json", []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://{shop}.example.com/{{x}}", "baseUrls": {"b": "https://b.example.com"},
"inputs": [{"name": "shop", "format": "label", "default": "a"}, {"name": "key", "secret": true}], "headers": {"X-A": "constant"}, "test": {"request": "GET /me"},
"methods": [
 {"name": "a", "type": "ApiKey", "key": "{key}{shop}", "placement": {"in": "query", "name": "k"}, "and": [{"type": "Basic", "username": "{shop}", "password": "x"}]},
 {"name": "b", "type": "JWT", "secret": "{key}", "algorithm": "HS256", "claims": {"issuer": "i"}},
 {"name": "c", "type": "OAuth2", "baseUrl": "https://c.example.com", "tokenUrl": "https://c.example.com/{lower({shop})}", "revokeUrl": "https://c.example.com/r", "clientId": "{shop}", "clientSecret": "{key}",
  "grant": {"authorizationCode": {"authUrl": "https://c.example.com/a", "params": {"p": ["1"]}, "pushedAuthorizationRequestUrl": "https://c.example.com/p"}}, "dialect": {"scopeSeparator": ","},
  "resources": ["https://c.example.com"], "dpop": "ES256"},
 {"name": "d", "type": "OAuth2", "tokenUrl": "https://c.example.com/t", "grant": {"deviceCode": {"deviceUrl": "https://c.example.com/d"}}}]}`), definition.Options{})
	require.NoError(t, err)
	written, lost, err := cyclr.Export(d, nil)
	require.NoError(t, err)
	for _, want := range []string{
		"headers.X-A: is more than one value", "methods[0].key: is more", "methods[0].placement: is more", "methods[0].and[0]: is a second credential", "methods[1]: is no AuthType",
		"methods[2].baseUrl: ", "methods[2].tokenUrl: computes", "methods[2].revokeUrl: ", "methods[2].grant.authorizationCode.params: ", "methods[2].dialect: ",
		"methods[2].grant.authorizationCode.pushedAuthorizationRequestUrl: ", "methods[2].resources: ", "methods[2].dpop: ", "methods[3].grant: is no OAuth2Type", "inputs[0]: Cyclr has no", "test: ", "baseUrls: ",
	} {
		assert.Contains(t, strings.Join(lost, "\n"), want)
	}
	assert.Contains(t, string(written), `"BaseUrl": "https://{{ClientId}}.example.com/{x}"`)
}

func TestConnectorsCannotKeepAProgramBusy(t *testing.T) {
	many := func(count int, text string) string { return strings.TrimSuffix(strings.Repeat(text+",", count), ",") }
	for name, document := range map[string]string{
		"merge fields":    `{"Name": "a", "AuthType": "None", "BaseUrl": "https://a.example.com/` + strings.Repeat("{{a}}", 100_000) + `"}`,
		"fields":          `{"Name": "a", "AuthType": "AuthFields", "BaseUrl": "https://a.example.com", "AuthFields": [` + many(30_000, `{"Name": "n", "Key": "k"}`) + "]}",
		"parameters":      `{"Name": "a", "AuthType": "None", "BaseUrl": "https://a.example.com", "Parameters": [` + many(30_000, `{"TargetName": "n", "IsAccountConnectorProperty": true}`) + "]}",
		"authentications": `{"Name": "a", "BaseUrl": "https://a.example.com", "Authentication": [` + many(30_000, `{"AuthType": "Basic"}`) + "]}",
		"values":          `{"Name": "a", "AuthType": "None", "BaseUrl": "https://a.example.com", "Parameters": [{"TargetName": "n", "IsAccountConnectorProperty": true, "Values": [` + many(30_000, `"v"`) + "]}]}",
	} {
		began := time.Now()
		_, err := cyclr.Import("a.json", []byte(document), cyclr.Options{})
		require.NoError(t, err, name)
		require.Less(t, time.Since(began), 30*time.Second+20*time.Millisecond*time.Duration(len(document)/1000), name)
		t.Logf("%s: %d kB in %s", name, len(document)/1000, time.Since(began))
	}
}
