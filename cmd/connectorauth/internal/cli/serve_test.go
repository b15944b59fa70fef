//go:build unix

package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestServeEndsWithTheProgramAndItsCode(t *testing.T) {
	w := newWorld(t)
	s := w.inTerminal("serve", "--run", "--", "sh", "-c", `trap 'exit 5' INT; echo "ready at $CONNECTORAUTH_URL"; while :; do sleep 0.1; done`)
	s.until("ready at http://127.0.0.1:")
	s.interrupted()
	s.typed("\x03")
	code, seen := s.end()
	assert.Equal(t, 5, code, seen)
	assert.NotContains(t, seen, "interrupted")
}
