package attack_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

// Slow answers end after 30 seconds: of a bubble's time, in which they pass at once.
func TestSlowResponsesEndInTime(t *testing.T) {
	drip := func(prefix string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, prefix)
			for r.Context().Err() == nil {
				io.WriteString(w, " ")
				if http.NewResponseController(w).Flush() != nil {
					return
				}
				select {
				case <-r.Context().Done():
				case <-time.After(time.Second):
				}
			}
		}
	}
	for _, exchange := range exchanges {
		for name, slow := range map[string]http.HandlerFunc{
			"no answer":       func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			"drips for ever":  drip(""),
			"drips a token":   drip(`{"access_token":"a","token_type":"Bearer"`),
			"drips an object": drip(`{`),
		} {
			t.Run(exchange.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := authtest.New(authtest.Config{InMemory: true})
					defer p.Close()
					client := p.Client()
					defer client.CloseIdleConnections()
					endpoint, ask := exchange.begin(t, p, client)
					p.Inject(endpoint, authtest.Always, func(http.Handler) http.Handler { return slow })
					began := time.Now()
					requireHarmless(t, ask(t.Context()))
					assert.LessOrEqual(t, time.Since(began), 31*time.Second)
				})
			})
		}
	}
}

// A caller in a hurry does not wait for a slow endpoint.
func TestSlowResponsesDoNotHoldACallerWithADeadline(t *testing.T) {
	for _, exchange := range exchanges {
		t.Run(exchange.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := authtest.New(authtest.Config{InMemory: true})
				defer p.Close()
				client := p.Client()
				defer client.CloseIdleConnections()
				endpoint, ask := exchange.begin(t, p, client)
				p.Inject(endpoint, authtest.Always, func(http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				require.Error(t, ask(ctx))
				if exchange.name == "authorization code" || exchange.name == "OAuth1 token" {
					// Finish outlives its caller: the code is spent, and the token must be kept.
					assert.LessOrEqual(t, time.Since(began), 31*time.Second)
				} else {
					assert.LessOrEqual(t, time.Since(began), 1100*time.Millisecond)
				}
				time.Sleep(time.Minute) // for the exchange to end on its own
			})
		})
	}
}

// A rule about the API's answers must not make the library read them to their
// end.
func TestEndlessAPIResponsesStreamPastRejectionRules(t *testing.T) {
	var written atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		chunk := bytes.Repeat([]byte(" "), 64<<10)
		for {
			n, err := w.Write(chunk)
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	defer server.Close()
	p := authtest.NewProvider(t)
	config := oauth2Config(p, p.Client(), connectorauth.ClientCredentials{})
	config.Dialect.Rejections = []dialect.Rejection{{Path: "error.code", Value: "expired"}, {Body: "token expired"}}
	resp, err := connectorauth.NewClient(must(connectorauth.NewOAuth2(config)), server.Client()).Get(server.URL)
	require.NoError(t, err)
	n, err := io.CopyN(io.Discard, resp.Body, 1<<20)
	require.NoError(t, err)
	assert.EqualValues(t, 1<<20, n)
	require.NoError(t, resp.Body.Close())
	assert.Less(t, written.Load(), int64(32<<20))
}
