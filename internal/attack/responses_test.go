package attack_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

// Bounds for whatever an endpoint answers.
const (
	mostTime   = time.Minute // ends a hang; floods of headers take six seconds on a busy machine
	mostMemory = 256 << 20   // allocated in all, by both ends: net/http copies up to 10 MiB of header about
	mostText   = 2 << 10     // of an error
	canary     = "CANARY-IN-THE-ANSWER"
)

// An answer is what a hostile endpoint does instead of answering.
type answer struct {
	name  string
	write http.HandlerFunc
}

// floods come before any body. It is net/http that bounds them, at 10 MiB, which
// takes a while: they are tried with one exchange only.
const floods = "flood: "

// body answers with status 200 and a text.
func body(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, text)
	}
}

// endless writes a chunk again and again, until the client is gone.
func endless(prefix, chunk string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		text := []byte(strings.Repeat(chunk, 1+(64<<10)/len(chunk)))
		_, err := io.WriteString(w, prefix)
		for err == nil {
			_, err = w.Write(text)
		}
	}
}

// raw takes the connection and writes to it, until that fails.
func raw(write func(conn io.Writer) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		for err == nil {
			err = write(conn)
		}
	}
}

var errEnough = errors.New("enough")

// bomb answers with compressed zeros without end.
func bomb(prefix string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		packed, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			panic(err)
		}
		zeros := bytes.Repeat([]byte("0"), 1<<20)
		_, err = io.WriteString(packed, prefix)
		for err == nil {
			_, err = packed.Write(zeros)
		}
	}
}

// hostile are answers from which no client should get a token.
var hostile = []answer{
	{"endless white space", endless("", " ")},
	{"endless string", endless(`{"access_token":"`, "a")},
	{"endless number", endless(`{"access_token":"a","expires_in":`, "9")},
	{"endless nesting", endless("", `{"a":[`)},
	{"endless members", endless("{", `"a":1,`)},
	{"endless form", endless("", "access_token=a&oauth_token=a&")},
	{"endless form of separators", endless("", "&;=")},
	{"compressed bomb", bomb("")},
	{"compressed bomb in a token", bomb(`{"access_token":"`)},
	{"deep nesting within the limit", body("application/json", strings.Repeat(`[`, 1<<19)+strings.Repeat(`]`, 1<<19))},
	{"deep objects within the limit", body("application/json", strings.Repeat(`{"a":`, 1<<17)+"1"+strings.Repeat(`}`, 1<<17))},
	{"many names for nothing", body("application/x-www-form-urlencoded", strings.Repeat("%", 1<<20-1))},

	{floods + "endless header", raw(func() func(io.Writer) error {
		line := []byte("X-Flood: " + strings.Repeat("a", 60<<10) + "\r\n")
		return func(conn io.Writer) error { _, err := conn.Write(line); return err }
	}())},
	{floods + "endless header line", raw(func(conn io.Writer) error {
		_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Flood: ")
		for chunk := bytes.Repeat([]byte("a"), 64<<10); err == nil; {
			_, err = conn.Write(chunk)
		}
		return err
	})},
	{floods + "endless header of small fields", raw(func(conn io.Writer) error {
		_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
		for chunk := bytes.Repeat([]byte("Set-Cookie: a=b\r\n"), 4<<10); err == nil; {
			_, err = conn.Write(chunk)
		}
		return err
	})},
	{floods + "endless interim answers", raw(func(conn io.Writer) error {
		_, err := io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nLink: </"+strings.Repeat("a", 60<<10)+">\r\n\r\n")
		return err
	})},
	{floods + "endless trailer", raw(func(conn io.Writer) error {
		_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Flood\r\n\r\n2\r\n{}\r\n0\r\nX-Flood: ")
		for chunk := bytes.Repeat([]byte("a"), 64<<10); err == nil; {
			_, err = conn.Write(chunk)
		}
		return err
	})},
	{floods + "endless chunk extension", raw(func(conn io.Writer) error {
		_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;")
		for chunk := bytes.Repeat([]byte("a"), 64<<10); err == nil; {
			_, err = conn.Write(chunk)
		}
		return err
	})},
	{"no HTTP", raw(func(conn io.Writer) error {
		io.WriteString(conn, "\x16\x03\x01 no HTTP\r\n\r\n")
		return errEnough
	})},
	{"two lengths", raw(func(conn io.Writer) error {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}")
		return errEnough
	})},
	{"cut off in the middle", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"access_token":"`+canary)
	}},
	{"broken compression", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, canary)
	}},

	{"nothing", body("application/json", "")},
	{"HTML", body("text/html", "<html><h1>"+canary+"</h1>access_token</html>")},
	{"image", body("image/png", "\x89PNG\r\n\x1a\n"+canary)},
	{"NULs", body("application/json", strings.Repeat("\x00", 1000))},
	{"null", body("application/json", "null")},
	{"string", body("application/json", `"`+canary+`"`)},
	{"number", body("application/json", "1e999999999")},
	{"list", body("application/json", `[{"access_token":"`+canary+`"}]`)},
	{"empty object", body("application/json", "{}")},
	{"object as token", body("application/json", `{"access_token":{"a":"`+canary+`"},"token_type":"Bearer"}`)},
	{"null as token", body("application/json", `{"access_token":null,"token_type":"Bearer"}`)},
	{"true as token", body("application/json", `{"access_token":true,"token_type":"Bearer"}`)},
	{"empty token", body("application/json", `{"access_token":"","token_type":"Bearer"}`)},
	{"token with a line break", body("application/json", `{"access_token":"a\r\nX-Injected: `+canary+`","token_type":"Bearer"}`)},
	{"token with a NUL", body("application/json", `{"access_token":"a\u0000`+canary+`","token_type":"Bearer"}`)},
	{"token beyond ASCII", body("application/json", `{"access_token":"ü`+canary+`","token_type":"Bearer"}`)},
	{"token with a space", body("application/json", `{"access_token":"a `+canary+`","token_type":"Bearer"}`)},
	{"token that is no UTF-8", body("application/json", "{\"access_token\":\"\xff\xfe"+canary+"\",\"token_type\":\"Bearer\"}")},
	{"token of another type", body("application/json", `{"access_token":"`+canary+`","token_type":"mac"}`)},
	{"form with a token that ends a line", body("application/x-www-form-urlencoded", "access_token=a%0d%0aX-Injected:"+canary)},
	{"error with control characters", body("application/json", `{"error":"a\r\n\u0000\u001b[31m","error_description":"`+strings.Repeat(`\u0007b\r\n`, 10000)+`"}`)},
	{"error as an object", body("application/json", `{"error":{"message":{"a":["b"]},"code":[1]}}`)},
	{"status 200 and an error", body("application/json", `{"error":"server_error","access_token":"`+canary+`"}`)},
	{"status 204", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) }},
	{"status 999", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(999)
		io.WriteString(w, canary)
	}},
	{"status 503 and an endless body", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", strings.Repeat("9", 1000))
		w.WriteHeader(http.StatusServiceUnavailable)
		endless("", canary)(w, r)
	}},
	{"redirect to itself", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
	}},
	{"protocol switch", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Upgrade", "h2c")
		w.Header().Set("Connection", "Upgrade")
		w.WriteHeader(http.StatusSwitchingProtocols)
	}},
}

// exchanges are the ways in which a connector talks to an endpoint of a provider.
// Each is set up with a good provider, p, that is about to turn hostile at the
// returned endpoint when ask asks it.
var exchanges = []struct {
	name  string
	begin func(t *testing.T, p *authtest.Provider, client *http.Client) (endpoint string, ask func(context.Context) error)
}{
	{"client credentials", func(t *testing.T, p *authtest.Provider, client *http.Client) (string, func(context.Context) error) {
		c := must(connectorauth.NewOAuth2(oauth2Config(p, client, connectorauth.ClientCredentials{})))
		return p.TokenURL, func(ctx context.Context) error { _, err := c.Token(ctx); return err }
	}},
	{"authorization code", func(t *testing.T, p *authtest.Provider, client *http.Client) (string, func(context.Context) error) {
		c := must(connectorauth.NewOAuth2(oauth2Config(p, client, connectorauth.AuthorizationCode{AuthURL: p.AuthURL})))
		authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		callback, err := p.Authorize(authURL)
		require.NoError(t, err)
		return p.TokenURL, func(ctx context.Context) error { return c.Finish(ctx, pending, callback.Query()) }
	}},
	{"refresh", func(t *testing.T, p *authtest.Provider, client *http.Client) (string, func(context.Context) error) {
		c := must(connectorauth.NewOAuth2(oauth2Config(p, client, connectorauth.PasswordCredentials{Username: p.Username, Password: connectorauth.Secret(p.Password)})))
		get := func(ctx context.Context) (*http.Response, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.BearerURL, nil)
			if err != nil {
				return nil, err
			}
			resp, err := connectorauth.NewClient(c, client).Do(req)
			if err == nil {
				resp.Body.Close()
			}
			return resp, err
		}
		_, err := get(t.Context())
		require.NoError(t, err)
		p.ExpireAccessTokens()
		return p.TokenURL, func(ctx context.Context) error {
			resp, err := get(ctx)
			if err == nil && resp.StatusCode == http.StatusUnauthorized {
				return errors.New("the API's own refusal, because renewing failed for now")
			}
			return err
		}
	}},
	{"temporary credentials", func(t *testing.T, p *authtest.Provider, client *http.Client) (string, func(context.Context) error) {
		c := must(connectorauth.NewOAuth1(oauth1Config(p, client)))
		return p.RequestTokenURL, func(ctx context.Context) error {
			_, _, err := c.Begin(ctx, "http://127.0.0.1/callback")
			return err
		}
	}},
	{"OAuth1 token", func(t *testing.T, p *authtest.Provider, client *http.Client) (string, func(context.Context) error) {
		c := must(connectorauth.NewOAuth1(oauth1Config(p, client)))
		authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		callback, err := p.Authorize(authURL)
		require.NoError(t, err)
		return p.AccessTokenURL, func(ctx context.Context) error { return c.Finish(ctx, pending, callback.Query()) }
	}},
}

func oauth2Config(p *authtest.Provider, client *http.Client, grant connectorauth.Grant) connectorauth.OAuth2Config {
	return connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: grant, HTTPClient: client,
	}
}

func oauth1Config(p *authtest.Provider, client *http.Client) connectorauth.OAuth1Config {
	return connectorauth.OAuth1Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), HTTPClient: client,
		RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL,
	}
}

func TestHostileResponsesAreBoundedErrors(t *testing.T) {
	for i, exchange := range exchanges {
		for _, hostile := range hostile {
			if i > 0 && strings.HasPrefix(hostile.name, floods) {
				continue
			}
			t.Run(exchange.name+"/"+hostile.name, func(t *testing.T) {
				p := authtest.NewProvider(t)
				endpoint, ask := exchange.begin(t, p, p.Client())
				requests := len(p.Requests(endpoint))
				p.Inject(endpoint, authtest.Always, func(http.Handler) http.Handler { return hostile.write })

				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := inTime(t, p, ask)
				runtime.ReadMemStats(&after)

				requireHarmless(t, err)
				assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(mostMemory))
				assert.Len(t, p.Requests(endpoint), requests+1, "what was sent is not sent again")
			})
		}
	}
}

// inTime returns what ask does, or ends the test after mostTime.
func inTime(t *testing.T, p *authtest.Provider, ask func(context.Context) error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- ask(t.Context()) }()
	select {
	case err := <-done:
		return err
	case <-time.After(mostTime):
		p.Close() // which lets go of whoever still reads
		require.Fail(t, "no end", "after %v; once the provider was gone: %v", mostTime, <-done)
		return nil
	}
}

// requireHarmless checks an error that may quote a hostile party.
func requireHarmless(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	text := err.Error()
	assert.LessOrEqual(t, len(text), mostText)
	assert.NotContains(t, text, canary)
	for _, c := range text {
		require.False(t, unicode.IsControl(c) && c != '\n', "%q", text) // errors.Join has line breaks of its own
		require.NotEqual(t, unicode.ReplacementChar, c, "%q", text)
	}
}
