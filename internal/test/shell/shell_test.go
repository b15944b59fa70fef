package shell_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/internal/test/shell"
)

func TestCommands(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       [][]string
	}{
		{"two lines", "go mod tidy\ngo test ./...\n", [][]string{{"go", "mod", "tidy"}, {"go", "test", "./..."}}},
		{"no command", "\n # nothing\n", nil},
		{"a comment behind", "go test . # fast\ngo vet .", [][]string{{"go", "test", "."}, {"go", "vet", "."}}},
		{"no comment", "echo a#b '#c'", [][]string{{"echo", "a#b", "#c"}}},
		{"quotes", `jq -R '{a: "b"}' "x 'y'"`, [][]string{{"jq", "-R", `{a: "b"}`, "x 'y'"}}},
		{"a quote over two lines", "sh -c '\n\tcurl; wget\n'", [][]string{{"sh", "-c", "\n\tcurl; wget\n"}}},
		{"an empty word", "echo '' b", [][]string{{"echo", "", "b"}}},
		{"parts of one word", `echo a'b c'"d"e`, [][]string{{"echo", "ab cde"}}},
		{"a backslash", `echo a\ b "\"" '\'`, [][]string{{"echo", "a b", `"`, `\`}}},
		{"a line that goes on", "go test \\\n\t-race .", [][]string{{"go", "test", "-race", "."}}},
		{"a pipe", "a|b x | c", [][]string{{"a"}, {"b", "x"}, {"c"}}},
		{"lists", "a && b; c || d & e", [][]string{{"a"}, {"b"}, {"c"}, {"d"}, {"e"}}},
		{"redirections", "a >f x 2> g <h y >>i\nb 2>&1 z", [][]string{{"a", "x", "y"}, {"b", "z"}}},
		{"a redirection behind a word", "echo 1a>f b", [][]string{{"echo", "1a", "b"}}},
		{"variables in front", "A=1 B='x y' go build C=2", [][]string{{"go", "build", "C=2"}}},
		{"variables alone", "A=1\nB=2", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, shell.Commands(test.text))
		})
	}
}
