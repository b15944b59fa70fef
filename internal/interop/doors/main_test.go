package doors_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// roleVariable makes the test binary a replica: see play.
const roleVariable = "DOORS_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// role is what a replica does.
type role struct {
	Client client
	Dir    string // of the store
}

const (
	replicas = 4
	workers  = 10 // goroutines of a replica
)

// play calls the API from many goroutines, once at the start and once for each
// line of the standard input, and prints how many of the requests were accepted.
func play(text string) error {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	store, err := tokenstore.NewFile(r.Dir)
	if err != nil {
		return err
	}
	c, err := r.Client.connector(store)
	if err != nil {
		return err
	}
	client := newClient(c)
	for lines := bufio.NewScanner(os.Stdin); ; {
		fmt.Println(accepted(client, r.Client.API, workers))
		if !lines.Scan() {
			return nil
		}
	}
}

// accepted makes n requests at the same time, and returns how many the API
// accepted.
func accepted(client *http.Client, url string, n int) (count int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	var tell sync.Once
	for range n {
		all.Go(func() {
			resp, err := client.Get(url)
			if err != nil {
				tell.Do(func() { fmt.Fprintln(os.Stderr, err) })
				return
			}
			defer resp.Body.Close()
			io.Copy(io.Discard, resp.Body)
			mu.Lock()
			defer mu.Unlock()
			if resp.StatusCode == http.StatusOK {
				count++
			}
		})
	}
	all.Wait()
	return count
}

func TestProcessesShareOneCredential(t *testing.T) {
	for _, door := range doorsWithStore() {
		t.Run(door.name, func(t *testing.T) {
			t.Parallel()
			w := door.open(t)
			argument, err := json.Marshal(role{w.client, filepath.Join(t.TempDir(), "store")})
			require.NoError(t, err)
			var running []*exec.Cmd
			var inputs []io.WriteCloser
			var outputs []*bufio.Scanner
			for range replicas {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), roleVariable+"="+string(argument))
				cmd.Stderr = os.Stderr
				in, err := cmd.StdinPipe()
				require.NoError(t, err)
				out, err := cmd.StdoutPipe()
				require.NoError(t, err)
				require.NoError(t, cmd.Start())
				t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
				running, inputs, outputs = append(running, cmd), append(inputs, in), append(outputs, bufio.NewScanner(out))
			}
			for round := 1; round <= 3; round++ {
				for _, out := range outputs {
					require.True(t, out.Scan())
					assert.Equal(t, fmt.Sprint(workers), out.Text(), "round %d", round)
				}
				assert.Equal(t, round, w.obtained(), "one renewal over all processes")
				w.revoke()
				for _, in := range inputs {
					if round == 3 {
						in.Close()
						continue
					}
					_, err := fmt.Fprintln(in)
					require.NoError(t, err)
				}
			}
			for _, cmd := range running {
				assert.NoError(t, cmd.Wait())
			}
			assert.Empty(t, w.broken())
		})
	}
}
