package sqltest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const childLease = time.Second

// children are what another process does, on the key "k".
var children = map[string]func(ctx context.Context, p place){
	// opens the place, which may not be there yet.
	"opens": func(ctx context.Context, p place) {
		fmt.Println("ready")
		io.ReadAll(os.Stdin)
		_, _, err := p.connect(ctx, 0)
		must(err)
		fmt.Println("opened")
	},
	// takes the lock, loads, and when it may go on, swaps and unlocks.
	"holds": func(ctx context.Context, p place) {
		store, _, err := p.connect(ctx, childLease)
		must(err)
		unlock, err := store.Lock(ctx, "k")
		must(err)
		old, _, err := store.Load(ctx, "k")
		must(err)
		fmt.Println("locked")
		io.ReadAll(os.Stdin)
		swapped, err := store.CompareAndSwap(ctx, "k", old, []byte("stale"))
		must(err)
		unlock()
		fmt.Println("swapped:", swapped)
	},
	// saves growing numbers and prints each one when it is saved.
	"saves": func(ctx context.Context, p place) {
		store, _, err := p.connect(ctx, 0)
		must(err)
		last, _, err := store.Load(ctx, "k")
		must(err)
		n, _ := strconv.Atoi(strings.TrimLeft(string(last), "0"))
		for {
			n++
			must(store.Save(ctx, "k", fmt.Appendf(nil, "%020000d", n)))
			fmt.Println(n)
		}
	},
}

func runChild(name string) {
	var p place
	must(json.Unmarshal([]byte(os.Getenv("SQLTEST_PLACE")), &p))
	children[name](context.Background(), p)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// startChild runs a child until the test ends it, or ends.
func startChild(t *testing.T, name string, p place) (process *os.Process, goOn io.Closer, lines *bufio.Scanner) {
	t.Helper()
	encoded, err := json.Marshal(p)
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SQLTEST_CHILD="+name, "SQLTEST_PLACE="+string(encoded))
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
