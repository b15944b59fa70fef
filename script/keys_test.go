package script_test

import (
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
