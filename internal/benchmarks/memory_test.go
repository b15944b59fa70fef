package benchmarks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// notion is a definition with a dialect and a header.
const notion = "../../definition/testdata/services/notion.json"

// elsewhere is a store whose records take no memory of this process, as in a database: it
// knows the last record alone.
type elsewhere struct {
	key   string
	value []byte
}

func (e *elsewhere) Load(_ context.Context, key string) ([]byte, bool, error) {
	return e.value, key == e.key, nil
}

func (e *elsewhere) Save(_ context.Context, key string, value []byte) error {
	e.key, e.value = key, slices.Clone(value)
	return nil
}

func (e *elsewhere) Delete(context.Context, string) error { return nil }

// A kind is a kind of live connector. Open returns what a program keeps of an account, and
// the connector.
type kind struct {
	name   string
	shared *connectorauth.Shared // of its own: what a Shared has made for another kind is not counted
	open   func(config connectorauth.OAuth2Config) (any, *connectorauth.OAuth2, error)
}

// constructed returns the kind of connector that NewOAuth2 makes of the edited config.
func constructed(name string, edit func(*connectorauth.OAuth2Config)) kind {
	return kind{name, new(connectorauth.Shared), func(config connectorauth.OAuth2Config) (any, *connectorauth.OAuth2, error) {
		edit(&config)
		c, err := connectorauth.NewOAuth2(config)
		return c, c, err
	}}
}

// kinds are what BenchmarkMemory measures.
func kinds(t testing.TB) []kind {
	here, there := new(tokenstore.Memory), new(elsewhere)
	text, err := os.ReadFile(notion)
	require.NoError(t, err)
	d, err := definition.Parse(notion, text, definition.Options{})
	require.NoError(t, err)
	return []kind{
		constructed("plain", func(*connectorauth.OAuth2Config) {}),
		constructed("store", func(c *connectorauth.OAuth2Config) { c.Store = there }),
		constructed("records in memory", func(c *connectorauth.OAuth2Config) { c.Store = here }),
		constructed("dialect", func(c *connectorauth.OAuth2Config) { c.Dialect.ScopeSeparator = "," }),
		{"definition", new(connectorauth.Shared), func(config connectorauth.OAuth2Config) (any, *connectorauth.OAuth2, error) {
			account, err := d.Connect(definition.Connection{
				Method: "oauth", Client: definition.Client{ID: config.ClientID, Secret: config.ClientSecret}, Account: config.Account, Shared: config.Shared,
			})
			if err != nil {
				return nil, nil, err
			}
			return account, account.Credential().(*connectorauth.OAuth2), nil
		}},
	}
}

// live opens the i-th account, with a token that a request has used.
func (k kind) live(i int) (held any, c *connectorauth.OAuth2, err error) {
	held, c, err = k.open(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token", Account: fmt.Sprintf("account-%d", i),
		Grant: connectorauth.AuthorizationCode{AuthURL: "https://provider.example/authorize"}, Hosts: []string{"api.example.com"}, Shared: k.shared,
	})
	if err != nil {
		return nil, nil, err
	}
	err = c.SetToken(context.Background(), &oauth2.Token{
		AccessToken: fmt.Sprintf("%s-%d", token, i), RefreshToken: fmt.Sprintf("refresh-token-of-40-characters-%09d", i), Expiry: time.Now().Add(time.Hour),
	})
	if err == nil {
		_, err = c.Token(context.Background())
	}
	return held, c, err
}

// memory returns the bytes of live objects, and the bytes that the process has in memory
// when nothing is left to give back: 0 where the system does not tell.
func memory() (heap, resident int64) {
	for range 3 { // what a cleanup holds is free after the next collection
		runtime.GC()
		time.Sleep(50 * time.Millisecond)
	}
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	text, _ := os.ReadFile("/proc/self/statm")
	if fields := strings.Fields(string(text)); len(fields) > 1 {
		pages, _ := strconv.ParseInt(fields[1], 10, 64)
		resident = pages * int64(os.Getpagesize())
	}
	return int64(stats.HeapAlloc), resident
}

// BenchmarkMemory holds 100,000 live accounts of a service, and reports the heap and the
// resident memory of one. What the accounts have in common, such as URLs, is shared.
func BenchmarkMemory(b *testing.B) {
	const count = 100_000
	held := make([]any, count)
	for _, k := range kinds(b) {
		b.Run(k.name, func(b *testing.B) {
			var heap, resident int64
			for b.Loop() {
				clear(held)
				heapBefore, residentBefore := memory()
				for i := range held {
					account, _, err := k.live(i)
					if err != nil {
						b.Fatal(err)
					}
					held[i] = account
				}
				heap, resident = memory()
				heap, resident = heap-heapBefore, resident-residentBefore
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(heap)/count, "heap-B")
			b.ReportMetric(float64(resident)/count, "resident-B")
		})
	}
	runtime.KeepAlive(held)
}

func TestAccountsInMemoryLive(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			_, c, err := k.live(1)
			require.NoError(t, err)
			value, err := c.Token(t.Context())
			require.NoError(t, err)
			assert.Equal(t, token+"-1", value.AccessToken)
		})
	}
}

// BenchmarkFileStore renews 100 accounts over a File store, and reports the files of one.
func BenchmarkFileStore(b *testing.B) {
	const count = 100
	var files []os.DirEntry
	for b.Loop() {
		var p provider
		folder := filepath.Join(b.TempDir(), "tokens")
		store := must(tokenstore.NewFile(folder))
		for i := range count {
			rt := p.connector(b, account{shared: &p.shared, name: fmt.Sprint("account-", i), store: store, expired: true}).Wrap(wire{})
			if err := sending(rt, photos.request())(); err != nil {
				b.Fatal(err)
			}
		}
		if n := p.requests.Load(); n != count {
			b.Fatalf("%d token requests, want %d", n, count)
		}
		var err error
		if files, err = os.ReadDir(folder); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(files))/count, "files/account")
}
