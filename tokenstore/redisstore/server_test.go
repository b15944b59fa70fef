package redisstore_test

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/stores"
)

// A server is a Redis server that a test has started.
type server struct {
	address string
	args    []string
	cmd     *exec.Cmd
}

// newServer starts a server that works in dir.
func newServer(dir string, options ...string) (*server, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	port, err := stores.FreePort()
	if err != nil {
		return nil, err
	}
	s := &server{address: net.JoinHostPort("127.0.0.1", port)}
	s.args = append([]string{path, "--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", ""}, options...)
	return s, s.start()
}

// start starts the server and waits until the server listens.
func (s *server) start() error {
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for range 2400 {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			return conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("redis-server does not listen on %s", s.address)
}

func (s *server) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// crash kills the server, and starts the server again after the time given.
func (s *server) crash(t *testing.T, down time.Duration) {
	t.Helper()
	s.kill()
	time.Sleep(down)
	require.NoError(t, s.start())
}

// shared is the server of most tests. TestMain ends the server.
var shared *server

var startShared = sync.OnceValues(func() (address string, err error) {
	if address := os.Getenv("CONNECTORAUTH_TEST_REDIS"); address != "" {
		return address, nil
	}
	if shared, err = newServer(os.TempDir(), "--appendonly", "no"); err != nil {
		return "", err
	}
	return shared.address, nil
})

// address returns the host and port of a Redis server. Without a server, the
// test is skipped.
func address(t testing.TB) string {
	t.Helper()
	address, err := startShared()
	if err != nil {
		stores.Missing(t, "Redis", "install redis-server, or set CONNECTORAUTH_TEST_REDIS=host:port", err)
	}
	return address
}

// skipExamplesWithoutServer leaves the examples out where tests skip for want of a server:
// an example cannot skip itself.
func skipExamplesWithoutServer() {
	_, err := exec.LookPath("redis-server")
	if err == nil || os.Getenv("CONNECTORAUTH_TEST_REDIS") != "" || os.Getenv("CONNECTORAUTH_TEST_REQUIRE") == "1" {
		return
	}
	skip := "^Example"
	if given := flag.Lookup("test.skip").Value.String(); given != "" {
		skip = given + "|" + skip
	}
	if err := flag.Set("test.skip", skip); err != nil {
		panic(err)
	}
}

// newDurable starts a server for one test that keeps what it has written, as the
// package documentation advises.
func newDurable(t *testing.T) *server {
	t.Helper()
	s, err := newServer(t.TempDir(), "--appendonly", "yes", "--appendfsync", "always")
	if err != nil {
		stores.Missing(t, "Redis", "install redis-server", err)
	}
	t.Cleanup(s.kill)
	return s
}
