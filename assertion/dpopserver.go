package assertion

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/clock"
)

// dpopServer is what a DPoP knows of an origin.
type dpopServer struct {
	nonce atomic.Pointer[string] // the newest; never nil
	clock clock.Clock
}

// server returns what is known of the origin of u.
func (s *dpopState) server(u *url.URL) *dpopServer {
	origin := originOf(u)
	if known, ok := s.servers.get(origin); ok {
		return known
	}
	made := new(dpopServer)
	made.nonce.Store(new(string))
	return s.servers.add(origin, made)
}

// Again keeps the nonce that a response brings, and the time of a refusal. Again reports
// whether the server asks for a nonce that the proof did not have (RFC 9449 sections 8 and
// 9), or an API refuses the proof: net/http may have repeated a request, with the proof
// that the API has seen. A provider that refuses a proof may have looked at the grant. For
// a request without a proof, Again returns false.
func (d *DPoP) Again(resp *http.Response) bool {
	s := d.state()
	nonces := resp.Header.Values("DPoP-Nonce")
	given := len(nonces) == 1 && isNonce(nonces[0])
	if given {
		nonce := nonces[0]
		s.server(resp.Request.URL).nonce.Store(&nonce)
	}
	code := refusalOf(resp)
	if code == "" {
		return false
	}
	sent := sentIn(resp.Request)
	switch {
	case sent.ID == "":
	case code == "use_dpop_nonce":
		return given && nonces[0] != sent.Nonce
	default:
		if theirs, ok := clock.Date(resp.Header); ok {
			follow(&s.server(resp.Request.URL).clock, sent.Issued, theirs)
		}
		return sent.Access != "" && resp.StatusCode == http.StatusUnauthorized
	}
	return false
}

// follow sets a clock after the refusal of a proof that was issued at issued. A correction
// that did not help is given up, because the Date may be that of a cache.
func follow(c *clock.Clock, issued, theirs int64) {
	was := -int64(time.Since(time.Unix(issued, 0)) / time.Second)
	if ahead := c.Ahead(); max(was-ahead, ahead-was) < 30 { // the response took some seconds
		was = ahead
	}
	if c.Correct(theirs, was, true); c.Ahead() == was {
		c.Reset(was)
	}
}

// sentIn returns the claims of the proof in req. Without a proof, there are none.
func sentIn(req *http.Request) (claims dpopClaims) {
	_, rest, _ := strings.Cut(req.Header.Get("DPoP"), ".")
	payload, _, _ := strings.Cut(rest, ".")
	if text, err := base64.RawURLEncoding.DecodeString(payload); err == nil {
		json.Unmarshal(text, &claims)
	}
	return claims
}

// isNonce reports whether a proof can carry a nonce (RFC 9449 section 8.1).
func isNonce(s string) bool {
	outside := func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }
	return s != "" && len(s) <= 1<<10 && strings.IndexFunc(s, outside) < 0
}

// refusalOf returns use_dpop_nonce or invalid_dpop_proof if the response says so of the
// proof, in a challenge or in the body of a provider's response (RFC 9449 sections 5 and
// 7.1).
func refusalOf(resp *http.Response) string {
	if resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusBadRequest {
		return ""
	}
	ofProof := func(code string) bool { return code == "use_dpop_nonce" || code == "invalid_dpop_proof" }
	var refusal struct {
		Error string `json:"error"`
	}
	if json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&refusal) == nil {
		if ofProof(refusal.Error) {
			return refusal.Error
		}
		return ""
	}
	for _, c := range challenge.Parse(resp.Header["Www-Authenticate"]) {
		if code := c.Params["error"]; ofProof(code) {
			return code
		}
	}
	return ""
}

// originOf returns scheme, host and port of u.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]; port != "" {
		host = strings.TrimSuffix(host, port)
	}
	return u.Scheme + "://" + host
}

// maxLimited is how many entries a limited map has. A forgotten entry costs little.
const maxLimited = 4096

// limited is a map that forgets any one entry when the map is full. The zero value is
// empty. A limited map is safe for concurrent use.
type limited[K comparable, V any] struct {
	mu      sync.RWMutex
	entries map[K]V
}

func (l *limited[K, V]) get(key K) (V, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	value, ok := l.entries[key]
	return value, ok
}

// add returns the value of key, which is made unless somebody else has added a value.
func (l *limited[K, V]) add(key K, made V) V {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.entries[key]; ok {
		return known
	}
	if l.entries == nil {
		l.entries = make(map[K]V)
	}
	for other := range l.entries {
		if len(l.entries) < maxLimited {
			break
		}
		delete(l.entries, other)
	}
	l.entries[key] = made
	return made
}
