package ask_test

import (
	"bufio"
	"bytes"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/ask"
)

func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{`{"key": "abc"}`, "\ufeff{\"key\": 1.50}", "\xff\xfe{\x00}\x00", "{\"key\": \"\xfc\"}", `{"key": null}`, `{"key": "\ud800"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		a, err := ask.New(t.Context(), bytes.NewReader(file), io.Discard, "--values", "-")
		if err != nil {
			return
		}
		for _, name := range a.Left() {
			answer, given := a.Given(name)
			require.True(t, given)
			assert.True(t, utf8.ValidString(answer))
		}
		assert.Empty(t, a.Left())
	})
}

func FuzzHidden(f *testing.F) {
	for _, seed := range []string{"abc\r", "a\x7f\x15\x08b\n", "-----BEGIN X-----\ra\r-----END X-----\r", "{\r}\r", "\x04", "ab\x03", "\r\n"} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, typed []byte, lines bool) {
		text, err := ask.Hidden(bufio.NewReader(bytes.NewReader(typed)), lines)
		if err != nil {
			assert.Empty(t, text)
			return
		}
		assert.NotContains(t, string(text), "\x03")
		assert.NotContains(t, string(text), "\r")
		begin := bytes.TrimSpace(text)
		if !bytes.HasPrefix(begin, []byte("-----BEGIN ")) && !(lines && bytes.HasPrefix(begin, []byte("{"))) {
			assert.NotContains(t, string(text), "\n")
		}
	})
}
