package show_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
)

// hostile are texts, and what a terminal gets of them as one line and as a body.
var hostile = []struct{ name, text, line, body string }{
	{"plain", "Zoë 🔑", "Zoë 🔑", "Zoë 🔑"},
	{"a sequence of the terminal", "a\x1b[2Jb", `a\x1b[2Jb`, `a\x1b[2Jb`},
	{"C1", "a\u009b2J", `a\x9b2J`, `a\x9b2J`},
	{"a carriage return", "a\rb", `a\x0db`, `a\x0db`},
	{"line breaks", "a\r\nb\n", `a\x0d\nb\n`, "a\nb\n"},
	{"a tab", "a\tb", `a\tb`, "a\tb"},
	{"another direction", "a\u202eb", `a\u202eb`, `a\u202eb`},
	{"an Arabic letter mark", "a\u061cb", `a\u061cb`, `a\u061cb`},
	{"an isolate", "a\u2066b\u2069", `a\u2066b\u2069`, `a\u2066b\u2069`},
	{"a mark of direction", "a\u200eb\u200f", `a\u200eb\u200f`, `a\u200eb\u200f`},
	{"line separators", "a\u2028b\u2029", `a\u2028b\u2029`, `a\u2028b\u2029`},
	{"delete", "a\x7fb", `a\x7fb`, `a\x7fb`},
	{"no UTF-8", "a\xffb", `a\xffb`, `a\xffb`},
	{"half a character at the end", "a\xe2\x82", `a\xe2\x82`, `a\xe2\x82`},
	{"the replacement character itself", "\ufffd", "\ufffd", "\ufffd"},
}

func TestNothingCommandsATerminal(t *testing.T) {
	for _, row := range hostile {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.line, show.Line(row.text))
			for size := 1; size <= len(row.text); size++ { // the pieces in which a body comes
				var out strings.Builder
				e := &show.Escaper{W: &out}
				for rest := row.text; rest != ""; {
					piece := rest[:min(size, len(rest))]
					n, err := e.Write([]byte(piece))
					assert.NoError(t, err)
					assert.Equal(t, len(piece), n)
					rest = rest[len(piece):]
				}
				assert.NoError(t, e.Flush())
				assert.Equal(t, row.body, out.String(), "pieces of %d", size)
			}
		})
	}
}

func TestNothingInJSONCommandsATerminal(t *testing.T) {
	for _, row := range hostile {
		if !utf8.ValidString(row.text) {
			continue // JSON has no such text
		}
		t.Run(row.name, func(t *testing.T) {
			var out strings.Builder
			screen := show.Screen{Out: &out, JSON: true}
			raw, err := json.Marshal(row.text)
			require.NoError(t, err)
			require.NoError(t, screen.Print(map[string]any{"a": row.text, row.text: json.RawMessage(raw)}, nil))
			assert.Equal(t, show.Lines(out.String()), out.String())
			var read map[string]string
			require.NoError(t, json.Unmarshal([]byte(out.String()), &read))
			assert.Equal(t, map[string]string{"a": row.text, row.text: row.text}, read)
		})
	}
}

// What somebody else says is one line of a note, and commands nothing.
func TestANoteIsOneLine(t *testing.T) {
	var seen strings.Builder
	screen := show.Screen{Err: &seen}
	screen.Note("Open %s.", "https://evil.example\n\x1b[2JOpen")
	assert.Equal(t, `Open https://evil.example\n\x1b[2JOpen.`+"\n", seen.String())
}
