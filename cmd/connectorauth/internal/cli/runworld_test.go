//go:build unix

package cli_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// begin starts serve --run with a program that prints the address and the token of serve first.
func (w *world) begin(command *exec.Cmd) (address, token string) {
	out, err := command.StdoutPipe()
	require.NoError(w.t, err)
	require.NoError(w.t, command.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(w.t, err)
	address, token, _ = strings.Cut(strings.TrimSpace(line), " ")
	return address, token
}

// ask makes a request by serve. left is closed when the request has ended.
func (w *world) ask(ctx context.Context, url, token string) (left chan struct{}) {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	require.NoError(w.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	left = make(chan struct{})
	go func() {
		defer close(left)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	return left
}

// closed waits until serve takes no connection any more, which is after the end of the program.
func (w *world) closed(address string) {
	require.Eventually(w.t, func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, time.Minute, 10*time.Millisecond, "the server still takes connections")
}
