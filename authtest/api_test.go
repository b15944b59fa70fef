package authtest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
)

func TestAPIEndpointsWantTheirOneCredential(t *testing.T) {
	p := authtest.New(authtest.Config{
		Username: "Aladdin", Password: "open: sesame £", APIKey: "k+e/y=&%",
		Fields: map[string]any{"company_id": 4711, "user_token": "s3c=ret", "sandbox": true, "ratio": 1.5},
	})
	t.Cleanup(p.Close)
	access, _ := p.IssueTokens("read")
	header := func(name string, values ...string) func(r *http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	basic := func(user, password string) func(r *http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	const form, json = "application/x-www-form-urlencoded; charset=utf-8", "application/json"
	goodForm := url.Values{"company_id": {"4711"}, "user_token": {"s3c=ret"}, "sandbox": {"true"}, "ratio": {"1.5"}, "own": {"x"}}.Encode()
	const goodJSON = `{"company_id":4711,"user_token":"s3c=ret","sandbox":true,"ratio":1.5,"own":{"a":[1]}}`

	for _, c := range []struct {
		name, url   string
		edit        func(r *http.Request)
		contentType string
		body        string
		status      int
	}{
		{"open", p.OpenURL, nil, "", "", 200},
		{"bearer", p.BearerURL, header("Authorization", "Bearer "+access), "", "", 200},
		{"bearer, other case", p.BearerURL, header("Authorization", "bearer "+access), "", "", 200},
		{"bearer, none", p.BearerURL, nil, "", "", 401},
		{"bearer, unknown", p.BearerURL, header("Authorization", "Bearer x"), "", "", 401},
		{"bearer, twice", p.BearerURL, header("Authorization", "Bearer "+access, "Bearer "+access), "", "", 401},
		{"bearer, as Basic", p.BearerURL, basic("Aladdin", "open: sesame £"), "", "", 401},
		{"key header", p.KeyHeaderURL, header("X-Api-Key", p.APIKey), "", "", 200},
		{"key header, none", p.KeyHeaderURL, nil, "", "", 401},
		{"key header, wrong", p.KeyHeaderURL, header("X-Api-Key", "x"), "", "", 401},
		{"key header, twice", p.KeyHeaderURL, header("X-Api-Key", p.APIKey, p.APIKey), "", "", 400},
		{"key in the query instead", p.KeyHeaderURL + "?api_key=" + url.QueryEscape(p.APIKey), nil, "", "", 401},
		{"key authorization", p.KeyAuthorizationURL, header("Authorization", p.APIKey), "", "", 200},
		{"key authorization, prefix", p.KeyAuthorizationURL, header("Authorization", "ApiKey "+p.APIKey), "", "", 200},
		{"key authorization, wrong", p.KeyAuthorizationURL, header("Authorization", "ApiKey x"), "", "", 401},
		{"key query", p.KeyQueryURL + "?a=1&api_key=" + url.QueryEscape(p.APIKey), nil, "", "", 200},
		{"key query, not encoded", p.KeyQueryURL + "?api_key=" + p.APIKey, nil, "", "", 401},
		{"key query, twice", p.KeyQueryURL + "?api_key=x&api_key=x", nil, "", "", 400},
		{"key cookie", p.KeyCookieURL, header("Cookie", "a=b; api_key="+p.APIKey), "", "", 200},
		{"key cookie, none", p.KeyCookieURL, header("Cookie", "a=b"), "", "", 401},
		{"key cookie, twice", p.KeyCookieURL, header("Cookie", "api_key=x; api_key=y"), "", "", 400},
		{"key form", p.KeyBodyURL, nil, form, "own=x&api_key=" + url.QueryEscape(p.APIKey), 200},
		{"key JSON", p.KeyBodyURL, nil, json, `{"own":[1,{}],"api_key":"` + p.APIKey + `"}`, 200},
		{"key JSON, twice", p.KeyBodyURL, nil, json, `{"api_key":"x","api_key":"y"}`, 400},
		{"key body, other type", p.KeyBodyURL, nil, "text/plain", "api_key=x", 415},
		{"key body, array", p.KeyBodyURL, nil, json, `[]`, 415},
		{"key body, broken", p.KeyBodyURL, nil, json, `{"api_key":`, 415},
		{"key body, unclosed", p.KeyBodyURL, nil, json, `{"api_key":"x"`, 415},
		{"key body, broken form", p.KeyBodyURL, nil, form, `a=%zz`, 415},
		{"basic", p.BasicURL, basic("Aladdin", "open: sesame £"), "", "", 200},
		{"basic, none", p.BasicURL, nil, "", "", 401},
		{"basic, wrong", p.BasicURL, basic("Aladdin", "x"), "", "", 401},
		{"basic, twice", p.BasicURL, header("Authorization", "Basic eDp4", "Basic eDp4"), "", "", 401},
		{"fields form", p.FieldsURL, nil, form, goodForm, 200},
		{"fields JSON", p.FieldsURL, nil, json, goodJSON, 200},
		{"fields form, twice", p.FieldsURL, nil, form, goodForm + "&ratio=1.5&company_id=1&user_token=x&sandbox=true", 400},
		{"fields form, missing", p.FieldsURL, nil, form, "", 401},
		{"fields JSON, number as text", p.FieldsURL, nil, json, strings.Replace(goodJSON, "4711", `"4711"`, 1), 401},
		{"fields JSON, boolean as text", p.FieldsURL, nil, json, strings.Replace(goodJSON, "true", `"true"`, 1), 401},
		{"fields JSON, text as number", p.FieldsURL, nil, json, strings.Replace(goodJSON, `"s3c=ret"`, "5", 1), 401},
		{"fields, no body", p.FieldsURL, nil, "", "", 415},
		{"unknown path", p.URL + "/nothing/here", nil, "", "", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			method := "GET"
			if c.body != "" {
				method = "PATCH"
			}
			req, err := http.NewRequest(method, c.url, strings.NewReader(c.body))
			require.NoError(t, err)
			if c.contentType != "" {
				req.Header.Set("Content-Type", c.contentType)
			}
			if c.edit != nil {
				c.edit(req)
			}
			before := p.Stats()
			resp, identity, body := call(t, p.Client(), req)
			assert.Equal(t, c.status, resp.StatusCode, body)
			assert.Equal(t, c.status == 200, identity.AuthType != "", body)
			assert.Equal(t, c.status/100 == 4 && c.status != 404, resp.Header.Get("WWW-Authenticate") != "")
			for _, secret := range []string{p.APIKey, p.Password, "s3c=ret", access} {
				assert.NotContains(t, body, secret)
			}
			after := p.Stats()
			if c.status != 404 {
				assert.Equal(t, 1, after.APIAccepted+after.APIRefused-before.APIAccepted-before.APIRefused)
			}
		})
	}
	resp, _, _ := call(t, p.Client(), get(t, p.BearerURL))
	assert.Equal(t, `Bearer realm="authtest", resource_metadata="`+p.ResourceMetadataURL+`/api/bearer"`, resp.Header.Get("WWW-Authenticate"), "RFC 6750 section 3.1: no error code")
}

func TestScopeEndpoint(t *testing.T) {
	p := authtest.NewProvider(t)
	access, _ := p.IssueTokens("read write")
	for _, c := range []struct {
		url    string
		status int
	}{
		{p.ScopeURL(403, "write"), 200}, {p.ScopeURL(403, "write read"), 200},
		{p.ScopeURL(403, "admin"), 403}, {p.ScopeURL(401, "read admin"), 401},
	} {
		resp, _, body := call(t, p.Client(), withBearer(get(t, c.url), access))
		assert.Equal(t, c.status, resp.StatusCode, body)
		if c.status != 200 {
			assert.Contains(t, resp.Header.Get("WWW-Authenticate"), `error="insufficient_scope"`)
			assert.Contains(t, resp.Header.Get("WWW-Authenticate"), `admin"`)
		}
	}
	resp, _, _ := call(t, p.Client(), get(t, p.ScopeURL(403, "read")))
	assert.Equal(t, 401, resp.StatusCode)
}

func TestRedirectEndpoint(t *testing.T) {
	p, foreign := authtest.NewProvider(t), authtest.NewProvider(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		resp, err := p.Client().Post(p.RedirectURL(status, foreign.OpenURL+"?a=b&c"), "text/plain", strings.NewReader("body"))
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 200, resp.StatusCode)
	}
	var seen []string
	for _, r := range foreign.Requests("") {
		seen = append(seen, r.Method+" "+r.URL.RequestURI()+" "+string(r.Body))
	}
	const bare, full = "GET /api/open?a=b&c ", "POST /api/open?a=b&c body"
	assert.Equal(t, []string{bare, bare, bare, full, full}, seen)

	resp, _, _ := call(t, p.Client(), get(t, p.RedirectURL(200, "/")))
	assert.Equal(t, 400, resp.StatusCode)
}
