package script_test

import (
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
)

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

func TestFunctionsAtTheirLimits(t *testing.T) {
	s := newServer(t, nil)
	for source, want := range map[string]string{
		`random_bytes(0)`:    "want a count from 1 to 1024",
		`random_bytes(1025)`: "want a count from 1 to 1024",
		`sha256([256])`:      "want numbers from 0 to 255",
		`atob('/w==')`:       "the bytes are not UTF-8",
		`script_parameters.x + random_bytes(1024) + sha256([0, 255])`: "",
		`method_request_mergefields.x`:                                "",
	} {
		resp, err := client(t, apiKey(), "function before_action() { "+source+" }", script.Options{}).Get(s.URL)
		if want == "" {
			read(t, resp, err)
		} else {
			assert.ErrorContains(t, err, want, source)
		}
	}
	for _, number := range []float64{math.NaN(), math.Inf(-1)} {
		_, err := script.Wrap(apiKey(), must(script.Compile("")), script.Options{Parameters: map[string]any{"n": number}})
		assert.ErrorContains(t, err, `"n": a number is infinite or NaN`)
	}
}
