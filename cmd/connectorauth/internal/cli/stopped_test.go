package cli_test

import (
	"io"
	"strings"
	"sync"

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
