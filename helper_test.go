package connectorauth_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// must returns v and panics on an error; it is for configs that are right.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// roundTripper is a RoundTripper made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// seen is a request as it arrived; its Body has been read.
type seen struct {
	*http.Request
	Body string
}

// String returns all of the request, to be searched for credentials.
func (s seen) String() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\nHost: %s\n", s.Method, s.URL, s.Host)
	s.Header.Write(&b)
	s.Trailer.Write(&b)
	return b.String() + "\n" + s.Body
}

// fakeBase stands in for an http.Transport: it reads and closes the body of
// each request, keeps what was sent and leaves the answer to answer, of which
// nil means status 200. It is for one test, of one goroutine or many.
type fakeBase struct {
	answer func(*http.Request) (*http.Response, error)

	mu   sync.Mutex
	sent []seen
	idle int // calls of CloseIdleConnections
}

func (f *fakeBase) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		defer req.Body.Close()
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	f.sent = append(f.sent, seen{req, string(body)})
	f.mu.Unlock()
	if f.answer == nil {
		return respond(http.StatusOK, ""), nil
	}
	return f.answer(req)
}

func (f *fakeBase) CloseIdleConnections() { f.idle++ }

// requests returns what was sent so far.
func (f *fakeBase) requests() []seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]seen(nil), f.sent...)
}

// respond makes a response.
func respond(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// statuses answers with one status after another, the last one for ever.
func statuses(list ...int) func(*http.Request) (*http.Response, error) {
	var n atomic.Int32
	return func(*http.Request) (*http.Response, error) {
		i := int(n.Add(1))
		return respond(list[min(i, len(list))-1], fmt.Sprintf("answer %d", i)), nil
	}
}

// tokenEndpoint answers every token request with the same token.
func tokenEndpoint() *fakeBase {
	return &fakeBase{answer: func(*http.Request) (*http.Response, error) {
		return respond(http.StatusOK, fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, accessToken)), nil
	}}
}

// The credentials of the subjects. Each has characters that show a missing
// encoding, and a missing search for an encoded form.
const (
	secretKey    = "KEY+/%&=~1f3a"
	password     = "PASS:word+/%&=~2b7c"
	clientSecret = "CLIENT+/%&=~5e9d"
	accessToken  = "ACCESS+/~=8a4b"
	oauth1Token  = "TOKEN~6d2c"
	tokenSecret  = "TOKENSECRET+/%&=~4c1e"
	fieldValue   = "FIELD+/%&=~9b8a"
	customSecret = "CUSTOM+/%&=~3d5f"
)

// subject is one connector and what gives its credentials away.
type subject struct {
	name      string
	connector connectorauth.Connector
	// traces show that a request carries the credentials; at least one of them is
	// in each such request, in one encoding or another.
	traces []string
}

// carries reports whether any credential is in text.
func (s subject) carries(text string) bool { return len(found(text, s.traces...)) > 0 }

// subjects returns one connector for each kind of credential and each place
// where one goes. OAuth2 gets its token from tokens.
func subjects(tokens http.RoundTripper, hosts ...string) []subject {
	key := func(in dialect.Location, name string) connectorauth.Connector {
		return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: in, Name: name, Hosts: hosts}))
	}
	return []subject{
		{"header key", key(dialect.InHeader, "X-Api-Key"), []string{secretKey}},
		{"query key", key(dialect.InQuery, "api_key"), []string{secretKey}},
		{"cookie key", key(dialect.InCookie, "api_key"), []string{secretKey}},
		{"body key", key(dialect.InBody, "api_key"), []string{secretKey}},
		{"Basic", must(connectorauth.NewBasic(connectorauth.BasicConfig{
			Username: "user", Password: password, Hosts: hosts,
		})), []string{password}},
		{"OAuth1", must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "client", ClientSecret: clientSecret, Token: oauth1Token, TokenSecret: tokenSecret, Hosts: hosts,
		})), []string{"oauth_signature", oauth1Token, clientSecret, tokenSecret}},
		{"OAuth2", must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token",
			Grant: connectorauth.ClientCredentials{}, HTTPClient: &http.Client{Transport: tokens}, Hosts: hosts,
		})), []string{accessToken, clientSecret}},
		{"AuthFields", must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
			Fields: []connectorauth.AuthField{{Key: "auth.token", Value: fieldValue}}, Hosts: hosts,
		})), []string{fieldValue}},
		{"Custom", must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
				req.Header.Set("X-Custom", customSecret)
				query := req.URL.Query()
				query.Set("custom", customSecret)
				req.URL.RawQuery = query.Encode()
				return nil
			},
			Hosts: hosts,
		})), []string{customSecret}},
	}
}

// encodings returns the forms in which a secret may turn up.
func encodings(secret string) []string {
	if forms, ok := knownEncodings.Load(secret); ok {
		return forms.([]string)
	}
	text, _ := json.Marshal(secret)
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), url.QueryEscape(url.QueryEscape(secret)),
		strings.Trim(string(text), `"`), strings.Trim(fmt.Sprintf("%q", secret), `"`),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	// In the midst of other bytes, base64 has three forms. Characters that also
	// depend on the neighbours are left out.
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for before := range 3 {
			padded := encoding.EncodeToString(append(make([]byte, before), secret...))
			forms = append(forms, padded[(before*8+5)/6:(before+len(secret))*8/6])
		}
	}
	knownEncodings.Store(secret, forms)
	return forms
}

var knownEncodings sync.Map // what encodings returned, by secret

// found returns those secrets that are in text, in any encoding.
func found(text string, secrets ...string) (list []string) {
	for _, secret := range secrets {
		for _, form := range encodings(secret) {
			if strings.Contains(text, form) {
				list = append(list, secret)
				break
			}
		}
	}
	return list
}

func TestFoundSeesEveryEncoding(t *testing.T) {
	basic, _ := http.NewRequest(http.MethodGet, "/", nil)
	for _, user := range []string{"", "a", "ab"} {
		basic.SetBasicAuth(user, password)
		assert.NotEmpty(t, found(basic.Header.Get("Authorization"), password))
	}
	assert.NotEmpty(t, found(url.Values{"k": {secretKey}}.Encode(), secretKey))
	assert.NotEmpty(t, found(fmt.Sprintf("%x", secretKey), secretKey))
	assert.Empty(t, found("nothing here", secretKey, password))
}

// bodies makes request bodies and counts how often each is closed.
type bodies struct{ opened []*countedBody }

type countedBody struct {
	io.Reader
	closed atomic.Int32
}

func (b *countedBody) Close() error {
	b.closed.Add(1)
	return nil
}

// open returns a body that reads content. With an error it fails after that.
func (b *bodies) open(content string, failure error) *countedBody {
	body := &countedBody{Reader: strings.NewReader(content)}
	if failure != nil {
		body.Reader = io.MultiReader(body.Reader, failingReader{failure})
	}
	b.opened = append(b.opened, body)
	return body
}

// failingReader is a Reader that fails.
type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// request returns a request with a counted body; replayable ones have a
// GetBody, whose bodies are counted too.
func (b *bodies) request(t *testing.T, method, url, contentType, content string, replayable bool) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, b.open(content, nil))
	require.NoError(t, err)
	req.Header.Set("Content-Type", contentType)
	if replayable {
		req.ContentLength = int64(len(content))
		req.GetBody = func() (io.ReadCloser, error) { return b.open(content, nil), nil }
	}
	return req
}

// requireClosedOnce checks all bodies.
func (b *bodies) requireClosedOnce(t *testing.T) {
	t.Helper()
	require.NotEmpty(t, b.opened)
	for i, body := range b.opened {
		require.EqualValues(t, 1, body.closed.Load(), "closings of body %d", i)
	}
}

// get requests url with c through base, which may be nil, and returns status
// and body.
func get(t *testing.T, c connectorauth.Connector, base *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := connectorauth.NewClient(c, base).Get(url)
	return read(t, resp, err)
}

// read returns status and body of a response.
func read(t *testing.T, resp *http.Response, err error) (int, string) {
	t.Helper()
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

var errBroken = errors.New("broken")

func statusBase(status int) http.RoundTripper {
	return roundTripper(func(*http.Request) (*http.Response, error) { return respond(status, ""), nil })
}

// badConfig is a config that a constructor must refuse, and a part of the error.
type badConfig[C any] struct {
	name   string
	config C
	want   string
}

// checkBadConfigs requires that the constructor refuses each config with an
// error that names config and field and shows no secret.
func checkBadConfigs[C any](t *testing.T, name string, tests []badConfig[C], construct func(C) error) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := construct(test.config)
			require.ErrorContains(t, err, test.want)
			assert.Truef(t, strings.HasPrefix(err.Error(), "connectorauth: "+name+": "), "%v", err)
			assert.Empty(t, found(err.Error(), secretKey, password, fieldValue, customSecret))
			assert.NotContains(t, err.Error(), "\r")
		})
	}
}

// accepted requires that resp is the answer of an authtest endpoint to the
// right credentials.
func accepted(t *testing.T, authType connectorauth.AuthType, resp *http.Response, err error) authtest.Identity {
	t.Helper()
	status, body := read(t, resp, err)
	require.Equal(t, 200, status, body)
	var who authtest.Identity
	require.NoError(t, json.Unmarshal([]byte(body), &who))
	require.EqualValues(t, authType, who.AuthType)
	return who
}
