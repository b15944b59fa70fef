package script_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// All compilations are one tenant, so whoever compiles many scripts holds up nobody's
// messages: a message waits for a few slices, and not until so many compilations end.
func TestCompilationsAreOneTenant(t *testing.T) {
	api := on(t, bearerScript, "", script.Options{Tenant: "good"})
	const compilers = 40
	var ended atomic.Int64
	var all sync.WaitGroup
	stop, first := make(chan struct{}), make(chan struct{}, compilers)
	defer all.Wait()
	defer close(stop)
	functions := strings.Repeat("function f() { return [1, 2, 3].map(x => x + 1) }\n", 300)
	for i := range compilers {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				_, err := script.Compile(fmt.Sprintf("/* %d %d */\n%s", i, n, functions))
				assert.NoError(t, err)
				ended.Add(1)
				select {
				case first <- struct{}{}:
				default:
				}
			}
		})
	}
	<-first // the others are at work
	before := ended.Load()
	resp, err := api.Get("https://api.example.com/")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Less(t, ended.Load()-before, int64(compilers/4))
}
