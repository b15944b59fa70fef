package connectorauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/http2peer"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// A spending is a call that sends something that a provider may accept only once.
type spending struct {
	name   string
	before []string // the responses to the requests that lead there
	spend  func(t *testing.T, endpoint string, client *http.Client) error
}

// finish leads a consent from Begin to Finish.
func finish(t *testing.T, c interface {
	Begin(context.Context, string) (string, connectorauth.Secret, error)
	Finish(context.Context, connectorauth.Secret, url.Values) error
}, state, code string) error {
	t.Helper()
	authURL, pending, err := c.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	return c.Finish(t.Context(), pending, url.Values{state: {must(url.Parse(authURL)).Query().Get(state)}, code: {"once"}})
}

// spendings are the calls that spend something, in every encoding.
func spendings() (list []spending) {
	keys := http.Header{"Idempotency-Key": {"1"}, "X-Idempotency-Key": {"2"}}
	type edit = func(*connectorauth.OAuth2Config)
	connector := func(endpoint string, client *http.Client, encoding dialect.Encoding, change edit) *connectorauth.OAuth2 {
		config := connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "secret", TokenURL: endpoint, HTTPClient: client, Shared: new(connectorauth.Shared),
			Grant:   connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"},
			Dialect: dialect.OAuth2{TokenEncoding: encoding, TokenHeader: keys},
		}
		if encoding == dialect.EncodeGet {
			config.Dialect.TokenHeader = nil // net/http repeats a GET without a key
		}
		change(&config)
		return must(connectorauth.NewOAuth2(config))
	}
	obtain := func(t *testing.T, c *connectorauth.OAuth2) error { _, err := c.Token(t.Context()); return err }
	for _, encoding := range []dialect.Encoding{dialect.EncodeForm, dialect.EncodeJSON, dialect.EncodeQuery, dialect.EncodeGet} {
		add := func(name string, change edit, spend func(*testing.T, *connectorauth.OAuth2) error, before ...string) {
			list = append(list, spending{fmt.Sprintf("%s, %s", name, encoding), before, func(t *testing.T, endpoint string, client *http.Client) error {
				return spend(t, connector(endpoint, client, encoding, change))
			}})
		}
		none := func(*connectorauth.OAuth2Config) {}
		refresh := func(t *testing.T, c *connectorauth.OAuth2) error {
			require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "once"}))
			return obtain(t, c)
		}
		code := func(t *testing.T, c *connectorauth.OAuth2) error { return finish(t, c, "state", "code") }
		add("refresh token", none, refresh)
		add("refresh token in a shared store", func(c *connectorauth.OAuth2Config) { c.Store, c.Account = new(tokenstore.Memory), "alice" }, refresh)
		add("code", none, code)
		add("assertion", func(c *connectorauth.OAuth2Config) { c.Grant = assertionGrant{} }, obtain)
		add("password", func(c *connectorauth.OAuth2Config) {
			c.Grant = connectorauth.PasswordCredentials{Username: "alice", Password: "once"}
		}, obtain)
		add("proof", func(c *connectorauth.OAuth2Config) {
			c.Proof = ownProof(func(req *http.Request) error { req.Header.Set("Proof", "once"); return nil })
		}, refresh)
	}
	list = append(list,
		spending{"long-lived exchange", []string{`{"access_token":"a"}`}, func(t *testing.T, endpoint string, client *http.Client) error {
			c := connector(endpoint, client, "", func(c *connectorauth.OAuth2Config) {
				c.Dialect.LongLived = dialect.TokenExchange{GrantType: "long"}
			})
			require.NoError(t, finish(t, c, "state", "code"), "the token of the code is kept")
			return errors.New("see the event")
		}},
		spending{"extension", nil, func(t *testing.T, endpoint string, client *http.Client) error {
			c := connector(endpoint, client, "", func(c *connectorauth.OAuth2Config) {
				c.Dialect.Extend = dialect.TokenExchange{GrantType: "extend"}
			})
			require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "once", Expiry: time.Now()}))
			return obtain(t, c)
		}},
	)
	for _, in := range []dialect.Location{dialect.InHeader, dialect.InQuery, dialect.InBody} {
		connector := func(endpoint string, client *http.Client, store connectorauth.TokenStore) *connectorauth.OAuth1 {
			return must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
				ClientID: "client", ClientSecret: "secret", In: in, HTTPClient: client, Store: store, Account: "alice", Shared: new(connectorauth.Shared),
				RequestTokenURL: endpoint, AuthorizeURL: "https://p.example/authorize", AccessTokenURL: endpoint,
			}))
		}
		list = append(list,
			spending{fmt.Sprintf("verifier, %s", in), []string{"oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true"},
				func(t *testing.T, endpoint string, client *http.Client) error {
					return finish(t, connector(endpoint, client, nil), "oauth_token", "oauth_verifier")
				}},
			spending{fmt.Sprintf("session handle, %s", in), nil, func(t *testing.T, endpoint string, client *http.Client) error {
				store := new(tokenstore.Memory)
				require.NoError(t, store.Save(t.Context(), "alice", []byte(`{"v":1,"oauth_token":"t","oauth_token_secret":"s",
					"issued":"2001-01-01T00:00:00Z","extra":{"oauth_session_handle":"once","oauth_expires_in":"1"}}`)))
				_, err := connector(endpoint, client, store).Extra(t.Context())
				return err
			}},
		)
	}
	return list
}

// An ending is how a peer ends a request that it has seen.
type ending struct {
	early  bool // before the body has arrived
	frames func(stream uint32) []http2peer.Frame
}

// endings are the ways in which an HTTP/2 server can end a request without a
// response. net/http takes several of them for a request that nobody has looked at.
func endings() map[string]ending {
	list := map[string]ending{
		"GOAWAY":                  {false, func(uint32) []http2peer.Frame { return []http2peer.Frame{http2peer.GoAway(0, 0)} }},
		"GOAWAY, then closed":     {false, func(uint32) []http2peer.Frame { return []http2peer.Frame{http2peer.GoAway(0, 0), {}} }},
		"closed":                  {false, func(uint32) []http2peer.Frame { return []http2peer.Frame{{}} }},
		"closed after the header": {true, func(uint32) []http2peer.Frame { return []http2peer.Frame{{}} }},
		"refused after the header": {true, func(s uint32) []http2peer.Frame {
			return []http2peer.Frame{http2peer.Reset(s, http2peer.RefusedStream)}
		}},
		"GOAWAY after the header": {true, func(uint32) []http2peer.Frame { return []http2peer.Frame{http2peer.GoAway(0, 0), {}} }},
		"closed in the response":  {false, func(s uint32) []http2peer.Frame { return []http2peer.Frame{http2peer.Head(s, "200"), {}} }},
		"refused in the response": {false, func(s uint32) []http2peer.Frame {
			return append([]http2peer.Frame{http2peer.Head(s, "200")}, http2peer.Reset(s, http2peer.RefusedStream))
		}},
		"early hints, then refused": {false, func(s uint32) []http2peer.Frame {
			return []http2peer.Frame{http2peer.Head(s, "103"), http2peer.Reset(s, http2peer.RefusedStream)}
		}},
		"early hints, then GOAWAY": {false, func(s uint32) []http2peer.Frame {
			return []http2peer.Frame{http2peer.Head(s, "103"), http2peer.GoAway(0, 0)}
		}},
		"refused and GOAWAY": {false, func(s uint32) []http2peer.Frame {
			return []http2peer.Frame{http2peer.Reset(s, http2peer.RefusedStream), http2peer.GoAway(0, 0), {}}
		}},
	}
	for name, code := range map[string]uint32{
		"REFUSED_STREAM": http2peer.RefusedStream, "PROTOCOL_ERROR": http2peer.ProtocolError, "INTERNAL_ERROR": http2peer.InternalError,
		"CANCEL": http2peer.Cancel, "ENHANCE_YOUR_CALM": http2peer.EnhanceYourCalm, "HTTP_1_1_REQUIRED": http2peer.HTTP11Required,
	} {
		list[name] = ending{false, func(s uint32) []http2peer.Frame { return []http2peer.Frame{http2peer.Reset(s, code)} }}
	}
	return list
}

// retrying is a base that sends a failed request once more, without a copy of the
// body.
type retrying struct{ http.RoundTripper }

func (b retrying) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err != nil {
		resp, err = b.RoundTripper.RoundTrip(req)
	}
	return resp, err
}

// untraced is a base that hides from net/http who wants to know how far a request
// got.
type untraced struct{ http.RoundTripper }

func (b untraced) RoundTrip(req *http.Request) (*http.Response, error) {
	return b.RoundTripper.RoundTrip(req.WithContext(context.Background()))
}

func TestNothingIsSpentTwiceOverHTTP2(t *testing.T) {
	for _, s := range spendings() {
		for how, end := range endings() {
			for name, base := range map[string]func(http.RoundTripper) http.RoundTripper{
				"net/http":                func(base http.RoundTripper) http.RoundTripper { return base },
				"a base that tries again": func(base http.RoundTripper) http.RoundTripper { return retrying{base} },
			} {
				t.Run(fmt.Sprintf("%s/%s/%s", s.name, how, name), func(t *testing.T) {
					t.Parallel()
					answer := func(n int, stream uint32, _ string) []http2peer.Frame {
						if n <= len(s.before) {
							return http2peer.Respond(stream, s.before[n-1])
						}
						return end.frames(stream)
					}
					newPeer := http2peer.New
					if end.early {
						newPeer = http2peer.NewEarly
					}
					p := newPeer(t, answer)
					began := time.Now()
					err := s.spend(t, p.URL, &http.Client{Transport: base(p.Transport)})
					require.Error(t, err)
					assert.NotErrorIs(t, err, context.Canceled, "the caller's context has not ended")
					assert.Less(t, time.Since(began), 30*time.Second)
					assert.Len(t, p.Bodies(), len(s.before)+1)
				})
			}
		}
	}
}

// A base that does not tell how far a request got leaves it to the body to show that
// the request cannot be repeated. A POST without a body shows nothing.
func TestNothingWithABodyIsSpentTwiceThroughABaseWithoutTrace(t *testing.T) {
	for _, s := range spendings() {
		if strings.HasSuffix(s.name, ", query") || strings.HasSuffix(s.name, ", header") {
			continue
		}
		for _, how := range []string{"REFUSED_STREAM", "PROTOCOL_ERROR", "GOAWAY, then closed", "closed", "early hints, then refused"} {
			t.Run(s.name+"/"+how, func(t *testing.T) {
				t.Parallel()
				p := http2peer.New(t, func(n int, stream uint32, _ string) []http2peer.Frame {
					if n <= len(s.before) {
						return http2peer.Respond(stream, s.before[n-1])
					}
					return endings()[how].frames(stream)
				})
				require.Error(t, s.spend(t, p.URL, &http.Client{Transport: untraced{p.Transport}}))
				assert.Len(t, p.Bodies(), len(s.before)+1)
			})
		}
	}
}

// Over HTTP/1, net/http repeats what it takes for safe when a used connection
// breaks.
func TestNothingIsSpentTwiceOnAConnectionThatIsUsedAgain(t *testing.T) {
	for _, s := range spendings() {
		for how, end := range map[string]func(conn *net.TCPConn){
			"closed": func(conn *net.TCPConn) {},
			"reset":  func(conn *net.TCPConn) { conn.SetLinger(0) },
			"closed in the header": func(conn *net.TCPConn) {
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-")
			},
			"early hints, then closed": func(conn *net.TCPConn) {
				io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\n\r\n")
			},
			"timed out": func(conn *net.TCPConn) {
				io.WriteString(conn, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			},
		} {
			for name, base := range map[string]func(http.RoundTripper) http.RoundTripper{
				"net/http":                func(base http.RoundTripper) http.RoundTripper { return base },
				"a base that tries again": func(base http.RoundTripper) http.RoundTripper { return retrying{base} },
				"a base without trace":    func(base http.RoundTripper) http.RoundTripper { return untraced{base} },
			} {
				t.Run(s.name+"/"+how+"/"+name, func(t *testing.T) {
					t.Parallel()
					var seen atomic.Int32
					server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						io.Copy(io.Discard, r.Body)
						if r.URL.Path == "/before" {
							return
						}
						if n := int(seen.Add(1)); n <= len(s.before) {
							io.WriteString(w, s.before[n-1])
							return
						}
						conn, _, err := http.NewResponseController(w).Hijack()
						if err != nil {
							panic(err)
						}
						end(conn.(*net.TCPConn))
						conn.Close()
					}))
					defer server.Close()
					transport := &http.Transport{MaxConnsPerHost: 1}
					defer transport.CloseIdleConnections()
					resp, err := (&http.Client{Transport: transport}).Get(server.URL + "/before")
					read(t, resp, err) // leaves a connection
					require.Error(t, s.spend(t, server.URL, &http.Client{Transport: base(transport)}))
					assert.EqualValues(t, len(s.before)+1, seen.Load())
				})
			}
		}
	}
}

// Whatever the peer says of a request that it has read, its outcome is unknown.
func TestRefreshTokenThatAPeerHasReadIsInDoubt(t *testing.T) {
	for how, end := range endings() {
		if end.early {
			continue
		}
		for _, encoding := range []dialect.Encoding{dialect.EncodeForm, dialect.EncodeQuery} {
			t.Run(fmt.Sprintf("%s/%s", how, encoding), func(t *testing.T) {
				t.Parallel()
				p := http2peer.New(t, func(_ int, stream uint32, _ string) []http2peer.Frame { return end.frames(stream) })
				store := new(tokenstore.Memory)
				c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
					ClientID: "client", TokenURL: p.URL, HTTPClient: &http.Client{Transport: p.Transport}, Store: store, Account: "alice",
					Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"}, Shared: new(connectorauth.Shared),
					Dialect: dialect.OAuth2{TokenEncoding: encoding},
				}))
				require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "once"}))
				_, err := c.Token(t.Context())
				require.Error(t, err)
				record, _, err := store.Load(t.Context(), "alice")
				require.NoError(t, err)
				assert.Contains(t, string(record), `"doubt":`)
			})
		}
	}
}
