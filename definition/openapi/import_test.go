package openapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/openapi"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type answers = map[string]string

type values = map[string]connectorauth.Secret

// sent makes a request as an account of a method, and returns the request as the request
// went out. Token requests get a token.
func sent(t *testing.T, d *definition.Definition, method string, given values) *http.Request {
	t.Helper()
	client := &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, req.Body)
		return fakehttp.Respond(200, `{"access_token":"T","token_type":"Bearer"}`), nil
	})}
	c, err := d.Connect(definition.Connection{Method: method, Values: given, Client: definition.Client{ID: "id", Secret: "secret"}, HTTPClient: client})
	require.NoError(t, err)
	base, err := c.BaseURL(t.Context(), "")
	require.NoError(t, err)
	var got *http.Request
	api := connectorauth.NewClient(c.Connector(), &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		got = req
		return fakehttp.Respond(200, "{}"), nil
	})})
	resp, err := api.Get(base + "/x")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return got
}

// methods returns the names of the methods of a definition.
func methods(d *definition.Definition) (names []string) {
	for _, m := range d.Methods {
		names = append(names, m.Name)
	}
	return names
}

func TestAlternativesAreMethods(t *testing.T) {
	d := parsed(t, imports(t, "stripe", openapi.Options{}))
	assert.Equal(t, []string{"basicauth", "bearerauth"}, methods(d))
	assert.Equal(t, map[string]string{"files": "https://files.payments.example"}, d.BaseURLs)
	user, password, _ := sent(t, d, "basicauth", values{"username": "sk_1", "password": "p"}).BasicAuth()
	assert.Equal(t, "sk_1 p", user+" "+password)
	req := sent(t, d, "bearerauth", values{"bearerAuth": "sk_1"})
	assert.Equal(t, "Bearer sk_1", req.Header.Get("Authorization"))
	assert.Equal(t, "https://api.payments.example/x", req.URL.String())
}

func TestNothingDeclaredIsAsked(t *testing.T) {
	draft := imports(t, "github", openapi.Options{})
	require.Len(t, draft.Questions, 1)
	assert.Contains(t, draft.Questions[0].String(), "github.json:1:1: security: declares nothing")
	for answer, want := range map[string]string{
		"none": "", "bearer": "Authorization: Bearer k", "header X-Key": "X-Key: k", "query key": "key=k", "cookie SID": "Cookie: SID=k", "basic": "Authorization: Basic azpr",
	} {
		d := parsed(t, imports(t, "github", openapi.Options{Answers: answers{"security": answer}}))
		assert.Equal(t, map[string]string{"uploads": "https://uploads.forge.example"}, d.BaseURLs)
		given := values{}
		for _, input := range d.Methods[0].Inputs {
			given[input.Name] = "k"
		}
		req := sent(t, d, "", given)
		seen := req.URL.RawQuery
		for name, value := range req.Header {
			seen += name + ": " + value[0]
		}
		assert.Equal(t, want, seen, answer)
	}
	draft = imports(t, "github", openapi.Options{Answers: answers{"security": "somehow"}})
	require.Len(t, draft.Questions, 1)
	assert.Equal(t, "security", draft.Questions[0].ID)
}

func TestScopesThatOperationsNeedAreTheDefault(t *testing.T) {
	draft := imports(t, "slack", openapi.Options{})
	require.Len(t, draft.Questions, 1)
	assert.Contains(t, draft.Questions[0].String(), "slack.json:13:17: securityDefinitions.chatAuth: does not say how a client authenticates")
	d := parsed(t, imports(t, "slack", openapi.Options{Answers: answers{"clientAuth:chatAuth": "client_secret_post"}}))
	s := d.Methods[0].Scheme.(*definition.OAuth2)
	assert.Equal(t, []definition.Scope{
		{Name: "chat:write", Title: "Post messages", Default: true}, {Name: "users:read", Title: "See people", Default: true}, {Name: "admin", Title: "Manage the workspace"},
	}, s.Scopes)
	assert.Equal(t, connectorauth.ClientSecretPost, s.ClientAuth)
	c, err := d.Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "s"}})
	require.NoError(t, err)
	raw, _, err := c.Credential().(*connectorauth.OAuth2).Begin(t.Context(), "https://app.example.com/callback")
	require.NoError(t, err)
	assert.Contains(t, raw, "https://chat.example/oauth/authorize?")
	assert.Contains(t, raw, "scope=chat%3Awrite%20users%3Aread&")

	_, err = openapi.Import("slack.json", []byte(`{"swagger": "2.0", "info": {"title": "a"}, "host": "a.example.com", "schemes": ["https"], "security": [{"o": []}],
		"securityDefinitions": {"o": {"type": "oauth2", "flow": "application", "tokenUrl": "https://a.example.com/t"}}}`),
		openapi.Options{Answers: answers{"clientAuth:o": "basic"}})
	assert.EqualError(t, err, `the answer to clientAuth:o is none of "client_secret_basic", "client_secret_post", "none"`)
}

func TestVariablesOfServersAreInputs(t *testing.T) {
	draft := imports(t, "zendesk", openapi.Options{Answers: answers{"prefix:token": "Bearer"}})
	d := parsed(t, draft)
	assert.Equal(t, "https://{subdomain}.{domain}.com", d.BaseURL)
	assert.Equal(t, "some-subdomain", d.Inputs[0].Example)
	assert.Equal(t, definition.FormatLabel, d.Inputs[0].Format)
	req := sent(t, d, "token", values{"subdomain": "acme", "token": "t"})
	assert.Equal(t, "https://acme.helpdesk.com/x", req.URL.String())
	assert.Equal(t, "Bearer t", req.Header.Get("Authorization"))
	draft = imports(t, "zendesk", openapi.Options{Answers: answers{"prefix:token": "Basic"}})
	assert.Equal(t, []string{"basicauth"}, methods(parsed(t, draft)))
	assert.Equal(t, []string{"zendesk.json:11:35: security[1]: is left out: requests carry the same as with the method basicauth"}, texts(draft.Notes))
}

func TestServersOfPaths(t *testing.T) {
	draft := imports(t, "twilio", openapi.Options{})
	require.Len(t, draft.Questions, 1)
	assert.Equal(t, []definition.Choice{{Value: "https://api.telephony.example"}, {Value: "https://router.telephony.example"}}, draft.Questions[0].Choices)
	d := parsed(t, imports(t, "twilio", openapi.Options{Answers: answers{"server": "https://api.telephony.example"}}))
	assert.Equal(t, map[string]string{"router": "https://router.telephony.example"}, d.BaseURLs)
	assert.Equal(t, "https://api.telephony.example", d.BaseURL)
}

func TestSignaturesOfAWSAreAsked(t *testing.T) {
	draft := imports(t, "gateway", openapi.Options{})
	var ids []string
	for _, q := range draft.Questions {
		ids = append(ids, q.ID)
	}
	assert.Equal(t, []string{"aws:sigv4", "prefix:pool"}, ids)
	draft = imports(t, "gateway", openapi.Options{Answers: answers{"aws:sigv4": "signature", "prefix:pool": ""}})
	d := parsed(t, draft)
	assert.Equal(t, []string{"pool", "custom-api_key"}, methods(d))
	assert.Equal(t, []string{
		`gateway.json:4:114: servers[0].variables.basePath: is "/prod": a value has no slash in a path`,
		"gateway.json:12:14: components.securitySchemes.sigv4: is left out: package awsauth makes signatures of AWS",
		`gateway.json:7:28: paths./orders.get.security[0]: is left out: the scheme "sigv4" cannot be a definition`,
		`gateway.json:8:29: paths./orders.post.security[0]: is left out: the scheme "sigv4" cannot be a definition`,
		"gateway.json:8:59: paths./orders.post.security[1]: 1 of 2 operations take the method pool",
		"gateway.json:8:87: paths./orders.post.security[2]: 1 of 2 operations take the method custom-api_key",
	}, texts(draft.Notes))
	req := sent(t, d, "custom-api_key", values{"custom": "c", "api_key": "k"})
	assert.Equal(t, "https://abc123.execute-api.eu-west-1.amazonaws.com/prod/x?token=c", req.URL.String())
	assert.Equal(t, "k", req.Header.Get("X-Api-Key"))
	assert.Equal(t, "t", sent(t, d, "pool", values{"pool": "t"}).Header.Get("Authorization"))

	draft = imports(t, "gateway", openapi.Options{Answers: answers{"aws:sigv4": "key", "prefix:sigv4": "AWS", "prefix:pool": ""}})
	assert.Equal(t, []string{"sigv4", "sigv4-api_key", "pool", "custom-api_key"}, methods(parsed(t, draft)))
}

var modern = answers{
	"ref:other.json#/paths/a": "no", "ref:https://schemes.modern.example/shared#token": "no", "clientAuth:oauth": "client_secret_basic", "clientAuth:oidc": "none",
	"authUrl:oidc": "https://login.modern.example/authorize", "tokenUrl:oidc": "https://login.modern.example/token", "mutualTLS:certificate": "program",
	"http:digest": "basic", "http:hawk": "no",
}

func TestOpenAPI32(t *testing.T) {
	draft := imports(t, "modern", openapi.Options{})
	ids := map[string]string{}
	for _, q := range draft.Questions {
		ids[q.ID] = ""
	}
	want := map[string]string{}
	for id := range modern {
		want[id] = ""
	}
	assert.Equal(t, want, ids)

	draft = imports(t, "modern", openapi.Options{Answers: modern})
	d := parsed(t, draft)
	assert.Equal(t, []string{"oauth-key-code", "oauth-key-client", "oauth-key-password", "session", "oidc", "certificate-key", "digest", "key", "none"}, methods(d))
	notes := strings.Join(texts(draft.Notes), "\n")
	for _, want := range []string{
		"servers[2].url: is left out: the same server takes https", "servers[3].url: is left out: the server is for tests on one machine",
		"paths./loop: has references in a circle", `security[2]: is left out: the scheme "https://schemes.modern.example/shared#token" cannot be a definition`,
		"flows.implicit: is left out: the flow authorizationCode takes its place", "flows.deviceAuthorization: is left out",
		"oauth2MetadataUrl: is not read", "security[6]: is left out",
	} {
		assert.Contains(t, notes, want)
	}
	req := sent(t, d, "oauth-key-client", values{"server": "https://api.sandbox.modern.example/v1", "key": "k"})
	assert.Equal(t, "https://api.sandbox.modern.example/v1/x", req.URL.String())
	assert.Equal(t, []string{"Bearer T", "k"}, []string{req.Header.Get("Authorization"), req.Header.Get("X-Modern-Key")})
	assert.Equal(t, "SID=s", sent(t, d, "session", values{"session": "s"}).Header.Get("Cookie"))
	assert.NotContains(t, sent(t, d, "none", nil).Header, "Authorization")
	code := d.Methods[0]
	assert.Equal(t, "https://login.modern.example/{tenant}/refresh", code.Scheme.(*definition.OAuth2).Dialect.RefreshURL)
	assert.Equal(t, []string{"tenant", "key"}, []string{code.Inputs[0].Name, code.Inputs[1].Name})
}

func TestSwaggerWithOldHabits(t *testing.T) {
	given := answers{
		"server": "https://api.old.example/v2", "authUrl:implicit": "https://old.example/authorize", "tokenUrl:implicit": "https://old.example/code",
		"clientAuth:implicit": "client_secret_post", "tokenUrl:app": "https://old.example/token", "clientAuth:app": "client_secret_basic",
		"clientAuth:login": "client_secret_basic", "prefix:both": "Token ", "double:both+basic": "both",
	}
	draft := imports(t, "old", openapi.Options{})
	assert.Len(t, draft.Questions, len(given))
	draft = imports(t, "old", openapi.Options{Answers: given})
	d := parsed(t, draft)
	assert.Equal(t, []string{"implicit", "app", "login", "query", "both-basic"}, methods(d))
	assert.Equal(t, "Bearer T", sent(t, d, "login", values{"username": "u", "password": "p"}).Header.Get("Authorization"))
	assert.Equal(t, "api_key=k", sent(t, d, "query", values{"query": "k"}).URL.RawQuery)
	assert.Equal(t, "Token k", sent(t, d, "both-basic", values{"both": "k"}).Header.Get("Authorization"))

	given["tokenUrl:implicit"] = "no"
	draft = imports(t, "old", openapi.Options{Answers: given})
	assert.Equal(t, []string{"app", "login", "query", "both-basic"}, methods(parsed(t, draft)))
	assert.Contains(t, strings.Join(texts(draft.Notes), "\n"), `nothing asked for the answer to "clientAuth:implicit"`)

	delete(given, "server")
	delete(given, "tokenUrl:app")
	draft = imports(t, "old", openapi.Options{URL: "https://docs.old.example/api/swagger.json", Answers: given})
	require.Len(t, draft.Questions, 1, "schemes says http")
	assert.Equal(t, "https://docs.old.example/v2", draft.Questions[0].Choices[0].Value)
	given["server"] = "https://docs.old.example/v2"
	d = parsed(t, imports(t, "old", openapi.Options{URL: "https://docs.old.example/api/swagger.json", Answers: given}))
	assert.Equal(t, "https://docs.old.example/token", d.Methods[0].Scheme.(*definition.OAuth2).TokenURL)
}
