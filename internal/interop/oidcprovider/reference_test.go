package oidcprovider_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/interop/npm"
)

// A reference is openid-client, in a process of its own.
type reference struct {
	node   *exec.Cmd
	input  io.WriteCloser
	output *bufio.Scanner
}

func (s *server) reference(t *testing.T) *reference {
	t.Helper()
	r := &reference{node: npm.Node(s.dir, filepath.Join(s.dir, "reference.mjs"), s.issuer, signingKey(), secret, redirectURL)}
	r.node.Stderr = os.Stderr
	var err error
	r.input, err = r.node.StdinPipe()
	require.NoError(t, err)
	out, err := r.node.StdoutPipe()
	require.NoError(t, err)
	r.output = bufio.NewScanner(out)
	require.NoError(t, r.node.Start())
	t.Cleanup(func() {
		r.input.Close()
		r.node.Wait()
	})
	return r
}

// goThrough leads the account owner through a flow with the reference client.
func (r *reference) goThrough(t *testing.T, s *server, f flow) {
	t.Helper()
	wanted := struct {
		flow
		Scope string `json:"scope"`
	}{f, strings.Join(f.scopes(), " ")}
	text, err := json.Marshal(wanted)
	require.NoError(t, err)
	r.say(t, string(text))
	for o := newOwner(t); ; {
		require.True(t, r.output.Scan(), "the reference client has ended")
		var said struct {
			Open, Device, Error string
			Done                bool
		}
		require.NoError(t, json.Unmarshal(r.output.Bytes(), &said))
		require.Empty(t, said.Error)
		switch {
		case said.Done:
			return
		case said.Open != "":
			r.say(t, s.consent(t, o, said.Open).String())
		default:
			o.device(t, said.Device)
			r.say(t, "agreed")
		}
	}
}

func (r *reference) say(t *testing.T, line string) {
	t.Helper()
	_, err := fmt.Fprintln(r.input, line)
	require.NoError(t, err)
}
