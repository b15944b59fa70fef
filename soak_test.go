package connectorauth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/race"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// usage is what a program must not use more of the longer it runs.
type usage struct{ heap, goroutines, descriptors int }

// measure returns the present usage; descriptors are 0 where the system does not
// list them.
func measure() (u usage) {
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if entries, err := os.ReadDir(dir); err == nil {
			u.descriptors = len(entries)
			break
		}
	}
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	u.heap, u.goroutines = int(memory.HeapAlloc), runtime.NumGoroutine()
	return u
}

// 64 goroutines make 200,000 requests over sockets while the token, of which the
// provider takes no refresh token twice, runs out every 300 ms. No request may
// fail, each token is renewed once, and nothing is left over.
func TestSoak(t *testing.T) {
	const goroutines, lifetime = 64, 300 * time.Millisecond
	requests := 200_000
	if testing.Short() || race.Enabled {
		requests = 10_000
	}
	// To the provider a token lives longer than it tells, so that a request that is
	// under way when the token runs out is not refused on a busy machine.
	p := authtest.New(authtest.Config{TokenLifetime: 5 * time.Second})
	defer p.Close()
	p.Inject(p.TokenURL, authtest.Always, authtest.EditAnswer(func(answer map[string]any) { answer["expires_in"] = lifetime.Seconds() }))
	base := &http.Transport{MaxIdleConnsPerHost: goroutines}
	defer base.CloseIdleConnections()
	start := measure()

	var events events
	c := connect(t, p, func(config *connectorauth.OAuth2Config) {
		config.Store, config.Account, config.Observe = new(tokenstore.Memory), "alice", events.observe
	})
	issue(t, p, c, lifetime)
	client := connectorauth.NewClient(c, &http.Client{Transport: base})
	var failed atomic.Int64
	send := func(n int) {
		var next atomic.Int64
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() {
				for next.Add(1) <= int64(n) {
					resp, err := client.Get(p.BearerURL)
					if err != nil || resp.StatusCode != http.StatusOK {
						if failed.Add(1) == 1 {
							t.Errorf("the first failure: %v %v", resp, err)
						}
					}
					if err == nil {
						io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
				}
			})
		}
		all.Wait()
	}
	began := time.Now()
	send(requests / 10) // until pools and the provider's records have their size
	warm := measure()
	send(requests - requests/10)
	took, end := time.Since(began), measure()

	stats, count := p.Stats(), map[connectorauth.EventKind]int{}
	for _, kind := range events.kinds() {
		count[kind]++
	}
	t.Logf("%d requests in %v, %d token requests; %+v, then %+v, then %+v", requests, took.Round(time.Millisecond), stats.TokenRequests, start, warm, end)
	assert.Zero(t, failed.Load())
	assert.Zero(t, stats.APIRefused)
	assert.Equal(t, requests, stats.APIAccepted)
	assert.Zero(t, stats.ReuseDetected)
	assert.Zero(t, stats.RevokedGrants)
	// Renewal begins when four fifths of a life are over, and may begin late: it
	// waits for a request, and for the processor.
	assert.LessOrEqual(t, stats.TokenRequests, int(took/(lifetime*4/5))+1)
	assert.GreaterOrEqual(t, stats.TokenRequests, int(took/(lifetime*2)))
	assert.Equal(t, stats.TokenRequests, count[connectorauth.EventRenewed])
	assert.Len(t, count, 2, "every token was renewed and saved, and nothing else happened: %v", count)

	assert.Less(t, end.heap-warm.heap, 2<<20, "bytes of heap that were added")
	assert.LessOrEqual(t, end.goroutines, warm.goroutines+goroutines)
	assert.LessOrEqual(t, end.descriptors, warm.descriptors+goroutines)
	p.Client().CloseIdleConnections()
	base.CloseIdleConnections()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	require.Eventually(t, func() bool {
		end = measure()
		return end.goroutines <= start.goroutines+2 && end.descriptors <= start.descriptors+2 // Eventually has goroutines of its own
	}, 10*time.Second, 50*time.Millisecond, "left over: %+v", &end)
}

// 100,000 accounts of one service, each with a token, in one process. What they
// share, such as URLs, is shared here too.
func TestLiveConnectorTakesAtMostAKilobyte(t *testing.T) {
	const count = 100_000
	if testing.Short() || race.Enabled {
		t.Skip("takes seconds, and the race detector has a heap of its own")
	}
	list := make([]*connectorauth.OAuth2, count)
	before := measure()
	for i := range list {
		c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token",
			Scopes: []string{"read", "write"}, Grant: connectorauth.AuthorizationCode{AuthURL: "https://provider.example/authorize"},
			Account: fmt.Sprintf("account-%d", i), Hosts: []string{"api.example.com"},
		})
		require.NoError(t, err)
		require.NoError(t, c.SetToken(context.Background(), &oauth2.Token{
			AccessToken: fmt.Sprintf("%s-%d", benchToken, i), RefreshToken: fmt.Sprintf("refresh-token-of-40-characters-%09d", i), Expiry: time.Now().Add(time.Hour),
		}))
		list[i] = c
	}
	after := measure()
	each := (after.heap - before.heap) / count
	t.Logf("%d bytes of heap for each connector", each)
	assert.LessOrEqual(t, each, 1024)
	assert.Greater(t, each, 100, "less would mean that nothing was measured")
	assert.LessOrEqual(t, after.goroutines, before.goroutines, "a connector at rest has no goroutine")
	runtime.KeepAlive(list)
}
