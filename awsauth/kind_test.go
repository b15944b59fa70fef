package awsauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/awsauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
)

const ofAWS = `{"connectorauth": 1, "name": "acme", "inputs": [{"name": "region", "enum": ["eu-west-1", "us-east-1"]}],
	"baseUrl": "https://execute-api.{region}.amazonaws.com",
	"methods": [
		{"name": "keys", "type": "AWS", "service": "execute-api", "region": "{region}", "accessKeyId": "{id}", "secretAccessKey": "{key}",
			"inputs": [{"name": "id"}, {"name": "key", "secret": true}]},
		{"name": "role", "type": "AWS", "service": "execute-api", "region": "{region}", "roleArn": "{role}", "externalId": "{external}",
			"inputs": [{"name": "role"}, {"name": "external", "secret": true}]}]}`

// sign makes a request with an account, and returns its Authorization.
func sign(t *testing.T, d *definition.Definition, c definition.Connection) string {
	t.Helper()
	account, err := d.Connect(c)
	require.NoError(t, err)
	base, err := account.BaseURL(t.Context(), "")
	require.NoError(t, err)
	to := &fakehttp.Base{}
	send(t, account.Connector(), to, request(t, http.MethodGet, base+"/x", nil))
	return to.Requests()[0].Header.Get("Authorization")
}

func TestKindOfDefinitions(t *testing.T) {
	parse := func(document string, source awsauth.Source) (*definition.Definition, error) {
		return definition.Parse("acme.json", []byte(document), definition.Options{Kinds: []definition.Kind{awsauth.Kind(source)}})
	}
	d, err := parse(ofAWS, awsauth.Static("AKIDPROGRAM", secretKey, ""))
	require.NoError(t, err)
	keys := map[string]connectorauth.Secret{"region": "eu-west-1", "id": "AKIDOWNER", "key": secretKey}
	assert.Regexp(t, `^AWS4-HMAC-SHA256 Credential=AKIDOWNER/\d+/eu-west-1/execute-api/aws4_request`, sign(t, d, definition.Connection{Method: "keys", Values: keys}))

	var asked []string
	sts := &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		require.NoError(t, req.ParseForm())
		asked = append(asked, req.URL.String(), req.Form.Get("RoleArn"), req.Form.Get("ExternalId"), req.Header.Get("Authorization"))
		return fakehttp.Respond(200, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
			<Expiration>2099-11-09T13:34:41Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`), nil
	})}
	role := map[string]connectorauth.Secret{"region": "us-east-1", "role": "arn:aws:iam::1:role/r", "external": "e"}
	assert.Regexp(t, `^AWS4-HMAC-SHA256 Credential=ASIA1/\d+/us-east-1/execute-api/`, sign(t, d, definition.Connection{Method: "role", Values: role, HTTPClient: sts, Shared: new(connectorauth.Shared)}))
	require.Len(t, asked, 4)
	assert.Equal(t, []string{"https://sts.us-east-1.amazonaws.com/", "arn:aws:iam::1:role/r", "e"}, asked[:3])
	assert.Contains(t, asked[3], "Credential=AKIDPROGRAM/")

	_, err = d.Connect(definition.Connection{Method: "keys", Values: map[string]connectorauth.Secret{"region": "eu-west-1", "id": "AKID OWNER", "key": secretKey}})
	assert.EqualError(t, err, "definition: acme: awsauth: accessKeyId and secretAccessKey are required, unless there is a roleArn, and have neither spaces nor line breaks")

	_, err = parse(ofAWS, nil)
	assert.ErrorContains(t, err, "methods[1]: awsauth: the program has no credentials with which a role could be assumed")
	for from, to := range map[string]string{
		`"roleArn": "{role}", `:                                   `methods[1]: awsauth: accessKeyId and secretAccessKey are required`,
		`"roleArn": "{role}"`:                                     `methods[1]: awsauth: roleArn and accessKeyId exclude each other`,
		`"region": "{region}", "accessKeyId"`:                     `methods[0].region: is missing`,
		`"service": "execute-api", "region": "{region}", "access`: `"service" "{key}": `,
	} {
		with := map[string]string{`"roleArn": "{role}"`: `"roleArn": "{role}", "accessKeyId": "a"`, `"region": "{region}", "accessKeyId"`: `"accessKeyId"`}[from]
		if strings.HasPrefix(from, `"service"`) {
			with, to = `"service": "{key}", "region": "{region}", "access`, `methods[0].service: {key} is a secret`
		}
		_, err := parse(strings.Replace(ofAWS, from, with, 1), awsauth.Static("AKIDPROGRAM", secretKey, ""))
		assert.ErrorContains(t, err, to, from)
	}
}
