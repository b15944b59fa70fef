package benchmarks

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A growth is a cost that may grow with a number: of hosts, of headers, of waiters. Prepare
// returns the work whose time is the cost.
type growth struct {
	name    string
	counts  []int
	prepare func(t testing.TB, n int) (do func() error)
	renews  bool // the work renews tokens, and takes long
}

var ones = []int{1, 10, 100, 1000}

// growths are the rows of the table of growth. The work is one request, if the name does
// not say more.
var growths = []growth{
	{"hosts", ones, func(_ testing.TB, n int) func() error {
		return photos.by("", wrap[*connectorauth.OAuth2](wire{})(bearer(entries(n, "tenant-%d.example.com", "api.example.com")...))).do
	}, false},
	{"wildcards", ones, func(_ testing.TB, n int) func() error {
		return photos.by("", wrap[*connectorauth.OAuth2](wire{})(bearer(entries(n, "*.tenant-%d.example.com", "*.example.com")...))).do
	}, false},
	{"headers", ones, func(_ testing.TB, n int) func() error {
		req := photos.request()
		for i := range n {
			req.Header.Set(fmt.Sprintf("X-Header-%d", i), "value")
		}
		return sending(wrap[*connectorauth.OAuth2](wire{})(bearer()), req)
	}, false},
	{"redirects before the request", ones, func(_ testing.TB, n int) func() error {
		req := photos.request()
		for range n {
			next := photos.request()
			next.Response = &http.Response{StatusCode: http.StatusFound, Request: req}
			req = next
		}
		return sending(wrap[*connectorauth.OAuth2](wire{})(bearer("api.example.com")), req)
	}, false},
	{"parameters of an OAuth1 request", ones, func(_ testing.TB, n int) func() error {
		return parameters(n, false).by("", signers[0].over(wire{})).do
	}, false},
	{"kB of JSON that get fields", ones, func(_ testing.TB, n int) func() error {
		return orders(5*n).by("", fields(wire{})).do
	}, false},
	{"kB of XML that get fields", ones, func(_ testing.TB, n int) func() error {
		return xmlOrders(8*n).by("", fields(wire{})).do
	}, false},
	{"kB of a form that get fields", ones, func(_ testing.TB, n int) func() error {
		return parameters(20*n, true).by("", fields(wire{})).do
	}, false},
	{"accounts, each in turn", ones, func(_ testing.TB, n int) func() error {
		sends := make([]func() error, n)
		for i := range sends {
			sends[i] = photos.by("", wrap[*connectorauth.OAuth2](wire{})(bearer("api.example.com"))).do
		}
		next := 0
		return func() error {
			next = (next + 1) % n
			return sends[next]()
		}
	}, false},
	{"accounts that are renewed at once", ones, func(t testing.TB, n int) func() error {
		var p provider
		return func() error {
			transports := make(chan http.RoundTripper, n)
			for i := range n {
				transports <- p.connector(t, account{shared: &p.shared, name: fmt.Sprint("account-", i), expired: true}).Wrap(wire{})
			}
			return p.counted(n, func() error {
				return together(n, func() error { return sending(<-transports, photos.request())() })
			})
		}
	}, true},
	{"goroutines that wait for one renewal", []int{1, 10, 100, 1000, 10_000}, func(t testing.TB, n int) func() error {
		var p provider
		return func() error {
			rt := p.connector(t, account{shared: &p.shared, name: "alice", expired: true}).Wrap(wire{})
			return p.counted(1, func() error {
				return together(n, func() error { return sending(rt, photos.request())() })
			})
		}
	}, true},
	{"programs that wait for one renewal, over a File store", []int{1, 10, 100}, func(t testing.TB, n int) func() error {
		var p provider
		folder, turn := filepath.Join(t.TempDir(), "tokens"), 0
		return func() error {
			turn++
			transports := make(chan http.RoundTripper, n)
			for i := range n {
				program := account{new(connectorauth.Shared), fmt.Sprint("account-", turn), must(tokenstore.NewFile(folder)), i == 0}
				transports <- p.connector(t, program).Wrap(wire{})
			}
			return p.counted(1, func() error {
				return together(n, func() error { return sending(<-transports, photos.request())() })
			})
		}
	}, true},
}

// entries returns n hosts, of which the last is last.
func entries(n int, form, last string) []string {
	hosts := make([]string, n)
	for i := range hosts {
		hosts[i] = fmt.Sprintf(form, i)
	}
	hosts[n-1] = last
	return hosts
}

// sending returns a function that sends req through rt.
func sending(rt http.RoundTripper, req *http.Request) func() error {
	return func() error {
		_, err := rt.RoundTrip(req)
		return err
	}
}

// BenchmarkGrowth reports the time of the work at each count, by the best of many turns.
func BenchmarkGrowth(b *testing.B) {
	for _, g := range growths {
		b.Run(g.name, func(b *testing.B) {
			work := make([]func() error, len(g.counts))
			best := make([]time.Duration, len(g.counts))
			for i, n := range g.counts {
				work[i], best[i] = g.prepare(b, n), time.Hour
			}
			for b.Loop() {
				for i, do := range work {
					calls := max(1, 1000/g.counts[i])
					if g.renews {
						calls = 1
					}
					began := time.Now()
					for range calls {
						if err := do(); err != nil {
							b.Fatal(g.counts[i], err)
						}
					}
					best[i] = min(best[i], time.Since(began)/time.Duration(calls))
				}
			}
			b.ReportMetric(0, "ns/op")
			for i, n := range g.counts {
				b.ReportMetric(float64(best[i].Nanoseconds()), fmt.Sprintf("ns-at-%d", n))
			}
		})
	}
}

func TestGrowingWorkIsDone(t *testing.T) {
	for _, g := range growths {
		t.Run(g.name, func(t *testing.T) {
			for _, n := range g.counts[:2] {
				assert.NoError(t, g.prepare(t, n)(), "%d", n)
			}
		})
	}
}
