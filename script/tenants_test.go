package script_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// beside sends n messages of one tenant while so many others run endless loops in
// several messages at a time. beside returns how long each message took, sorted.
func beside(t testing.TB, hostile, n int) []time.Duration {
	ctx, stop := context.WithCancel(t.Context())
	var others sync.WaitGroup
	for tenant := range hostile {
		api := on(t, `function before_action() { for (;;); }`, "", script.Options{Tenant: fmt.Sprint("hostile ", tenant), TimeLimit: 250 * time.Millisecond})
		for range 3 {
			others.Go(func() {
				for ctx.Err() == nil {
					req := must(http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.com/", nil))
					if _, err := api.Do(req); err == nil {
						panic("an endless loop has ended")
					}
				}
			})
		}
	}
	defer others.Wait()
	defer stop()
	api := on(t, bearerScript, "", script.Options{Tenant: "good"})
	time.Sleep(50 * time.Millisecond) // the others are at work
	var took []time.Duration
	for range n {
		began := time.Now()
		resp, err := api.Get("https://api.example.com/")
		require.NoError(t, err)
		resp.Body.Close()
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took
}

// With turns of 250 ms one after another, a message of one tenant of eight would wait
// a second on two processors. In fact, turns are cut into slices, and a tenant that
// has used little is next.
func TestTenantsGetTheirShare(t *testing.T) {
	took := beside(t, 7, 100)
	t.Logf("beside seven hostile tenants, 99 of 100 messages took at most %v", took[len(took)*99/100])
}

// BenchmarkTenants reports the messages of one tenant beside seven hostile ones, and
// alone.
func BenchmarkTenants(b *testing.B) {
	for _, c := range []struct {
		name    string
		hostile int
	}{{"alone", 0}, {"beside seven", 7}} {
		b.Run(c.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				took = beside(b, c.hostile, 1000)
			}
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
		})
	}
}

// A message that waits for its turn, or runs, ends when its caller leaves.
func TestCallersLeave(t *testing.T) {
	api := on(t, `function before_action() { for (;;); }`, "", script.Options{TimeLimit: time.Minute})
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err := api.Do(must(http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.com/", nil)))
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			var failed *script.Error
			assert.False(t, errors.As(err, &failed), "the script has done nothing wrong")
		})
	}
	all.Wait()
	resp, err := on(t, bearerScript, "", script.Options{}).Get("https://api.example.com/")
	require.NoError(t, err)
	resp.Body.Close()
}

// closes is a body whose Close does something.
type closes struct {
	io.Reader
	do func()
}

func (c closes) Close() error {
	c.do()
	return nil
}

// A body that the caller gave may send scripted requests of its own when the body is
// closed: the turn is over by then.
func TestClosingABodyTakesNoTurn(t *testing.T) {
	inner := on(t, bearerScript, "", script.Options{Tenant: "inner"})
	outer := on(t, `function before_action() { method_request = 'new' }`, "", script.Options{Tenant: "outer"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // ends a request that hangs
	defer cancel()
	var begun, all sync.WaitGroup
	n := runtime.GOMAXPROCS(0)
	begun.Add(n)
	for range n {
		all.Go(func() {
			body := closes{strings.NewReader("old"), sync.OnceFunc(func() {
				begun.Done()
				begun.Wait() // all turns would be taken
				resp, err := inner.Do(must(http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.com/", nil)))
				if assert.NoError(t, err) {
					resp.Body.Close()
				}
			})}
			resp, err := outer.Post("https://api.example.com/", "text/plain", body)
			if assert.NoError(t, err) {
				resp.Body.Close()
			}
		})
	}
	all.Wait()
}
