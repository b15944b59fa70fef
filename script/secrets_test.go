package script_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// thrownWith returns the error of a script that throws a value after this response.
func thrownWith(t *testing.T, thrown, response string, o script.Options) string {
	t.Helper()
	_, err := on(t, "function after_action() { method_response; throw "+thrown+" }", response, o).Get("https://api.example.com/")
	require.ErrorContains(t, err, "script: after_action: ")
	return err.Error()
}

// A value is secret by the name of any member that the value is in, however deep.
func TestErrorsTellNoSecretDeepInABody(t *testing.T) {
	for _, names := range [][2]int{{600, 1}, {2, 1000}, {1, 100_000}} {
		name := strings.Repeat("n", names[1])
		inside := func(value string) string {
			return strings.Repeat(`{"`+name+`":`, names[0]) + value + strings.Repeat("}", names[0])
		}
		for _, body := range []string{inside(`{"password":"in-the-b0dy"}`), `{"password":` + inside(`["in-the-b0dy"]`) + `}`} {
			const find = `method_response_headers && (function f(v) { return typeof v === 'object' ? f(Object.values(v)[0]) : 'seen ' + v })(method_response)`
			text := thrownWith(t, find, body, script.Options{})
			assert.Contains(t, text, "seen [redacted]", names)
			assert.NotContains(t, text, "b0dy", names)
		}
	}
}

// An error is made outside of the turns of tenants. So where the search for secrets would
// be long, the text is withheld.
func TestErrorsAreWithheldWhereTheSearchIsLong(t *testing.T) {
	tokens := func(n, length int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"%s%d"`, strings.Repeat("s", length), i))
		}
		return `{"tokens":[` + strings.Join(list, ",") + `]}`
	}
	for _, test := range []struct {
		thrown, response string
		withheld         bool
	}{
		{`'seen'`, tokens(100, 100), false},
		{`'seen'`, tokens(1, 100_000), false},
		{`'seen' + 'x'.repeat(90000)`, tokens(10, 100), false},
		{`'seen'`, tokens(201, 10), true},
		{`'seen'`, tokens(100, 5_000), true},
		{`'seen' + 'x'.repeat(90000)`, tokens(200, 100), true},
	} {
		text := thrownWith(t, test.thrown, test.response, script.Options{})
		assert.Equal(t, test.withheld, strings.Contains(text, "withheld"), "%s with %d bytes: %s", test.thrown, len(test.response), text)
		assert.Equal(t, test.withheld, !strings.Contains(text, "seen"), test.thrown)
	}
	large := script.Options{Parameters: map[string]any{"s": connectorauth.Secret(strings.Repeat("s", 200_000))}}
	assert.Contains(t, thrownWith(t, `script_parameters.s`, "{}", large), "withheld")
}

// The engine cuts what an error names. A part of a credential is secret as well, also of a
// Join, whose credentials the script finds in the message alone.
func TestErrorsTellNoPartOfACredentialOfAJoin(t *testing.T) {
	token := strings.Repeat("eyJhbGciOiJIUzI1NiJ9.", 20)
	second := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(token), Name: "X-Second"}))
	s := newServer(t, nil)
	for name, c := range map[string]connectorauth.Connector{"alone": second, "in a Join": must(connectorauth.Join(apiKey(), second))} {
		for _, source := range []string{`null[s]`, `throw s.slice(0, 63)`, `throw 'x' + s.slice(7, 300)`} {
			for _, handlers := range []string{
				`function before_action() { var s = method_request_headers['X-Second']; ` + source + ` }`,
				`function before_action() { action_data.s = method_request_headers['X-Second'] } function after_action() { var s = action_data.s; ` + source + ` }`,
			} {
				_, err := client(t, c, handlers, script.Options{}).Get(s.URL)
				require.Error(t, err)
				assert.NotContains(t, err.Error(), token[1:20], "%s, %s", name, handlers)
			}
		}
		_, err := client(t, c, `function before_action() { throw 'seen ' + Object.keys(method_request_headers) }`, script.Options{}).Get(s.URL)
		assert.ErrorContains(t, err, "seen X-", name)
	}
}
