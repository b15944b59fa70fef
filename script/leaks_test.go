package script_test

import (
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// faults.md 6.5: a field of an AuthFields has a name that tells nothing, and is a
// secret all the same, in every body, alone or in a Join.
func TestErrorsTellNoFieldOfAnAuthFields(t *testing.T) {
	const licence = "L1CENCE/of+acme=="
	s := newServer(t, nil)
	for _, format := range []struct{ contentType, body string }{
		{"application/json", `{}`}, {"application/x-www-form-urlencoded", "a=1"}, {"application/xml", "<r/>"},
	} {
		fields := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{{Key: "licence", Value: licence}}}))
		for _, c := range []connectorauth.Connector{fields, must(connectorauth.Join(fields, apiKey()))} {
			for _, thrown := range []string{
				`method_request.licence || method_request`, `JSON.stringify(method_request)`, `btoa(method_request.licence || method_request)`,
				`hex_encode(method_request.licence || method_request)`, `url_encode(method_request.licence || '` + licence + `')`, `[method_request.licence]`,
			} {
				_, err := client(t, c, "function before_action() { throw "+thrown+" }", script.Options{}).Post(s.URL, format.contentType, strings.NewReader(format.body))
				require.Error(t, err)
				for _, form := range []string{licence, base64.StdEncoding.EncodeToString([]byte(licence)), hex.EncodeToString([]byte(licence)), url.QueryEscape(licence), url.PathEscape(licence)} {
					assert.NotContains(t, err.Error(), form, "%s in %s", thrown, format.contentType)
				}
			}
		}
	}
	assert.Empty(t, s.seen)
}

// A secret in MergeFields is a secret, too, and a secret that is cut out of a long text
// leaves no part behind.
func TestErrorsTellNoSecretInALongText(t *testing.T) {
	s := newServer(t, nil)
	secret := strings.Repeat("0123456789abcdef", 40)
	o := script.Options{MergeFields: map[string]any{"key": connectorauth.Secret(secret)}}
	for _, thrown := range []string{
		`method_request_mergefields.key.repeat(20)`, `'x'.repeat(480) + method_request_mergefields.key`, `new Error(JSON.stringify(method_request_mergefields))`,
	} {
		_, err := client(t, apiKey(), "function before_action() { throw "+thrown+" }", o).Get(s.URL)
		require.ErrorContains(t, err, "script: before_action: line 1")
		assert.NotContains(t, err.Error(), secret[:16], thrown)
	}
}

// Spellings that JavaScript and this package make of a secret, alone and within a text.
func TestErrorsTellNoSecretInAnySpelling(t *testing.T) {
	const secret = "Pa ss&w0rd!/(x)+'y'*~?"
	s := newServer(t, nil)
	o := script.Options{Parameters: map[string]any{"s": connectorauth.Secret(secret)}}
	for _, thrown := range []string{
		`url_encode(s)`, `encodeURIComponent(s)`, `encodeURI(s)`, `escape(s)`, `encodeURIComponent(encodeURIComponent(s))`, `encodeURIComponent(s).replace(/%../g, function(c) { return c.toLowerCase() })`, `url_encode(s).replace(/%20/g, '+')`,
		`hex_encode(s).toUpperCase()`, `btoa('u:' + s)`, `btoa('us:' + s + ':x')`, `btoa('use:' + s + 'yy')`, `base64url_encode('u:' + s)`, `base64url_encode('us:' + s + 'z')`, `btoa(JSON.stringify({s: s}))`,
		`JSON.stringify([s])`, `JSON.stringify(JSON.stringify([s]))`, `JSON.stringify([s]).replace(/\//g, '\\/')`, `utf8_encode(s)`, `JSON.stringify(utf8_encode(s))`,
	} {
		_, err := client(t, apiKey(), "function before_action() { var s = script_parameters.s; throw '<' + ("+thrown+") + '>' }", o).Get(s.URL)
		require.ErrorContains(t, err, "script: before_action: line 1")
		for _, part := range []string{"w0rd", "dzByZ", "cwcmQ", "3MHJk", "77307264", "119,48,114,100"} {
			assert.NotContains(t, err.Error(), part, thrown)
		}
	}
}

// The engine cuts what an error names, also in the middle of a secret.
func TestErrorsTellNoBeginningOfASecret(t *testing.T) {
	token := strings.Repeat("eyJhbGciOiJIUzI1NiJ9.", 20)
	s := newServer(t, nil)
	o := script.Options{Parameters: map[string]any{"s": connectorauth.Secret(token)}}
	for _, source := range []string{
		`null[s]`, `undefined[s].x`, `null[s] = 1`, `JSON.parse(s)`, `BigInt(s)`, `new RegExp('(' + s)`, `s in 'x'`, `'use strict'; Object.freeze({})[s] = 1`, `var o = {}; o[s]()`, `new Intl[s]`, `Symbol(s) + 1`, `new (Object(s))`,
		`class A { #x; static f(o) { return o.#x } } A.f(s)`, `decodeURIComponent(s + '%')`, `var {[s]: {x}} = {}`, `var m = {[s]: 1}; m[s].x.y`, `Reflect.construct(s)`, `new Date(s).toISOString()`, `Object.defineProperty(Object.freeze({}), s, {value: 1})`,
		`throw s.slice(0, 63)`, `throw s.slice(0, 300)`, `throw 'x' + s.slice(0, 63) + 'y'`, `sign(s, 'a', 'b')`, `new Error(s.slice(0, 30)).x.y`,
	} {
		_, err := client(t, apiKey(), "function before_action() { var s = script_parameters.s; "+source+" }", o).Get(s.URL)
		if err != nil {
			assert.NotContains(t, err.Error(), token[:20], source)
		}
	}
}

// Secrets that come and go in headers.
func TestErrorsTellNoSecretOfHeaders(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "sid=s3ss10n-0f-the-api; Path=/")
		w.Header().Add("Set-Cookie", "b=s3c0nd-c00kie")
		w.Header().Set("X-Auth-Token", "t0ken-0f-the-api")
		w.Header().Set("X-Access-Key", "acc3ss-k3y-value")
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"session_id": "in-the-b0dy-1", "credentials": {"value": "in-the-b0dy-2"}, "privateKey": "in-the-b0dy-3", "jwt": ["in-the-b0dy-4"], "passphrase": "in-the-b0dy-5"}`)
	})
	for _, thrown := range []string{
		`JSON.stringify([method_request_headers, method_response_headers, method_response])`, `method_response_headers['Set-Cookie'].split(/[=;]/)[1]`, `method_request_headers.Cookie.split('=')[2]`,
		`method_response_headers['X-Auth-Token']`, `[method_response_headers['X-Access-Key']]`, `method_response.session_id + method_response.credentials.value + method_response.privateKey + method_response.jwt + method_response.passphrase`,
	} {
		req := must(http.NewRequest(http.MethodGet, s.URL, nil))
		req.Header.Set("Cookie", "a=c00kie-0f-the-caller; b=0ther-c00kie")
		_, err := client(t, apiKey(), "function after_action() { throw "+thrown+" }", script.Options{}).Do(req)
		require.ErrorContains(t, err, "script: after_action: line 1")
		for _, secret := range []string{"s3ss10n-0f", "s3c0nd", "t0ken-0f", "acc3ss-k3y", "c00kie", "b0dy"} {
			assert.NotContains(t, err.Error(), secret, thrown)
		}
	}
}

// A field of an AuthFields is a secret in errors, wherever its key puts the field. The
// rest of the error stays.
func TestErrorsTellNoFieldAtAnyKey(t *testing.T) {
	const licence = "L1CENCE/of+acme=="
	s := newServer(t, nil)
	for _, key := range []string{"licence", "auth.licence", "/auth/licence", "/auth.licence", "/params/0", "/params/-", "/a~1b~0c"} {
		c := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{{Key: key, Value: licence}}}))
		for _, thrown := range []string{`JSON.stringify(method_request)`, `method_request_content`} {
			for contentType, body := range map[string]string{"application/json": "{}", "application/x-www-form-urlencoded": "a=1"} {
				_, err := client(t, c, "function before_action() { throw 'seen ' + "+thrown+" }", script.Options{}).Post(s.URL, contentType, strings.NewReader(body))
				assert.ErrorContains(t, err, "script: before_action: line 1, column 28: seen", "%s at %s", thrown, key)
				assert.NotContains(t, err.Error(), licence, "%s at %s", thrown, key)
			}
		}
	}
}

// Credentials that the caller sends are secrets, and words that only sound so are not.
func TestErrorsTellNoCredentialOfTheCaller(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"token_type": "bearer-type"}`) })
	for header, source := range map[string]string{
		"Cookie: session=the-secret":                  `method_request_headers.Cookie`,
		"Authorization: Scheme the-secret":            `method_request_headers.Authorization.split(' ')[1]`,
		"Authorization: Basic dXNlcjp0aGUtc2VjcmV0":   `atob(method_request_headers.Authorization.split(' ')[1])`,
		"X-Api-Key: the-secret":                       `method_request_headers['X-Api-Key']`,
		"Authorization: Basic dXNlcjp0aGUtc2VjcmV0  ": `atob(method_request_headers.Authorization.split(' ')[1]).split(':')[1]`,
	} {
		req := must(http.NewRequest(http.MethodGet, s.URL, nil))
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, strings.TrimSpace(value))
		_, err := client(t, apiKey(), "function before_action() { throw 'seen ' + "+source+" }", script.Options{}).Do(req)
		assert.ErrorContains(t, err, "seen ", header)
		assert.NotContains(t, err.Error(), "the-secret", header)
	}
	_, err := client(t, apiKey(), "function after_action() { throw method_response.token_type }", script.Options{}).Get(s.URL)
	assert.ErrorContains(t, err, "bearer-type")
}

// A text with secrets as the message spells them.
func TestErrorsTellNoSecretInTheSpellingOfABody(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, `{"access_token": "resp\u006fnse\/secret"}`)
	})
	const handler = `function before_action() { throw method_request_content }`
	for body, contentType := range map[string]string{
		`{"token":"jso\u006e\"secret","id":"4711-seen","password":70117011}`: "application/json",
		`password=f%6f%72m+secret&id=4711-seen`:                              "application/x-www-form-urlencoded",
	} {
		_, err := client(t, apiKey(), handler, script.Options{}).Post(s.URL, contentType, strings.NewReader(body))
		assert.ErrorContains(t, err, "4711-seen")
		assert.NotContains(t, err.Error(), "secret")
		assert.NotContains(t, err.Error(), "70117011")
	}
	_, err := client(t, apiKey(), `function after_error() { throw 'seen ' + method_error.content }`, script.Options{}).Get(s.URL)
	assert.ErrorContains(t, err, "seen {")
	assert.NotContains(t, err.Error(), "secret")
}
