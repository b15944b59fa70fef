package definition_test

import (
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const graph = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "inputs": [{"name": "team"}],
	"methods": [{"name": "key", "type": "ApiKey", "key": "{key}", "inputs": [{"name": "key", "secret": true}, {"name": "user"}]},
		{"name": "basic", "type": "Basic", "username": "{user}", "password": "{password}", "inputs": [{"name": "user"}, {"name": "password", "secret": true}]}],
	"test": {`

// A test may be a POST with JSON, with the inputs that all methods have.
func TestBodyOfATest(t *testing.T) {
	d := parse(t, graph+`"request": "POST /{user}/graphql", "body": {"query": "query {{ me {{ id }} }}", "variables": {"team": "{team}", "user": "{user}", "n": 10, "deep": [true, "{lower({team})}"]}}, "id": "/data/me/id"}}`)
	for _, method := range []string{"key", "basic"} {
		base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
			return fakehttp.Respond(200, `{"data": {"me": {"id": 7}}}`), nil
		}}
		given := values{"team": `A"\B`, "user": "ada/x"}
		given[map[string]string{"key": "key", "basic": "password"}[method]] = "s"
		c, err := d.Connect(definition.Connection{Method: method, Values: given})
		require.NoError(t, err)
		id, err := c.Check(t.Context(), &http.Client{Transport: base})
		require.NoError(t, err)
		assert.Equal(t, "7", id.ID)
		req := base.Requests()[0]
		assert.Equal(t, []string{"POST", "https://api.example.com/ada%2Fx/graphql", "application/json"}, []string{req.Method, req.URL.String(), req.Header.Get("Content-Type")})
		assert.JSONEq(t, `{"query": "query { me { id } }", "variables": {"team": "A\"\\B", "user": "ada/x", "n": 10, "deep": [true, "a\"\\b"]}}`, string(req.Body))
	}
}

// A service may say no with status 200.
func TestRejectionsOfATest(t *testing.T) {
	d := parse(t, graph+`"request": "GET /auth.test", "ok": [200], "id": "/id", "rejections": [{"path": "ok", "value": "false"}, {"status": 403}]}}`)
	c, err := d.Connect(definition.Connection{Method: "key", Values: values{"team": "t", "user": "u", "key": "k"}})
	require.NoError(t, err)
	for body, status := range map[string]int{`{"ok": false, "id": 1}`: 200, "": 403} {
		_, err = c.Check(t.Context(), responding(status, body))
		var failed *definition.CheckError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, []any{definition.ReasonRefused, status, []string{"key"}}, []any{failed.Reason, failed.StatusCode, failed.Inputs})
	}
	id, err := c.Check(t.Context(), responding(200, `{"ok": true, "id": 1}`))
	require.NoError(t, err)
	assert.Equal(t, "1", id.ID)
	_, err = c.Check(t.Context(), responding(503, `{"ok": false}`))
	var failed *definition.CheckError
	require.ErrorAs(t, err, &failed)
	assert.True(t, failed.Temporary())
}

func TestMistakesOfATestRequest(t *testing.T) {
	for test, want := range map[string]string{
		`"request": "GET /", "body": {}`:                                     "test.body: a GET has no body; remove the body, or use POST",
		`"request": "POST /", "body": {"a": ["{x}"]}`:                        "test.body: there is no value for {x} here",
		`"request": "POST /", "body": {"a": ["{user"]}`:                      `test.body: "a.0": `,
		`"request": "POST /", "body": "{key}"`:                               "test.body: there is no value for {key} here",
		`"request": "GET /{password}"`:                                       "test.request: there is no value for {password} here",
		`"request": "GET /", "rejections": [{"status": 200}]`:                "test.rejections[0].status: ",
		`"request": "GET /", "rejections": [{"status": 403}, {"value":"x"}]`: "test.rejections[1].value: needs Path",
	} {
		assert.Contains(t, mistakes(graph+test+"}}"), want, test)
	}
	assert.Contains(t, mistakes(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "key", "type": "ApiKey", "key": "{key}", "inputs": [{"name": "key", "secret": true}]}],
		"test": {"request": "POST /", "body": ["{key}"]}}`), "test.body: {key} is a secret")
}
