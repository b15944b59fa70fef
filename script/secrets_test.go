package script_test

import (
	"encoding/base64"
	"encoding/hex"
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
