package benchmarks

import (
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
)

// The names of functions begin with the path of their module: the library's, or that of
// the benchmarks.
const (
	library    = "github.com/connectorauth/connectorauth"
	benchmarks = library + "/internal/benchmarks"
)

// contended counts the waits for a mutex since the start of the program whose stack has a
// function of the given kind. The waits of the runtime for its own locks do not count.
func contended(counts func(function string) bool) (n int64) {
	records := make([]runtime.BlockProfileRecord, 1<<14)
	found, _ := runtime.MutexProfile(records)
	for _, record := range records[:min(found, len(records))] {
		frames := runtime.CallersFrames(record.Stack())
		first, inside := "", false
		for {
			frame, more := frames.Next()
			if first == "" {
				first = frame.Function
			}
			inside = inside || counts(frame.Function)
			if !more {
				break
			}
		}
		if inside && strings.HasPrefix(first, "sync.") {
			n += record.Count
		}
	}
	return n
}

// isOurs reports whether the function is the library's.
func isOurs(function string) bool {
	return strings.HasPrefix(function, library) && !strings.HasPrefix(function, benchmarks)
}

// A locked RoundTripper has a lock on the path of each request: the profile must see it.
type locked struct {
	mu   sync.Mutex
	base http.RoundTripper
}

func (l *locked) RoundTrip(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	runtime.Gosched()
	return l.base.RoundTrip(req)
}

// BenchmarkLocks sends requests from 64 goroutines, and reports how often a request had to
// wait for a lock of the library, for 1,000 requests.
func BenchmarkLocks(b *testing.B) {
	const goroutines, requests = 64, 500
	defer runtime.SetMutexProfileFraction(runtime.SetMutexProfileFraction(1))
	many := make([]http.RoundTripper, 100)
	for i := range many {
		many[i] = wrap[*connectorauth.OAuth2](wire{})(bearer("api.example.com"))
	}
	crowd := func(m message, transports ...http.RoundTripper) error {
		turns := make(chan http.RoundTripper, goroutines)
		for i := range goroutines {
			turns <- transports[i%len(transports)]
		}
		return together(goroutines, func() error {
			send := m.by("", <-turns).do
			for range requests {
				if err := send(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	isLocked := func(function string) bool { return strings.HasPrefix(function, benchmarks+".(*locked)") }
	before := contended(isLocked)
	if err := crowd(photos, &locked{base: wire{}}); err != nil {
		b.Fatal(err)
	}
	if contended(isLocked) == before {
		b.Fatal("the profile does not see a lock that 64 goroutines take")
	}
	for _, test := range []struct {
		name       string
		message    message
		transports []http.RoundTripper
	}{
		{"bearer", photos, many[:1]},
		{"100 accounts", photos, many},
		{"API key", photos, []http.RoundTripper{wrap[*connectorauth.APIKey](wire{})(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: token}))}},
		{"OAuth1", photos, []http.RoundTripper{signers[0].over(wire{})}},
		{"fields into JSON", orders(1), []http.RoundTripper{fields(wire{})}},
	} {
		b.Run(test.name, func(b *testing.B) {
			before := contended(isOurs)
			for b.Loop() {
				if err := crowd(test.message, test.transports...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(1000*float64(contended(isOurs)-before)/float64(b.N*goroutines*requests), "waits/1000")
		})
	}
}
