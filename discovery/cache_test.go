package discovery_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Metadata are kept by their max-age, within a minute and a day.
func TestMetadataAreKept(t *testing.T) {
	for control, keep := range map[string]time.Duration{
		"":                              time.Hour,
		"public":                        time.Hour,
		"max-age=600":                   10 * time.Minute,
		`public, Max-Age="600"`:         10 * time.Minute,
		"max-age=0":                     time.Minute,
		"max-age=-5":                    time.Minute,
		"max-age=":                      time.Minute,
		"max-age=600, no-store":         time.Minute,
		"no-store":                      time.Minute,
		"no-cache, max-age=600":         time.Minute,
		"max-age=31536000":              24 * time.Hour,
		"max-age=99999999999999999999":  24 * time.Hour,
		"s-maxage=5, max-age=7200, x=y": 2 * time.Hour,
	} {
		t.Run(control, func(t *testing.T) {
			bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
				p.Inject(p.MetadataURL, authtest.Always, func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						next.ServeHTTP(&overwriting{w, control}, r)
					})
				})
				finder := finderOf(t, p)
				ask := func() int {
					_, err := finder.Server(t.Context(), p.URL)
					require.NoError(t, err)
					return len(p.Requests(p.MetadataURL))
				}
				assert.Equal(t, 1, ask())
				time.Sleep(keep - time.Second)
				assert.Equal(t, 1, ask())
				time.Sleep(2 * time.Second)
				assert.Equal(t, 2, ask())
			})
		})
	}
}

// overwriting writes a Cache-Control of its own.
type overwriting struct {
	http.ResponseWriter
	control string
}

func (w *overwriting) WriteHeader(status int) {
	w.Header()["Cache-Control"] = []string{w.control}
	w.ResponseWriter.WriteHeader(status)
}

// However many ask at the same time, there is one request, and each leaves with its own
// context.
func TestOneRequestForAllWhoAsk(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		p.Inject(p.MetadataURL, 1, authtest.Delay(10*time.Second))
		finder := finderOf(t, p)
		first, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() { _, err := finder.Server(first, p.URL); gone <- err }()
		synctest.Wait()
		var others sync.WaitGroup
		for range 100 {
			others.Go(func() {
				server, err := finder.Server(t.Context(), p.URL)
				assert.NoError(t, err)
				assert.Equal(t, p.TokenURL, server.TokenEndpoint)
			})
		}
		synctest.Wait()
		cancel()
		assert.ErrorIs(t, <-gone, context.Canceled, "at once, and the others do not suffer")
		others.Wait()
		assert.Len(t, p.Requests(p.MetadataURL), 1)
	})
}

// However slow the places are, all of them together take a minute.
func TestAllPlacesTakeAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		finder := must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			asked.Add(1)
			select {
			case <-time.After(25 * time.Second):
				return fakehttp.Respond(http.StatusNotFound, ""), nil
			case <-req.Context().Done():
				return nil, req.Context().Err()
			}
		})}}))
		began := time.Now()
		_, err := finder.Server(t.Context(), home+"/tenant")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Minute, time.Since(began))
		assert.EqualValues(t, 3, asked.Load())
	})
}

// A failure is not kept.
func TestFailureIsNotKept(t *testing.T) {
	p := authtest.NewProvider(t)
	p.Inject(p.MetadataURL, 1, authtest.DropBefore())
	finder := finderOf(t, p)
	_, err := finder.Server(t.Context(), p.URL)
	require.Error(t, err)
	_, err = finder.Server(t.Context(), p.URL)
	require.NoError(t, err)
}

// Issuers are words of strangers: the memory for them is bounded, in number and in bytes.
func TestMemoryForMetadataIsBounded(t *testing.T) {
	var asked atomic.Int64
	padding := ""
	finder := must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		asked.Add(1)
		issuer := "https://a.example" + strings.TrimPrefix(req.URL.Path, rfc)
		resp := fakehttp.Respond(200, `{"issuer": "`+issuer+`", "padding": "`+padding+`"}`)
		resp.Header.Set("Content-Type", "application/json")
		return resp, nil
	})}}))
	ask := func(i int) (requests int64) {
		before := asked.Load()
		_, err := finder.Server(t.Context(), fmt.Sprintf("https://a.example/%d", i))
		require.NoError(t, err)
		return asked.Load() - before
	}
	for i := range 1000 {
		require.EqualValues(t, 1, ask(i))
	}
	for i := range 1000 {
		require.EqualValues(t, 0, ask(i))
	}
	require.EqualValues(t, 1, ask(1000))
	assert.EqualValues(t, 0, ask(999))
	assert.EqualValues(t, 1, ask(0), "what would expire first goes first")

	padding = strings.Repeat("a", 1<<20-100)
	for i := range 20 {
		ask(2000 + i)
	}
	kept := 0
	for i := range 20 {
		if ask(2019-i) == 0 {
			kept++
		} else {
			break
		}
	}
	assert.Equal(t, 8, kept, "8 MiB")
}

// A renewal reads no metadata, also when they are no longer kept.
func TestRenewalReadsNoMetadata(t *testing.T) {
	bubble(t, authtest.Config{TokenLifetime: time.Hour}, func(t *testing.T, p *authtest.Provider) {
		account := must(discovery.NewAccount(discovery.AccountConfig{
			Finder: finderOf(t, p), Issuer: p.URL,
			OAuth2: connectorauth.OAuth2Config{
				ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), Store: new(tokenstore.Memory), Account: "alice",
			},
		}))
		connect(t, p, account)
		before := len(p.Requests(p.MetadataURL))
		assert.Equal(t, 1, before)
		for range 30 {
			time.Sleep(2 * time.Hour)
			c, err := account.Connector(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 200, get(t, c, p, p.BearerURL))
		}
		assert.Equal(t, 30, p.Stats().Issued["refresh_token"])
		assert.Len(t, p.Requests(p.MetadataURL), before)
		assert.Empty(t, p.Requests(p.OpenIDMetadataURL))
	})
}

const callbackURL = "http://127.0.0.1:9/callback"

// connect leads an account through its consent.
func connect(t *testing.T, p *authtest.Provider, account *discovery.Account) {
	t.Helper()
	authURL, pending, err := account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	callback, err := p.Authorize(authURL)
	require.NoError(t, err)
	require.NoError(t, account.Finish(t.Context(), pending, callback.Query()))
}
