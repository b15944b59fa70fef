package ports_test

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/ports"
)

func TestTaken(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer other.Close()
	_, taken := net.Listen("tcp", other.Addr().String())
	require.Error(t, taken)
	_, unknown := net.Listen("tcp", "127.0.0.1:none")
	require.Error(t, unknown)
	_, foreign := net.Listen("tcp", "192.0.2.1:0") // an address for documents (RFC 5737)
	require.Error(t, foreign)
	for name, row := range map[string]struct {
		err  error
		want bool
	}{
		"taken":              {taken, true},
		"taken and wrapped":  {fmt.Errorf("listen: %w", errors.Join(errors.New("other"), taken)), true},
		"no error":           {nil, false},
		"no port":            {unknown, false},
		"no address of ours": {foreign, false},
		"words alone":        {errors.New("the key is in use"), false},
	} {
		assert.Equal(t, row.want, ports.Taken(row.err), name)
	}
}
