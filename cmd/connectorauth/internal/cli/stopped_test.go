package cli_test

import (
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// stopped runs a command, which must succeed, and calls do while the command writes the result to a
// terminal that takes nothing, as after Ctrl+S.
func (w *world) stopped(in string, do func(), args ...string) {
	w.t.Helper()
	shown, out := io.Pipe()
	var code exit.Code
	var text strings.Builder
	var command sync.WaitGroup
	command.Go(func() {
		defer out.Close()
		code = w.with(strings.NewReader(in), out, &text, args...)
	})
	first := make([]byte, 1)
	_, err := shown.Read(first)
	if err == nil {
		do()
	}
	_, copied := io.Copy(io.Discard, shown)
	command.Wait()
	require.NoError(w.t, err, text.String())
	require.NoError(w.t, copied)
	require.Equal(w.t, exit.OK, code, text.String())
}

// A terminal after Ctrl+S takes no word of a command for hours. Meanwhile other commands go on.
func TestNobodyWaitsForACommandThatOnlyWrites(t *testing.T) {
	w := newWorld(t)
	definition := func(name string) string {
		return `{"connectorauth": 1, "name": "` + name + `", "baseUrl": "https://` + name + `.example", "methods": [{"name": "none", "type": "None"}]}`
	}
	w.stopped(definition("hooli"), func() { w.ok(definition("initrode"), "import", "-") }, "import", "-")
	answers := values("apiKey", w.p.APIKey)
	w.stopped(answers, func() { w.ok(answers, "connect", "--again", "acme-1", "--values", "-") }, "connect", "acme", "--values", "-")
	w.stopped("", func() { w.key("--name", "acme-1") }, "disconnect", "acme-1")
}
