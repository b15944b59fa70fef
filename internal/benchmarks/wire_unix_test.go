//go:build unix

package benchmarks

import (
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
)

const clients = 16 // goroutines that send requests

// plain is what a program does with a token that it keeps itself.
type plain struct{ base http.RoundTripper }

func (p plain) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+token)
	return p.base.RoundTrip(req)
}

// ways are the clients of the benchmarks over TLS, each with connections of its own. The
// tokens of all live for an hour, but renewing's, whose tokens live for two seconds.
func (a api) ways(t testing.TB) (plainly, ours, renewing, xoauth2 *http.Client) {
	base := func() http.RoundTripper { return a.transport(t, clients) }
	live := &oauth2.Token{AccessToken: token, Expiry: time.Now().Add(time.Hour)}
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: a.url + "/token", Grant: connectorauth.ClientCredentials{},
	}))
	require.NoError(t, c.SetToken(t.Context(), live))
	r := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "other", ClientSecret: "secret", TokenURL: a.url + "/token", Grant: connectorauth.ClientCredentials{},
		HTTPClient: &http.Client{Transport: base()},
	}))
	return &http.Client{Transport: plain{base()}},
		connectorauth.NewClient(c, &http.Client{Transport: base()}),
		connectorauth.NewClient(r, &http.Client{Transport: base()}),
		&http.Client{Transport: &oauth2.Transport{Source: oauth2.StaticTokenSource(live), Base: base()}}
}

// processTime returns the time of the processor that this process has used.
func processTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func TestRequestsOverTLSReachTheServer(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
		t.Run(protocol, func(t *testing.T) {
			a := start(t, protocol)
			plainly, ours, renewing, xoauth2 := a.ways(t)
			for _, client := range []*http.Client{plainly, ours, renewing, xoauth2} {
				require.NoError(t, a.get(client))
			}
			require.ErrorContains(t, a.get(&http.Client{Transport: a.transport(t, 1)}), "401")
		})
	}
}

// BenchmarkWire sends requests over TLS and loopback from 16 goroutines, with each client
// in turn. It reports requests a second and the time of the processor for one request,
// each by the best turn, and the ratio of that time to the plain client's.
func BenchmarkWire(b *testing.B) {
	const requests = 100 // of each goroutine in a turn
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
		b.Run(protocol, func(b *testing.B) {
			a := start(b, protocol)
			plainly, ours, _, xoauth2 := a.ways(b)
			all := []struct {
				name       string
				client     *http.Client
				took, used time.Duration
			}{{"plain", plainly, time.Hour, time.Hour}, {"ours", ours, time.Hour, time.Hour}, {"x.oauth2", xoauth2, time.Hour, time.Hour}}
			for b.Loop() {
				for i, way := range all {
					began, before := time.Now(), processTime()
					err := together(clients, func() error {
						for range requests {
							if err := a.get(way.client); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						b.Fatal(way.name, err)
					}
					all[i].took, all[i].used = min(way.took, time.Since(began)), min(way.used, processTime()-before)
				}
			}
			b.ReportMetric(0, "ns/op")
			for _, way := range all {
				b.ReportMetric(clients*requests/way.took.Seconds(), way.name+"-requests/s")
				b.ReportMetric(float64(way.used.Microseconds())/(clients*requests), way.name+"-cpu-us")
				if way.name != "plain" {
					b.ReportMetric(float64(way.used)/float64(all[0].used), way.name+"/plain")
				}
			}
		})
	}
}

// BenchmarkRenewal sends requests over TLS from 16 goroutines for a second, while the token
// is renewed, and in turn with a plain client. It reports the time within which 99 of 100
// requests end: the median over the turns.
func BenchmarkRenewal(b *testing.B) {
	a := start(b, "HTTP/1.1")
	plainly, _, renewing, _ := a.ways(b)
	turn := func(client *http.Client) float64 {
		var mu sync.Mutex
		var took []time.Duration
		end := time.Now().Add(time.Second)
		err := together(clients, func() error {
			var mine []time.Duration
			for began := time.Now(); began.Before(end); began = time.Now() {
				if err := a.get(client); err != nil {
					return err
				}
				mine = append(mine, time.Since(began))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		slices.Sort(took)
		return float64(took[len(took)*99/100].Microseconds()) / 1000
	}
	var with, without []float64
	for b.Loop() {
		with, without = append(with, turn(renewing)), append(without, turn(plainly))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(with), "ours-p99-ms")
	b.ReportMetric(median(without), "plain-p99-ms")
	b.ReportMetric(median(with)/median(without), "ours/plain")
}

// median returns the middle one of the values.
func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
