package digestauth

import (
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/wire"
)

const (
	maxBody   = 1 << 20 // bytes of a body that auth-int holds in memory
	maxLength = 4 << 10 // bytes of a realm, nonce or opaque value
)

type algorithm struct {
	name string
	hash func() hash.Hash
}

// algorithms are what this package can do, best first (RFC 7616 section 6.1).
var algorithms = []algorithm{{"SHA-512-256", sha512.New512_256}, {"SHA-256", sha256.New}, {"MD5", md5.New}}

// offer is a challenge that this package can answer.
type offer struct {
	realm, nonce, opaque  string
	algorithm             string // as the server wrote the name; empty means MD5
	qop                   string // empty: RFC 2069
	stale, userhash, utf8 bool

	hash    func() hash.Hash
	session bool   // the algorithm is a session variant
	prime   string // the nonce with which the session began
	cnonce  string
}

// choose returns the strongest challenge that can be answered.
func choose(list []challenge.Challenge, allowMD5 bool) (best *offer, err error) {
	err = errors.New("the response with status 401 has no Digest challenge")
	rank := len(algorithms)
	for _, c := range list {
		if !strings.EqualFold(c.Scheme, "Digest") {
			continue
		}
		name, session := strings.CutSuffix(strings.ToUpper(cmp.Or(c.Params["algorithm"], "MD5")), "-SESS")
		for i, algorithm := range algorithms {
			if algorithm.name != name || i >= rank {
				continue
			}
			o := &offer{
				realm: c.Params["realm"], nonce: c.Params["nonce"], opaque: c.Params["opaque"], algorithm: c.Params["algorithm"],
				stale: strings.EqualFold(c.Params["stale"], "true"), userhash: strings.EqualFold(c.Params["userhash"], "true"),
				utf8: strings.EqualFold(c.Params["charset"], "UTF-8"), hash: algorithm.hash, session: session,
				prime: c.Params["nonce"], cnonce: rand.Text(),
			}
			if problem := o.protect(c.Params["qop"], name == "MD5", allowMD5); problem != nil {
				err = problem
				continue
			}
			best, rank = o, i
		}
		if best == nil && !slices.ContainsFunc(algorithms, func(a algorithm) bool { return a.name == name }) {
			err = errors.New("the server offers Digest with an algorithm that this package does not have; the package has SHA-512-256, SHA-256 and MD5")
		}
	}
	if best != nil {
		return best, nil
	}
	return nil, err
}

// protect chooses the quality of protection, and reports why the challenge cannot be
// answered.
func (o *offer) protect(list string, md5, allowMD5 bool) error {
	qops := strings.FieldsFunc(strings.ToLower(list), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
	switch {
	case md5 && !allowMD5:
		return errors.New("the server offers Digest with MD5, and Config.AllowMD5 is false")
	case o.nonce == "" || max(len(o.realm), len(o.nonce), len(o.opaque)) > maxLength:
		return errors.New("the Digest challenge has no nonce, or is too long")
	case wire.HasControl(o.realm + o.nonce + o.opaque):
		return errors.New("the Digest challenge has a control character")
	case slices.Contains(qops, "auth"):
		o.qop = "auth"
	case slices.Contains(qops, "auth-int"):
		o.qop = "auth-int"
	case len(qops) > 0 || o.session:
		return errors.New("the Digest challenge offers neither auth nor auth-int")
	case !allowMD5:
		return errors.New("the Digest challenge offers no quality of protection, as in RFC 2069, and Config.AllowMD5 is false")
	}
	return nil
}

// answer returns the Authorization header for req (RFC 7616 section 3.4). count is
// which request with the nonce req is.
func (o *offer) answer(username, password string, req *http.Request, count uint32) (string, error) {
	method, uri := req.Method, req.URL.RequestURI()
	if method == "" {
		method = http.MethodGet
	}
	h := o.hash()
	secret := sum(h, username, o.realm, password)
	if o.session {
		secret = sum(h, secret, o.prime, o.cnonce)
	}
	message := []string{method, uri}
	if o.qop == "auth-int" {
		body, err := bodySum(h, req)
		if err != nil {
			return "", err
		}
		message = append(message, body)
	}
	proof := []string{secret, o.nonce}
	nc := fmt.Sprintf("%08x", count)
	if o.qop != "" {
		proof = append(proof, nc, o.cnonce, o.qop)
	}
	proof = append(proof, sum(h, message...))

	var b strings.Builder
	b.WriteString("Digest ")
	switch {
	case o.userhash:
		b.WriteString("username=" + quote(sum(h, username, o.realm)) + ", userhash=true")
	case o.utf8 && !isASCII(username):
		b.WriteString("username*=UTF-8''" + string(wire.AppendEscaped(nil, username)))
	default:
		b.WriteString("username=" + quote(username))
	}
	fmt.Fprintf(&b, ", realm=%s, nonce=%s, uri=%s", quote(o.realm), quote(o.nonce), quote(uri))
	if o.algorithm != "" {
		b.WriteString(", algorithm=" + o.algorithm)
	}
	if o.qop != "" {
		fmt.Fprintf(&b, ", qop=%s, nc=%s, cnonce=%s", o.qop, nc, quote(o.cnonce))
	}
	if o.opaque != "" {
		b.WriteString(", opaque=" + quote(o.opaque))
	}
	fmt.Fprintf(&b, `, response="%s"`, sum(h, proof...))
	return b.String(), nil
}

// sum returns the hexadecimal hash of parts with colons in between.
func sum(h hash.Hash, parts ...string) string {
	h.Reset()
	for i, part := range parts {
		if i > 0 {
			h.Write([]byte{':'})
		}
		io.WriteString(h, part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// bodySum returns the hexadecimal hash of the body of req. A body without a GetBody is
// held in memory.
func bodySum(h hash.Hash, req *http.Request) (string, error) {
	h.Reset()
	if req.Body == nil || req.Body == http.NoBody || req.GetBody == nil {
		body, err := inject.ReadBody(req, maxBody)
		if err != nil {
			return "", fmt.Errorf("digestauth: auth-int covers the body: %w", err)
		}
		h.Write(body)
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	body, err := req.GetBody()
	if err != nil {
		return "", fmt.Errorf("digestauth: auth-int covers the body: %w", err)
	}
	defer body.Close()
	if _, err := io.Copy(h, body); err != nil {
		return "", fmt.Errorf("digestauth: auth-int covers the body: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// quote returns s as a quoted-string (RFC 9110 section 5.6.4).
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e })
}
