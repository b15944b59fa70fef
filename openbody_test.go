package connectorauth_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// endlessBodies write the body of a rejection, until the client has gone.
var endlessBodies = map[string]func(w http.ResponseWriter, gone <-chan struct{}){
	"open": func(w http.ResponseWriter, gone <-chan struct{}) { flush(w, 401); <-gone },
	"trickling": func(w http.ResponseWriter, gone <-chan struct{}) {
		for flush(w, 401); ; {
			select {
			case <-gone:
				return
			case <-time.After(5 * time.Millisecond):
				io.WriteString(w, ".")
				flush(w, 0)
			}
		}
	},
	"huge": func(w http.ResponseWriter, gone <-chan struct{}) {
		w.Header().Set("Content-Length", fmt.Sprint(1<<40))
		flush(w, 401)
		pour(w)
	},
	"huge, announced alone": func(w http.ResponseWriter, gone <-chan struct{}) {
		w.Header().Set("Content-Length", fmt.Sprint(1<<40))
		flush(w, 401)
		<-gone
	},
	"without end": func(w http.ResponseWriter, gone <-chan struct{}) { flush(w, 401); pour(w) },
	"gzip bomb": func(w http.ResponseWriter, gone <-chan struct{}) {
		w.Header().Set("Content-Encoding", "gzip")
		flush(w, 401)
		pour(gzip.NewWriter(w))
	},
	"gzip without a byte": func(w http.ResponseWriter, gone <-chan struct{}) {
		w.Header().Set("Content-Encoding", "gzip")
		flush(w, 401)
		<-gone
	},
	"early hints first": func(w http.ResponseWriter, gone <-chan struct{}) {
		w.WriteHeader(http.StatusEarlyHints)
		flush(w, 401)
		<-gone
	},
}

func flush(w http.ResponseWriter, status int) {
	if status != 0 {
		w.WriteHeader(status)
	}
	http.NewResponseController(w).Flush()
}

// pour writes zeros until w fails.
func pour(w io.Writer) {
	zeros := make([]byte, 64<<10)
	for err := error(nil); err == nil; _, err = w.Write(zeros) {
	}
}

// rejectingAPI is a server that rejects requests without the value renewed in their
// header or URL, with an endless body.
type rejectingAPI struct {
	*httptest.Server
	client *http.Client
	open   atomic.Int64 // rejections whose client has not gone
	conns  sync.Map     // net.Conn to http.ConnState
}

func newRejectingAPI(t *testing.T, http2 bool, body func(http.ResponseWriter, <-chan struct{}), renewed string) *rejectingAPI {
	a := new(rejectingAPI)
	a.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		text := fakehttp.Request{Request: r}.String()
		if renewed != "" && strings.Contains(text, renewed) {
			io.WriteString(w, "welcome")
			return
		}
		a.open.Add(1)
		defer a.open.Add(-1)
		body(w, r.Context().Done())
	}))
	a.Config.ConnState = func(conn net.Conn, state http.ConnState) { a.conns.Store(conn, state) }
	a.EnableHTTP2 = http2
	a.StartTLS()
	a.client = a.Client()
	t.Cleanup(a.Close)
	return a
}

// requireNothingOpen waits until the API has no request under way. net/http cannot
// close a gzip body of which nothing has arrived while somebody looks for the problem
// of OAuth1: the connection ends with its server or its context.
func (a *rejectingAPI) requireNothingOpen(t *testing.T, name, kind string) {
	t.Helper()
	if name == "OAuth1" && kind == "gzip without a byte" {
		a.CloseClientConnections()
	}
	require.Eventually(t, func() bool { return a.open.Load() == 0 }, time.Minute, 5*time.Millisecond, "a rejection is still open")
	a.client.CloseIdleConnections()
	require.Eventually(t, func() bool {
		closed := true
		a.conns.Range(func(_, state any) bool { closed = closed && state == http.StateClosed; return closed })
		return closed
	}, 5*time.Second, 5*time.Millisecond, "a connection is still open")
}

// rejectables are connectors that renew a rejected credential, in every way there is.
// What the second credential has in requests is "renewed".
func rejectables(t *testing.T) map[string]connectorauth.Connector {
	numbered := func(form string) *http.Client {
		var n atomic.Int32
		return &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
			value := "first"
			if n.Add(1) > 1 {
				value = "renewed"
			}
			return fakehttp.Respond(200, strings.ReplaceAll(form, "VALUE", value)), nil
		})}
	}
	oauth2 := func(edit func(*connectorauth.OAuth2Config)) connectorauth.Connector {
		config := connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token",
			Grant: connectorauth.ClientCredentials{}, HTTPClient: numbered(`{"access_token":"VALUE","token_type":"Bearer"}`),
		}
		edit(&config)
		return must(connectorauth.NewOAuth2(config))
	}
	plain := func(*connectorauth.OAuth2Config) {}
	custom := func() connectorauth.Connector {
		return must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Authenticate: func(req *http.Request, value connectorauth.CustomCredential) error {
				req.Header.Set("X-Custom", string(value.Value))
				return nil
			},
			Obtain: func(_ context.Context, old connectorauth.CustomCredential, _ *http.Response) (connectorauth.CustomCredential, error) {
				if old.Value == "" {
					return connectorauth.CustomCredential{Value: "first"}, nil
				}
				return connectorauth.CustomCredential{Value: "renewed"}, nil
			},
		}))
	}
	store := new(tokenstore.Memory)
	require.NoError(t, store.Save(t.Context(), "alice", []byte(`{"v":1,"oauth_token":"first","oauth_token_secret":"s","extra":{"oauth_session_handle":"h"}}`)))
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: dialect.InQuery, Name: "key"}))
	return map[string]connectorauth.Connector{
		"OAuth2": oauth2(plain),
		"OAuth2 in the query": oauth2(func(c *connectorauth.OAuth2Config) {
			c.Dialect.Placement = dialect.Placement{In: dialect.InQuery, Name: "token"}
		}),
		"OAuth2 that looks into bodies": oauth2(func(c *connectorauth.OAuth2Config) {
			c.Dialect.Rejections = []dialect.Rejection{{Body: "session over"}}
		}),
		"OAuth2 with a proof": oauth2(func(c *connectorauth.OAuth2Config) { c.Proof = ownProof(func(*http.Request) error { return nil }) }),
		"OAuth2 with hooks": connectorauth.WithHooks(oauth2(plain), connectorauth.Hooks{AfterResponse: func(e *connectorauth.Exchange) error {
			if e.Response.StatusCode == 401 {
				return connectorauth.ErrCredentialRejected
			}
			return nil
		}}),
		"OAuth1": must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "client", ClientSecret: clientSecret, Store: store, Account: "alice", HTTPClient: numbered("oauth_token=renewed&oauth_token_secret=s"),
			RequestTokenURL: "https://p.example/request", AuthorizeURL: "https://p.example/authorize", AccessTokenURL: "https://p.example/access",
			Shared: new(connectorauth.Shared),
		})),
		"Custom": custom(),
		"Join":   must(connectorauth.Join(oauth2(plain), key, custom())),
	}
}

func TestRejectionWhoseBodyDoesNotEndIsReplayedAtOnce(t *testing.T) {
	for name := range rejectables(t) {
		for kind, body := range endlessBodies {
			for _, http2 := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/HTTP2=%v", name, kind, http2), func(t *testing.T) {
					t.Parallel()
					api := newRejectingAPI(t, http2, body, "renewed")
					client := connectorauth.NewClient(rejectables(t)[name], api.client)
					began := time.Now()
					resp, err := client.Post(api.URL, "text/plain", strings.NewReader("hello"))
					status, text := read(t, resp, err)
					assert.Equal(t, 200, status)
					assert.Equal(t, "welcome", text)
					assert.Less(t, time.Since(began), 20*time.Second)
					api.requireNothingOpen(t, name, kind)
				})
			}
		}
	}
}

func TestRejectionWhoseBodyDoesNotEndAndThatCannotBeReplayedIsReturnedAtOnce(t *testing.T) {
	for name := range rejectables(t) {
		for kind, body := range endlessBodies {
			for _, http2 := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/HTTP2=%v", name, kind, http2), func(t *testing.T) {
					t.Parallel()
					api := newRejectingAPI(t, http2, body, "")
					client := connectorauth.NewClient(rejectables(t)[name], api.client)
					began := time.Now()
					resp, err := client.Post(api.URL, "text/plain", io.MultiReader(strings.NewReader("streamed")))
					assert.Less(t, time.Since(began), 20*time.Second)
					if name == "OAuth2 with hooks" {
						require.ErrorIs(t, err, connectorauth.ErrCredentialRejected)
					} else {
						require.NoError(t, err)
						assert.Equal(t, 401, resp.StatusCode)
						resp.Body.Close()
					}
					api.requireNothingOpen(t, name, kind)
				})
			}
		}
	}
}
