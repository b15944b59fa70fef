package doors

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/connectorauth/connectorauth"
)

// DigestConfig is a user of a service with HTTP Digest authentication.
type DigestConfig struct {
	Username string               // required
	Password connectorauth.Secret // required
	// Hosts are the places that may see the credential: see
	// connectorauth.APIKeyConfig.
	Hosts []string
	// Observe is told when the server has given another nonce. Empty means nobody
	// is told.
	Observe func(connectorauth.Event)
}

// NewDigest returns a connector for HTTP Digest authentication (RFC 7616) with
// SHA-256 or MD5 and qop=auth.
//
// The credential is the server's challenge. The first request goes out without
// authentication; its 401 brings the challenge, and the request is sent again.
// A 401 with stale=true brings the next challenge. A 401 without stale means that
// the server refuses user name or password: connectorauth.ErrReauthRequired.
//
// There is no Store: a nonce counts its requests, and two processes with one nonce
// would count twice.
func NewDigest(config DigestConfig) (*connectorauth.Custom, error) {
	if config.Username == "" || strings.Contains(config.Username, ":") {
		return nil, errors.New("doors: DigestConfig: Username: is empty or has a colon")
	}
	if config.Password == "" {
		return nil, errors.New("doors: DigestConfig: Password: is empty")
	}
	d := &digest{username: config.Username, password: config.Password}
	c, err := connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: d.authenticate, Obtain: d.obtain, Hosts: config.Hosts, Observe: config.Observe,
	})
	if err != nil {
		return nil, fmt.Errorf("doors: DigestConfig: %w", err)
	}
	return c, nil
}

// digest authenticates one user.
type digest struct {
	username string
	password connectorauth.Secret

	mu     sync.Mutex
	counts []count // of the latest nonces: requests with an older nonce may still be under way
}

// count is how many requests went out with a nonce.
type count struct {
	nonce string
	n     uint32
}

// maxCounts is how many nonces digest counts at a time.
const maxCounts = 16

// offer is a challenge that digest can answer, and the connector's credential.
type offer struct {
	Realm     string `json:"realm"`
	Nonce     string `json:"nonce"`
	Opaque    string `json:"opaque,omitempty"`
	Algorithm string `json:"algorithm,omitempty"` // as the server wrote it; empty means MD5
}

// algorithms are what digest can do, best first.
var algorithms = []struct {
	name string
	hash func() hash.Hash
}{{"SHA-256", sha256.New}, {"MD5", md5.New}}

// obtain takes the next challenge from the response that rejected old. Before the
// first response there is no challenge, and the empty credential makes
// authenticate send the request as it is.
func (d *digest) obtain(_ context.Context, old connectorauth.CustomCredential, rejection *http.Response) (next connectorauth.CustomCredential, err error) {
	if rejection == nil {
		return old, nil
	}
	for _, algorithm := range algorithms {
		for _, c := range challenges(rejection.Header) {
			name := c.params["algorithm"]
			if c.scheme != "digest" || !strings.EqualFold(name, algorithm.name) && (name != "" || algorithm.name != "MD5") {
				continue
			}
			if !slices.Contains(strings.FieldsFunc(c.params["qop"], isSeparator), "auth") || c.params["nonce"] == "" {
				continue
			}
			if old.Value != "" && !strings.EqualFold(c.params["stale"], "true") {
				return next, fmt.Errorf("%w: the server refuses user name or password (RFC 7616)", connectorauth.ErrReauthRequired)
			}
			value, err := json.Marshal(offer{c.params["realm"], c.params["nonce"], c.params["opaque"], name})
			return connectorauth.CustomCredential{Value: connectorauth.Secret(value)}, err
		}
	}
	return next, errors.New("doors: the server offers no Digest authentication with SHA-256 or MD5 and qop=auth")
}

func isSeparator(r rune) bool { return r == ',' || r == ' ' }

// authenticate answers the challenge (RFC 7616 section 3.4).
func (d *digest) authenticate(req *http.Request, value connectorauth.CustomCredential) error {
	if value.Value == "" {
		req.Header.Del("Authorization") // the caller's would be taken for an answer
		return nil
	}
	var o offer
	if err := json.Unmarshal([]byte(value.Value), &o); err != nil {
		return errors.New("doors: the credential is not a Digest challenge")
	}
	method, uri := req.Method, req.URL.RequestURI()
	if method == "" {
		method = http.MethodGet
	}
	nc, cnonce := fmt.Sprintf("%08x", d.next(o.Nonce)), rand.Text()
	response := o.response(d.username, string(d.password), nc, cnonce, method, uri)
	answer := fmt.Sprintf(`Digest username=%s, realm=%s, nonce=%s, uri=%s, response="%s", qop=auth, nc=%s, cnonce="%s"`,
		quote(d.username), quote(o.Realm), quote(o.Nonce), quote(uri), response, nc, cnonce)
	if o.Algorithm != "" {
		answer += ", algorithm=" + o.Algorithm
	}
	if o.Opaque != "" {
		answer += ", opaque=" + quote(o.Opaque)
	}
	req.Header.Set("Authorization", answer)
	return nil
}

// response returns the proof of the password (RFC 7616 section 3.4.1).
func (o offer) response(username, password, nc, cnonce, method, uri string) string {
	h := md5.New
	if strings.EqualFold(o.Algorithm, "SHA-256") {
		h = sha256.New
	}
	sum := func(parts ...string) string {
		state := h()
		state.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(state.Sum(nil))
	}
	return sum(sum(username, o.Realm, password), o.Nonce, nc, cnonce, "auth", sum(method, uri))
}

// next counts the requests with a nonce, from 1.
func (d *digest) next(nonce string) uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.counts, func(c count) bool { return c.nonce == nonce })
	if i < 0 {
		d.counts = append(d.counts[max(len(d.counts)+1-maxCounts, 0):], count{nonce: nonce})
		i = len(d.counts) - 1
	}
	d.counts[i].n++
	return d.counts[i].n
}
