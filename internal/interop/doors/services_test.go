package doors_test

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// sessions is a service that hands out session tokens.
type sessions struct {
	*world
	life   time.Duration
	tokens map[string]time.Time
	answer func(http.ResponseWriter, *http.Request) bool
}

func newSessions(w *world) http.Handler { return newSessionServer(w) }

func newSessionServer(w *world) *sessions {
	s := &sessions{world: w, life: time.Hour, tokens: map[string]time.Time{}}
	w.revoke = func() { locked(w, func() (none struct{}) { clear(s.tokens); return }) }
	return s
}

func (s *sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.answer != nil && s.answer(w, r):
	case r.URL.Path == "/obtain":
		var login struct{ User, Password string }
		if err := json.NewDecoder(r.Body).Decode(&login); err != nil || r.Method != http.MethodPost || r.Header.Get("X-Session") != "" {
			s.complain("not a login: %v", err)
		}
		if login.User != username || login.Password != s.Password {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, "%s is wrong", login.Password)
			return
		}
		s.got++
		token := rand.Text()
		s.tokens[token] = time.Now().Add(s.life)
		s.secrets = append(s.secrets, token)
		json.NewEncoder(w).Encode(map[string]any{"token": token, "expires": s.tokens[token]})
	case len(r.Header.Values("X-Session")) != 1:
		s.complain("%d session tokens", len(r.Header.Values("X-Session")))
		w.WriteHeader(http.StatusUnauthorized)
	case !time.Now().Before(s.tokens[r.Header.Get("X-Session")]):
		w.WriteHeader(http.StatusUnauthorized)
	default:
		s.accept(w, r)
	}
}

// digests is an API with Digest authentication (RFC 7616). digests remembers each
// count of each nonce.
type digests struct {
	*world
	uses   int               // how often a nonce may be used; 0 means without limit
	nonces map[string][]bool // by nonce, whether a count was used
	used   map[string]bool   // nonces with a right response
	header string            // the challenges; %s stands for nonce and stale
}

func newDigest(w *world) http.Handler { return newDigestServer(w) }

func newDigestServer(w *world) *digests {
	s := &digests{world: w, nonces: map[string][]bool{}, used: map[string]bool{}}
	// Two challenges, MD5 first: the client must prefer SHA-256.
	s.header = `Basic realm="a, Digest b", Digest realm="\"q\", r", qop="auth-int, auth", algorithm=MD5, opaque="o\\p", %s`
	if s.Door == "digest SHA-256" {
		s.header += `, Digest realm="\"q\", r", qop="auth", algorithm=SHA-256, opaque="o\\p", %[1]s`
	}
	w.revoke = func() { locked(w, func() (none struct{}) { clear(s.nonces); return }) }
	return s
}

var digestParam = regexp.MustCompile(`(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^", ]+))`)

func (s *digests) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Digest ")
	if !ok {
		if r.Header.Get("Authorization") != "" {
			s.complain("another scheme than Digest")
		}
		s.challenge(w, false)
		return
	}
	p := map[string]string{}
	for _, m := range digestParam.FindAllStringSubmatch(answer, -1) {
		p[m[1]] = regexp.MustCompile(`\\(.)`).ReplaceAllString(m[2], "$1") + m[3]
	}
	newHash, name := map[string]func() hash.Hash{"digest MD5": md5.New, "digest SHA-256": sha256.New}[s.Door], strings.TrimPrefix(s.Door, "digest ")
	h := func(parts ...string) string {
		sum := newHash()
		sum.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(sum.Sum(nil))
	}
	if p["username"] != username || p["realm"] != `"q", r` || p["opaque"] != `o\p` || p["algorithm"] != name || p["qop"] != "auth" ||
		p["uri"] != r.RequestURI || p["cnonce"] == "" || len(p["nc"]) != 8 {
		s.complain("the parameters are wrong: %v", p)
	}
	counts, known := s.nonces[p["nonce"]]
	if !known {
		s.challenge(w, true)
		return
	}
	want := h(h(username, `"q", r`, s.Password), p["nonce"], p["nc"], p["cnonce"], "auth", h(r.Method, r.RequestURI))
	if p["response"] != want {
		s.challenge(w, false)
		return
	}
	var n int
	fmt.Sscanf(p["nc"], "%x", &n)
	for len(counts) <= n {
		counts = append(counts, false)
	}
	if s.uses > 0 && n > s.uses {
		s.challenge(w, true)
		return
	}
	if n == 0 || counts[n] {
		s.complain("a repeated nonce count")
		s.challenge(w, true)
		return
	}
	counts[n] = true
	s.nonces[p["nonce"]] = counts
	if !s.used[p["nonce"]] {
		s.used[p["nonce"]] = true
		s.got++
	}
	s.accept(w, r)
}

// challenge responds with a new nonce.
func (s *digests) challenge(w http.ResponseWriter, stale bool) {
	nonce := `n"` + rand.Text()
	s.nonces[nonce] = nil
	more := `nonce="` + strings.ReplaceAll(nonce, `"`, `\"`) + `"`
	if stale {
		more += ", stale=TRUE"
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(s.header, more))
	w.WriteHeader(http.StatusUnauthorized)
}
