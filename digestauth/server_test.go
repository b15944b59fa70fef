package digestauth_test

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/digestauth"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/icholy/digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const (
	user     = `o'hara "the user" \ Jäsøn`
	password = "Secret, or not? +/%&=~4d1e"
	realm    = `api "quoted" \ realm`
)

// service is a server that is strict about Digest. The arithmetic and the reading of
// credentials are those of icholy/digest.
type service struct {
	algorithms []string // the challenges, in their order
	qop        string
	userhash   bool
	charset    string
	uses       int  // how many requests a nonce is good for; 0: any number
	next       bool // the last response to a nonce brings the next nonce
	silent     bool // an ended nonce is not said to be stale
	once       bool // a nonce ends with its first refusal too
	password   string
	respond    func(http.ResponseWriter, *http.Request) bool // responds before all checks

	mu       sync.Mutex
	nonces   map[string]*nonce
	cnonces  map[string]string // of a session, by nonce
	requests int               // that arrived
	tried    int               // wrong passwords
	stale    int               // credentials with an ended nonce
	bodies   []string          // of accepted requests
	read     int64             // bytes of all bodies
	problems []string
	headers  []string // Authorization headers
}

// nonce is what the service knows of a nonce.
type nonce struct {
	counts map[int]bool
	prime  string // the nonce with which the session began
}

func (s *service) fresh(prime string) string {
	value := fmt.Sprintf("nonce/%d+\"=", len(s.nonces))
	s.nonces[value] = &nonce{map[int]bool{}, prime}
	if prime == "" {
		s.nonces[value].prime = value
	}
	return value
}

func (s *service) challenge(w http.ResponseWriter, stale bool) {
	value := s.fresh("")
	for _, algorithm := range s.algorithms {
		c := digest.Challenge{Realm: realm, Nonce: value, Opaque: `op"aque`, Algorithm: algorithm, Stale: stale, Userhash: s.userhash, Charset: s.charset}
		if s.qop != "" {
			c.QOP = []string{s.qop}
		}
		w.Header().Add("WWW-Authenticate", c.String())
	}
	w.WriteHeader(http.StatusUnauthorized)
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	s.mu.Unlock()
	if s.respond != nil && s.respond(w, r) {
		return
	}
	if r.Header.Get("Authorization") == "" { // before the body is read
		s.mu.Lock()
		defer s.mu.Unlock()
		s.challenge(w, false)
		return
	}
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read += int64(len(body))
	problem := func(format string, args ...any) {
		s.problems = append(s.problems, fmt.Sprintf(format, args...))
		w.WriteHeader(http.StatusBadRequest)
	}
	s.headers = append(s.headers, r.Header["Authorization"]...)
	if err != nil || len(r.Header["Authorization"]) != 1 {
		problem("%v, credentials %q", err, r.Header["Authorization"])
		return
	}
	value := r.Header.Get("Authorization")
	if rest, ok := strings.CutPrefix(value, "Digest username*=UTF-8''"); ok { // which icholy/digest cannot read
		encoded, rest, _ := strings.Cut(rest, ",")
		name, err := url.PathUnescape(encoded)
		if err != nil || s.charset != "UTF-8" {
			problem("user name %q", encoded)
			return
		}
		value = "Digest username=" + `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `",` + rest
	}
	c, err := digest.ParseCredentials(value)
	if err != nil {
		problem("%v", err)
		return
	}
	known := s.nonces[c.Nonce]
	switch {
	case known == nil:
		problem("unknown nonce %q", c.Nonce)
		return
	case c.URI != r.RequestURI || c.Realm != realm || c.Opaque != `op"aque`:
		problem("uri %q, realm %q, opaque %q", c.URI, c.Realm, c.Opaque)
		return
	}
	if want := s.answer(c, r.Method, body, known.prime); want != c.Response {
		if s.once {
			delete(s.nonces, c.Nonce)
		}
		s.tried++
		s.challenge(w, false)
		return
	}
	if s.uses > 0 && len(known.counts) >= s.uses {
		s.stale++
		s.challenge(w, !s.silent)
		return
	}
	if c.QOP != "" && known.counts[c.Nc] || c.Nc > len(known.counts)+100 {
		problem("count %d of nonce %s", c.Nc, c.Nonce)
		return
	}
	if c.QOP == "" {
		c.Nc = len(known.counts) + 1 // RFC 2069 has no count
	}
	known.counts[c.Nc] = true
	if s.next && len(known.counts) == s.uses {
		w.Header().Set("Authentication-Info", fmt.Sprintf(`rspauth="0", nextnonce="%s", qop=%s`, strings.ReplaceAll(s.fresh(known.prime), `"`, `\"`), s.qop))
	}
	s.bodies = append(s.bodies, string(body))
}

// answer returns the response that c should have.
func (s *service) answer(c *digest.Credentials, method string, body []byte, prime string) string {
	name, session := strings.CutSuffix(c.Algorithm, "-sess")
	var h hash.Hash
	switch name {
	case "", "MD5":
		h = md5.New()
	case "SHA-256":
		h = sha256.New()
	case "SHA-512-256":
		h = sha512.New512_256()
	}
	sum := func(text string) string { h.Reset(); io.WriteString(h, text); return hex.EncodeToString(h.Sum(nil)) }
	named := c.Username
	if s.userhash {
		named = user
		if c.Username != sum(user+":"+realm) || !c.Userhash {
			s.problems = append(s.problems, "the user name is not hashed")
		}
	}
	a1 := sum(named + ":" + realm + ":" + s.password)
	if session {
		if known := s.cnonces[prime]; known != "" && known != c.Cnonce {
			s.problems = append(s.problems, "the session changes its cnonce")
		}
		s.cnonces[prime] = c.Cnonce
		a1 = sum(a1 + ":" + prime + ":" + c.Cnonce)
	}
	challenge := &digest.Challenge{Realm: c.Realm, Nonce: c.Nonce, Opaque: c.Opaque, Algorithm: name}
	if c.QOP != "" {
		challenge.QOP = []string{c.QOP}
	}
	if c.QOP != s.qop {
		s.problems = append(s.problems, "qop "+c.QOP)
	}
	made, err := digest.Digest(challenge, digest.Options{
		Method: method, URI: c.URI, Count: c.Nc, Username: named, A1: a1, Cnonce: c.Cnonce,
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(body))), nil },
	})
	if err != nil {
		return err.Error()
	}
	return made.Response
}

// start starts s with the right password, and returns its URL.
func (s *service) start(t *testing.T) string {
	t.Helper()
	s.nonces, s.cnonces = map[string]*nonce{}, map[string]string{}
	if s.algorithms == nil {
		s.algorithms = []string{"SHA-256"}
	}
	if s.password == "" {
		s.password = password
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Cleanup(func() { assert.Empty(t, s.problems) })
	return server.URL
}

// open returns a client of the user.
func open(t *testing.T, change func(*digestauth.Config)) (*http.Client, *connectorauth.Custom) {
	t.Helper()
	config := digestauth.Config{Username: user, Password: password, Shared: new(connectorauth.Shared)}
	if change != nil {
		change(&config)
	}
	c, err := digestauth.New(config)
	require.NoError(t, err)
	base := &http.Transport{MaxIdleConnsPerHost: 100, ExpectContinueTimeout: 5e9}
	t.Cleanup(base.CloseIdleConnections)
	return connectorauth.NewClient(c, &http.Client{Transport: base}), c
}

// status posts body, if any, and returns the status of the response.
func status(t *testing.T, client *http.Client, url, body string) int {
	t.Helper()
	method, reader := http.MethodGet, io.Reader(nil)
	if body != "" {
		method, reader = http.MethodPost, strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, reader)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp.StatusCode
}
