package script_test

import (
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// JavaScript lets authors spell letters of a name by their number.
func TestNamesMayBeEscaped(t *testing.T) {
	got := post(t, `function before\u005faction() { method_\u{72}equest_headers.A = 'a' }`, "text/plain", "x")
	assert.Equal(t, "a", got.Header.Get("A"))
}

func TestNamesTwoLettersAway(t *testing.T) {
	_, err := script.Compile("function bfore_acton() {}")
	assert.ErrorContains(t, err, "did you mean before_action?")
	for _, name := range []string{"bfor_acton", "$before_paging", "reaction", "error", "on_error"} {
		_, err := script.Compile("function " + name + "() {}")
		assert.NoError(t, err, name)
	}
}

// A script that spoils what JSON.stringify uses still has an error with a text, and an
// error of the package has no place in the script.
func TestErrorsHaveATextAndTheRightPlace(t *testing.T) {
	s := newServer(t, nil)
	for source, want := range map[string]string{
		`Object.prototype.toJSON = function() { throw 'json' }; throw 'text'`:       "line 1, column 83: text",
		`Array.prototype.toJSON = function() { return 5 }; throw new Error('text')`: "Error: text",
		`throw {stack: 'a\0b', message: 'text'}`:                                    "text",
		`method_request = Symbol()`:                                                 "before_action: TypeError: the body is a value",
		`method_request_headers = null`:                                             "before_action: TypeError: method_request_headers must be",
	} {
		assert.ErrorContains(t, fails(t, s, source, time.Second), want, source)
	}
}

// An error is about the author's source, never about a line of the package, and
// names what was wrong.
func TestErrorsNameWhatIsWrong(t *testing.T) {
	s := newServer(t, nil)
	for source, want := range map[string]string{
		`method_request_headers.A = {b: 1}`:                              "script: before_action: TypeError: method_request_headers: A is an object; want a string",
		`method_request_parameters.p = [null, {}]`:                       "script: before_action: TypeError: method_request_parameters: p is an object; want a string",
		`method_request_headers = null`:                                  "script: before_action: TypeError: method_request_headers must be an object",
		`method_request = function() {}`:                                 "script: before_action: TypeError: the body is a value that JSON cannot write",
		`method_request_headers.A = method_request.id`:                   "script: before_action: method_request_headers: a number has more digits",
		`method_request_parameters.id = method_request.id`:               "script: before_action: method_request_parameters: a number has more digits",
		`method_endpoint += '&id=' + method_request.id`:                  "script: before_action: method_endpoint: a number has more digits",
		`method_request.text = 'order ' + method_request.id`:             "script: before_action: method_request: a number has more digits",
		`sign('HMAC-SHA256', script_parameters.nothing, 'x')`:            "script: before_action: line 1, column 48: TypeError: argument 2 is missing",
		`[1].forEach(function() { method_request_headers.A = nothing })`: "script: before_action: line 1, column 80: ReferenceError: nothing is not defined",
	} {
		_, err := client(t, apiKey(), "function before_action() { "+source+" }", script.Options{}).
			Post(s.URL+"/?a=1", "application/json", strings.NewReader(`{"id": 7615917337495251231}`))
		var failed *script.Error
		require.ErrorAs(t, err, &failed, source)
		assert.True(t, strings.HasPrefix(failed.Error(), want), "%s: %s", source, failed)
		assert.Equal(t, strings.Contains(want, "line 1"), failed.Line == 1 && failed.Column > 0, source)
		assert.GreaterOrEqual(t, failed.Line, 0)
		assert.Equal(t, failed.Line == 0, failed.Column == 0, source)
	}
}
