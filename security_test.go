package connectorauth_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// Rows of docs/security-tests.md that no other test decides.

// T6, X4, B4: a certificate that nobody trusts ends the connection before
// anything is sent.
func TestUntrustedCertificatesAreRefused(t *testing.T) {
	p := authtest.New(authtest.Config{TLS: true})
	t.Cleanup(p.Close)
	code := connect(t, p, func(c *connectorauth.OAuth2Config) { c.HTTPClient, c.Grant = nil, connectorauth.ClientCredentials{} })
	_, err := code.Token(t.Context())
	require.ErrorContains(t, err, "certificate")
	config := consenting(p)
	config.HTTPClient = nil
	_, _, err = must(connectorauth.NewOAuth1(config)).Begin(t.Context(), oauth1Callback)
	require.ErrorContains(t, err, "certificate")
	for _, s := range subjects(tokenEndpoint()) {
		_, err := connectorauth.NewClient(s.connector, nil).Post(p.OpenURL, "application/json", strings.NewReader("{}"))
		require.ErrorContains(t, err, "certificate", s.name)
	}
	assert.Empty(t, p.Requests(""))
}

// A3, T6, X6, O8: what the source of the library must not do. The stores'
// polling may use math/rand; a browser is found by the environment. Packages
// that are for tests are left out.
func TestSourceTakesNoShortcuts(t *testing.T) {
	allowed := map[string][]string{
		"math/rand/v2": {"tokenstore/tokenstore.go", "tokenstore/redisstore/"},
		"os.Getenv":    {"consent/browser.go"},
		"unsafe":       {"tokenstore/file_windows.go"}, // for a system call
	}
	forTests := map[string]bool{"examples": true, "authtest": true, "internal/interop": true, "internal/test": true}
	files, used := token.NewFileSet(), map[string]bool{}
	find := func(path, what string) {
		used[what] = true
		for _, prefix := range allowed[what] {
			if strings.HasPrefix(filepath.ToSlash(path), prefix) {
				return
			}
		}
		t.Errorf("%s uses %s", path, what)
	}
	parsed := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (forTests[filepath.ToSlash(path)] || strings.HasPrefix(entry.Name(), ".") && path != "."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		parsed++
		for _, imported := range file.Imports {
			switch name := strings.Trim(imported.Path.Value, `"`); name {
			case "math/rand", "math/rand/v2", "unsafe", "net/http/cookiejar":
				find(path, name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if n.Name == "InsecureSkipVerify" {
					find(path, n.Name)
				}
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "os" && strings.Contains(strings.ToLower(n.Sel.Name), "env") {
					find(path, "os."+n.Sel.Name)
				}
			}
			return true
		})
		return nil
	}))
	assert.Greater(t, parsed, 60)
	for what := range allowed {
		assert.True(t, used[what], "%s is allowed and not used", what)
	}
}

// R4, T1: a refresh token goes to the token endpoint and nowhere else, and token
// requests have no empty or repeated parameter.
func TestRefreshTokenGoesToTheTokenEndpointAlone(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	pending, callback := consented(t, p, c)
	require.NoError(t, c.Finish(t.Context(), pending, callback))
	for range 3 {
		p.ExpireAccessTokens()
		resp, err := connectorauth.NewClient(c, nil).Post(p.BearerURL, "application/json", strings.NewReader("{}"))
		code, _ := read(t, resp, err)
		require.Equal(t, 200, code)
	}
	sent := forms(t, p)
	require.Len(t, sent, 4)
	for _, form := range sent {
		for name, values := range form {
			assert.Len(t, values, 1, name)
			assert.NotEmpty(t, values[0], name)
		}
	}
	api := p.Requests(p.BearerURL)
	require.Len(t, api, 6)
	for _, r := range api {
		text := fmt.Sprint(r.URL, r.Header, string(r.Body))
		for _, form := range sent[1:] {
			assert.Empty(t, found(text, form.Get("refresh_token")))
		}
		assert.Empty(t, found(text, p.ClientSecret))
	}
}

// T9: what is stored for a password grant is the token.
func TestStoredTokenHasNoPassword(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	c := connect(t, p, func(config *connectorauth.OAuth2Config) {
		config.Store, config.Account = store, "alice"
		config.Grant = connectorauth.PasswordCredentials{Username: p.Username, Password: connectorauth.Secret(p.Password)}
	})
	require.Equal(t, 200, status(t, p, c, p.BearerURL))
	value, ok, err := store.Load(t.Context(), "alice")
	require.NoError(t, err)
	require.True(t, ok)
	assert.Empty(t, found(string(value), p.Password, p.ClientSecret))
	assert.Contains(t, string(value), "access_token")
}

// O9: the proxy gets its own credentials and not the origin's, the origin none of
// the proxy's; nor does whoever the origin redirects to.
func TestProxyCredentialsStayWithTheProxy(t *testing.T) {
	n := newInternet(t)
	dial := n.transport.DialContext // which knows the names
	var mu sync.Mutex
	var asked []*http.Request
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r)
		mu.Unlock()
		server, err := dial(r.Context(), "tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			server.Close()
			return
		}
		io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(server, client); server.Close() }()
		go func() { io.Copy(client, server); client.Close() }()
	}))
	t.Cleanup(proxy.Close)
	through := n.transport.Clone()
	through.DialContext = new(net.Dialer).DialContext
	through.Proxy = http.ProxyURL(must(url.Parse(strings.Replace(proxy.URL, "://", "://gate:keeper-4711@", 1))))
	t.Cleanup(through.CloseIdleConnections)
	n.transport = through

	for _, s := range subjects(tokenEndpoint()) {
		n.redirect(307, home+"/start", foreign+"/end")
		n.do(t, s.connector, home+"/start")
		require.Len(t, n.trail, 2)
		assert.True(t, s.carries(n.trail[0].String()), s.name)
		for _, hop := range n.trail {
			assert.Empty(t, hop.Header.Values("Proxy-Authorization"))
			assert.Empty(t, found(hop.String(), "keeper-4711"))
		}
	}
	require.NotEmpty(t, asked)
	for _, r := range asked {
		assert.Equal(t, http.MethodConnect, r.Method)
		assert.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("gate:keeper-4711")), r.Header.Get("Proxy-Authorization"))
		for _, s := range subjects(tokenEndpoint()) {
			assert.False(t, s.carries(seen{Request: r}.String()), s.name)
		}
	}
}

// Section 2, netrc and the like: two connectors over one transport, and a
// redirect from the one's host to the other's. Neither secret travels, not even
// that which would fit the target.
func TestOneConnectorsSecretNeverServesAnother(t *testing.T) {
	n := newInternet(t)
	mine := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "me", Password: "mine-4711", Hosts: []string{"api.example.test"}}))
	theirs := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "they", Password: "theirs-4711", Hosts: []string{"other.example.test"}}))
	n.redirect(307, home+"/start", foreign+"/end")
	n.do(t, theirs, foreign+"/before") // leaves a connection
	n.do(t, mine, home+"/start")
	require.Len(t, n.trail, 3)
	assert.Equal(t, []string{"theirs-4711"}, found(n.trail[0].String(), "mine-4711", "theirs-4711"))
	assert.Equal(t, []string{"mine-4711"}, found(n.trail[1].String(), "mine-4711", "theirs-4711"))
	assert.Empty(t, found(n.trail[2].String(), "mine-4711", "theirs-4711"))

	_, err := connectorauth.NewClient(mine, &http.Client{Transport: n.transport}).Get(foreign)
	require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	_, err = connectorauth.NewBasic(connectorauth.BasicConfig{Hosts: []string{"other.example.test"}})
	require.Error(t, err, "a connector without credentials finds none elsewhere")
}

// X13: whatever a server asks for, requests are signed by the configured method.
func TestOAuth1MethodIsNotTheServersChoice(t *testing.T) {
	challenge := http.Header{
		"Www-Authenticate": {`OAuth oauth_problem=signature_method_rejected,oauth_acceptable_signature_methods="PLAINTEXT"`, `Basic realm="x"`},
		"Date":             {"Thu, 01 Jan 1970 00:00:00 GMT"},
	}
	base := &fakeBase{answer: func(*http.Request) (*http.Response, error) {
		resp := respond(http.StatusUnauthorized, "oauth_signature_method=PLAINTEXT")
		resp.Header = challenge
		return resp, nil
	}}
	c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: "client", ClientSecret: clientSecret, Token: oauth1Token, TokenSecret: tokenSecret, SignatureMethod: connectorauth.HMACSHA256,
	}))
	for range 3 {
		code, _ := get(t, c, &http.Client{Transport: base}, home)
		assert.Equal(t, http.StatusUnauthorized, code)
	}
	require.Len(t, base.requests(), 3)
	for _, r := range base.requests() {
		assert.Contains(t, r.Header.Get("Authorization"), `oauth_signature_method="HMAC-SHA256"`)
		assert.Empty(t, found(r.String(), clientSecret, tokenSecret))
	}
}

// FuzzHeaderCredentials: whatever a key, its prefix, its header, a user name, a
// password or a token is, either a constructor refuses it or a server reads one
// header line with just that in it, and no line more.
func FuzzHeaderCredentials(f *testing.F) {
	f.Add("X-Api-Key", "", "k+1/2=&")
	f.Add("", "Bearer ", "eyJ.x-y_z~")
	f.Add("Authorization", "Token token=", `"quoted"`)
	f.Add("x-KEY", "a: b", "\u00fc\xff\t")
	f.Add("X", "", "a\r\nX-Injected: 1")
	f.Add("X-A\r\nB", "", "v")
	f.Add("Cookie", " ", "\x00\x7f")
	f.Fuzz(func(t *testing.T, name, prefix, value string) {
		key, keyErr := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Name: name, Prefix: prefix, Key: connectorauth.Secret(value)})
		basic, basicErr := connectorauth.NewBasic(connectorauth.BasicConfig{Username: prefix, Password: connectorauth.Secret(value)})
		bearer := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "c", ClientSecret: "s", TokenURL: "https://login.example.test/", Grant: connectorauth.ClientCredentials{},
		}))
		bearerErr := bearer.SetToken(t.Context(), &oauth2.Token{AccessToken: value})
		if name == "" {
			name = "Authorization"
		}
		for _, test := range []struct {
			c    connectorauth.Connector
			err  error
			name string
			want string
		}{
			{key, keyErr, name, prefix + value},
			{basic, basicErr, "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(prefix+":"+value))},
			{bearer, bearerErr, "Authorization", "Bearer " + value},
		} {
			if test.err != nil {
				continue
			}
			base := &fakeBase{}
			_, err := test.c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
			require.NoError(t, err)
			var wire bytes.Buffer
			require.NoError(t, base.requests()[0].Write(&wire))
			arrived, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire.Bytes())))
			require.NoError(t, err, "%q", wire.String())
			require.Equal(t, []string{test.want}, arrived.Header.Values(test.name))
			arrived.Header.Del(test.name)
			arrived.Header.Del("User-Agent")
			arrived.Header.Del("Cache-Control") // ReadRequest makes it of Pragma
			require.Empty(t, arrived.Header, "%q", wire.String())
			require.EqualValues(t, 0, arrived.ContentLength)
		}
	})
}
