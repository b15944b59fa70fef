package words_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/internal/words"
)

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "a", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abd", 1}, {"abc", "ac", 1}, {"ac", "abc", 1},
		{"kitten", "sitting", 3}, {"ab", "ba", 2},
	} {
		assert.Equal(t, test.want, words.Distance(test.a, test.b), "%q %q", test.a, test.b)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"tokenNames", "tokenParams", "placement", "was", "password", "keepAlive", "key"}
	for word, want := range map[string]string{
		"tokennames": "tokenNames", "tokenName": "tokenNames", "tokenParam": "tokenParams", "plcement": "placement",
		"pass": "password", "Place": "placement", "wa": "was", "kee": "key", "keep": "keepAlive", "x": "", "": "", "something": "",
	} {
		assert.Equal(t, want, words.Nearest(word, known), word)
	}
}

func TestEither(t *testing.T) {
	for want, choice := range map[string][]string{"": nil, "a": {"a"}, "a or b": {"a", "b"}, "a, b or c": {"a", "b", "c"}} {
		assert.Equal(t, want, words.Either(choice))
	}
}
