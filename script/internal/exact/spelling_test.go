package exact

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Several members of one name stay only if the last, which JavaScript sees, is the
// same throughout: another reader may take the first.
func TestMembersOfOneNameGoWithTheirLast(t *testing.T) {
	for _, test := range []struct{ source, changed, want string }{
		{`{"a": 1, "a": {"x": 1}}`, `{"a":{"x":2}}`, `{ "a": {"x": 2}}`},
		{`{"a": 1, "a": {"x": 1, "y": 2}}`, `{"a":{"x":1}}`, `{ "a": {"x": 1}}`},
		{`{"a": 1, "a": {"x": 1}}`, `{"a":{"x":1,"y":2}}`, `{ "a": {"x": 1,"y":2}}`},
		{`{"a": 1, "a": [1, 2]}`, `{"a":[1]}`, `{ "a": [1]}`},
		{`{"a": 1, "a": [1, 2]}`, `{"a":[1,3]}`, `{ "a": [1, 3]}`},
		{`{"a": 1, "a": [1, {"x": 2.0}]}`, `{"a":[1,{"x":2}],"b":3}`, `{"a": 1, "a": [1, {"x": 2.0}],"b":3}`},
	} {
		got, err := Merge([]byte(test.source), []byte(test.changed), Stayed)
		require.NoError(t, err, test.source)
		assert.Equal(t, test.want, string(got), "%s with %s", test.source, test.changed)
	}
}

func TestSpellingsAtTheirLimits(t *testing.T) {
	for _, test := range []struct{ source, changed, want string }{
		// the first number that is rounded has 16 digits
		{`[1, 9007199254740993]`, `[9007199254740992]`, `[9007199254740993]`},
		// a number that is there twice can be meant twice
		{`[1, 7615917337495251231, 7615917337495251231]`, `[7615917337495251000]`, `[7615917337495251231]`},
		// numbers that JSON.stringify writes as null or as one digit are in no text
		{`{"a": 1e400, "b": 1e-400}`, `{"a":null,"b":0,"c":"null 10"}`, `{"a": 1e400, "b": 1e-400,"c":"null 10"}`},
		{`{"a": -1e400}`, `{"a":null,"b":1}`, `{"a": -1e400,"b":1}`},
		// halves of surrogate pairs, with and without something behind
		{`["\ud800\u0041", 1]`, `["\ud800A",2]`, `["\ud800\u0041", 2]`},
		{`["\ud800", "\u0800"]`, `["ࠀ","\ud800"]`, `["ࠀ", "\ud800"]`},
		{`["\uFFFD", 1]`, `["�",2]`, `["\uFFFD", 2]`},
	} {
		got, err := Merge([]byte(test.source), []byte(test.changed), Stayed)
		require.NoError(t, err, test.source)
		assert.Equal(t, test.want, string(got), "%s with %s", test.source, test.changed)
	}
	deep := strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)
	_, err := Parse([]byte(deep))
	assert.NoError(t, err)
	assert.GreaterOrEqual(t, maxDepth, 10_000, "what APIs send")
}

func TestFormsOfUnusualTexts(t *testing.T) {
	form, ok := ParseForm("a=1&&b=2&")
	assert.True(t, ok)
	assert.Equal(t, `{"a":"1","b":"2"}`, string(form.JSON()))
	_, _, err := FormValues([]byte(`{"a":"\ud800"}`))
	assert.ErrorContains(t, err, "half of a surrogate pair")
}
