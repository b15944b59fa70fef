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
