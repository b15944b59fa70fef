package redisstore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/tokenstore/redisstore"
)

const childLease = time.Second

// runChild is another process. It locks key, loads it, says so, waits to be told
// to go on, tries to swap what it loaded, and unlocks.
func runChild(key string) {
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Addr: os.Getenv("CONNECTORAUTH_TEST_REDIS")})
	store, err := redisstore.New(redisstore.Config{Client: client, Lease: childLease})
	must(err)
	unlock, err := store.Lock(ctx, key)
	must(err)
	old, _, err := store.Load(ctx, key)
	must(err)
	fmt.Println("locked")
	io.ReadAll(os.Stdin)
	swapped, err := store.CompareAndSwap(ctx, key, old, []byte("stale"))
	must(err)
	unlock()
	fmt.Println("swapped:", swapped)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func startChild(t *testing.T, key string) (process *os.Process, goOn io.Closer, lines *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "REDISSTORE_TEST_CHILD="+key, "CONNECTORAUTH_TEST_REDIS="+address(t))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd.Process, in, bufio.NewScanner(out)
}
