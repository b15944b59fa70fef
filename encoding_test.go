package connectorauth_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf16"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// compressed writes text through a compressor.
func compressed(text string, compressor func(io.Writer) io.WriteCloser) string {
	var b bytes.Buffer
	w := compressor(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

func gzipped(text string) string {
	return compressed(text, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

func zlibbed(text string) string {
	return compressed(text, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
}

func deflated(text string) string {
	return compressed(text, func(w io.Writer) io.WriteCloser { return must(flate.NewWriter(w, flate.BestSpeed)) })
}

func utf16Text(order binary.ByteOrder, text string) string {
	var b bytes.Buffer
	binary.Write(&b, order, utf16.Encode([]rune("\ufeff"+text)))
	return b.String()
}

// encodings are the ways in which servers send a text though nobody asked.
var encodings = map[string]struct {
	coding string // Content-Encoding
	encode func(string) string
}{
	"plain":                    {"", func(s string) string { return s }},
	"identity":                 {"identity", func(s string) string { return s }},
	"gzip":                     {"gzip", gzipped},
	"x-gzip in another case":   {"X-GZip", gzipped},
	"gzip without a label":     {"", gzipped},
	"a label without gzip":     {"gzip", func(s string) string { return s }},
	"gzip twice":               {"gzip, gzip", func(s string) string { return gzipped(gzipped(s)) }},
	"deflate":                  {"deflate", zlibbed},
	"deflate without its head": {"deflate", deflated},
	"deflate, then gzip":       {"deflate,gzip", func(s string) string { return gzipped(zlibbed(s)) }},
	"byte order mark":          {"", func(s string) string { return "\ufeff" + s }},
	"byte order mark in gzip":  {"gzip", func(s string) string { return gzipped("\ufeff" + s) }},
	"UTF-16":                   {"", func(s string) string { return utf16Text(binary.LittleEndian, s) }},
	"UTF-16 of big ends":       {"", func(s string) string { return utf16Text(binary.BigEndian, s) }},
}

func TestProvidersThatEncodeUnasked(t *testing.T) {
	for name, by := range encodings {
		t.Run(name, func(t *testing.T) {
			respond := func(status int, text string) *http.Response {
				resp := fakehttp.Respond(status, by.encode(text))
				if by.coding != "" {
					resp.Header.Set("Content-Encoding", by.coding)
				}
				return resp
			}
			a := revoking(func(url.Values) *http.Response { return respond(400, `{"error":"unsupported_token_type"}`) })
			refresh := a.answer
			a.answer = func(n int, form url.Values) (*http.Response, error) {
				if form.Has("token") {
					return refresh(n, form)
				}
				return respond(200, `{"access_token":"a1","refresh_token":"r1","expires_in":3600}`), nil
			}
			seen := ""
			a.store = new(tokenstore.Memory)
			c := connectorauth.WithHooks(a.connector(), connectorauth.Hooks{AfterRefresh: func(e *connectorauth.Exchange) error {
				body, err := e.ResponseBody(1 << 10)
				seen = string(body)
				assert.Empty(t, strings.ReplaceAll(e.Response.Header.Get("Content-Encoding"), "identity", ""), "the hook sees text")
				return err
			}}).(*connectorauth.OAuth2)
			require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r0"}))
			token, err := c.Token(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "a1", token.AccessToken)
			assert.NotContains(t, seen, "\x1f\x8b")
			require.ErrorContains(t, c.Revoke(t.Context()), "unsupported_token_type")

			for text, want := range map[string]string{
				"oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true": "",
				"oauth_problem=consumer_key_unknown":                               "consumer_key_unknown",
			} {
				oauth1 := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
					ClientID: "client", ClientSecret: "secret",
					RequestTokenURL: "https://p.example/request", AuthorizeURL: "https://p.example/authorize", AccessTokenURL: "https://p.example/access",
					HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
						return respond(map[bool]int{true: 200, false: 401}[want == ""], text), nil
					})},
				}))
				authURL, _, err := oauth1.Begin(t.Context(), "https://c.example/callback")
				if want == "" {
					require.NoError(t, err)
					assert.Equal(t, "https://p.example/authorize?oauth_token=t", authURL)
				} else {
					require.ErrorContains(t, err, want)
				}
			}
		})
	}
}

// What a server compresses is never held in memory beyond the limits.
func TestCompressedResponseThatIsTooLong(t *testing.T) {
	bomb := gzipped(`{"access_token":"` + strings.Repeat("a", 8<<20) + `"}`)
	a := &account{store: new(tokenstore.Memory), answer: func(int, url.Values) (*http.Response, error) {
		resp := fakehttp.Respond(200, bomb)
		resp.Header.Set("Content-Encoding", "gzip")
		return resp, nil
	}}
	require.NoError(t, a.connector().SetToken(t.Context(), &oauth2.Token{RefreshToken: "r0"}))
	_, err := a.token(t)
	require.ErrorContains(t, err, "longer than 1048576 bytes")
}

// Brotli would need a library. The response is as good as lost, and the error says
// why.
func TestResponseInAnUnknownEncoding(t *testing.T) {
	for coding, body := range map[string]string{"br": "\x0b\x02\x80{}\x03", "gzip": gzipped(`{"access_token":"a"}`)[:20], "deflate": "x\x9c\xff"} {
		for status, want := range map[int]string{200: "Content-Encoding", 401: "status 401"} {
			a := &account{store: new(tokenstore.Memory), answer: func(int, url.Values) (*http.Response, error) {
				resp := fakehttp.Respond(status, body)
				resp.Header.Set("Content-Encoding", coding)
				return resp, nil
			}}
			require.NoError(t, a.connector().SetToken(t.Context(), &oauth2.Token{RefreshToken: "r0"}))
			_, err := a.token(t)
			require.ErrorContains(t, err, want, coding)
		}
	}
}

// The body of a rejection, and how the response labels the body.
type labelled struct {
	kind, coding, body string
	length             int64
	rejected           bool
}

func TestRejectionByBodyAsServicesSendIt(t *testing.T) {
	const text = `{"error":"token_expired"}`
	tests := map[string]labelled{
		"repeated parameter":            {kind: "application/json; charset=utf-8; charset=UTF-8", body: text, rejected: true},
		"odd parameters":                {kind: `application/json;;charset="utf-8;x`, body: text, rejected: true},
		"repeated header in one":        {kind: "application/json, application/json", body: text, rejected: true},
		"parameter without a semicolon": {kind: "Application/JSON charset=utf-8", body: text, rejected: true},
		"JSON by other names":           {kind: "application/x-json", body: text, rejected: true},
		"JSON as a script":              {kind: "application/javascript", body: text, rejected: true},
		"no type":                       {body: text, length: int64(len(text)), rejected: true},
		"no type, no length":            {body: text, length: -1, rejected: true},
		"no type, binary":               {body: "\x00\x01" + text, length: -1},
		"no type, long":                 {body: text + strings.Repeat(" ", 64<<10), length: -1},
		"bytes":                         {kind: "application/octet-stream", body: text},
		"stream of JSON":                {kind: "application/stream+json", body: text},
		"JSON by lines":                 {kind: "application/x-ndjson", body: text},
		"events":                        {kind: "text/event-stream", body: text},
		"unknown coding":                {kind: "application/json", coding: "br", body: text},
		"unknown coding inside":         {kind: "application/json", coding: "br, gzip", body: gzipped(text)},
		"bomb":                          {kind: "application/json", coding: "gzip", body: gzipped(text + strings.Repeat(" ", 64<<10))},
	}
	for name, by := range encodings {
		tests[name] = labelled{kind: "application/json", coding: by.coding, body: by.encode(text), length: -1, rejected: true}
	}
	for name, test := range tests {
		t.Run(name, timeless(func(t *testing.T) {
			issued := 0
			c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Dialect: dialect.OAuth2{
				Rejections: []dialect.Rejection{{Path: "error", Value: "token_expired"}, {Body: "nothing of the kind"}},
			}}, func(n int, _ *http.Request) (int, string) {
				issued = n
				return 200, `{"access_token":"a","expires_in":3600}`
			})
			api := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
				resp := fakehttp.Respond(200, test.body)
				resp.ContentLength = test.length
				if test.kind != "" {
					resp.Header.Set("Content-Type", test.kind)
				}
				if test.coding != "" {
					resp.Header.Set("Content-Encoding", test.coding)
				}
				return resp, nil
			}}
			resp, err := connectorauth.NewClient(c, &http.Client{Transport: api}).Get(home)
			status, body := read(t, resp, err)
			assert.Equal(t, 200, status)
			assert.Equal(t, test.body, body, "the caller sees the bytes of the server")
			assert.Equal(t, test.coding, resp.Header.Get("Content-Encoding"))
			assert.Equal(t, map[bool]int{false: 1, true: 2}[test.rejected], issued, "token requests")
		}))
	}
}

// The caller asks for gzip, so net/http leaves the body as it is.
func TestRejectionInGzipThatTheCallerAskedFor(t *testing.T) {
	const text = `{"error":"token_expired"}`
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests > 1 {
			io.WriteString(w, "welcome")
			return
		}
		assert.Equal(t, "gzip", r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, gzipped(text))
	}))
	defer server.Close()
	c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Dialect: dialect.OAuth2{
		Rejections: []dialect.Rejection{{Path: "error", Value: "token_expired"}},
	}}, nil)
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil))
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := connectorauth.NewClient(c, server.Client()).Do(req)
	status, body := read(t, resp, err)
	assert.Equal(t, 200, status)
	assert.Equal(t, "welcome", body)
	assert.Equal(t, 2, requests)
}

// timeless returns a test whose time is that of testing/synctest, so that no busy machine
// is taken for a body that does not arrive.
func timeless(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) { synctest.Test(t, test) }
}

// OAuth1 looks for oauth_problem in the body of a refusal.
func TestOAuth1ProblemInAnEncodedBody(t *testing.T) {
	for name, by := range encodings {
		t.Run(name, timeless(func(t *testing.T) {
			calls := 0
			api := &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
				calls++
				resp := fakehttp.Respond(401, by.encode("oauth_problem=token_revoked"))
				resp.Header.Set("Content-Encoding", by.coding)
				return resp, nil
			})}
			store := new(tokenstore.Memory)
			require.NoError(t, store.Save(t.Context(), "alice", []byte(`{"v":1,"oauth_token":"t","oauth_token_secret":"s"}`)))
			c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
				ClientID: "client", ClientSecret: "secret", Store: store, Account: "alice", Shared: new(connectorauth.Shared),
				RequestTokenURL: "https://p.example/request", AuthorizeURL: "https://p.example/authorize", AccessTokenURL: "https://p.example/access",
			}))
			_, err := connectorauth.NewClient(c, api).Get(home)
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired, name)
			require.ErrorContains(t, err, "token_revoked", name)
			assert.Equal(t, 1, calls, name)
		}))
	}
}
