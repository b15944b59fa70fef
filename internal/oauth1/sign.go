// Package oauth1 signs HTTP requests with OAuth 1.0 (RFC 5849): the signature of section
// 3.4 and the placement of the parameters of section 3.5. The package also reads the
// refusals of OAuth1 servers: the problem, and the server's time. The package sends no
// request and changes no request.
//
// A signature covers the request exactly as net/http will send the request. A
// request that net/http would rewrite is refused. Where RFC 5849 leaves a choice:
//
//   - Only "&" separates the parameters of a query or form. ";" is an ordinary
//     character.
//   - "%" without two hexadecimal digits stands for itself, and decoded text need
//     not be UTF-8. A strict server refuses both, whatever the signature. A
//     lenient server reads the same bytes as this package.
//   - A parameter named realm in the query or the form is signed like any other
//     parameter. Only the realm of the Authorization header is not signed.
//   - Parameters of a form's media type, such as charset, have no effect.
package oauth1

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// Param is a protocol parameter that is not encoded.
type Param struct{ Name, Value string }

// Stamp makes a signature unique (RFC 5849 section 3.3). Each request needs a
// new Stamp, a retried request too.
type Stamp struct {
	Nonce     string // random text; empty means a new nonce of 26 letters and digits
	Timestamp int64  // seconds since 1970 by the server's clock; positive
}

// A Signer signs requests for a client and a token. A Signer is immutable, safe
// for concurrent use, and prints no secrets.
type Signer struct {
	method string
	sign   signFunc
	header string     // the parameters that all requests share, for the Authorization header
	form   string     // the same for a query or form
	signed parameters // the same as the base string spells the parameters
}

// Sign returns the protocol parameters that authenticate req. The caller puts
// the parameters into the header, the query or the form.
//
// form is the body of req if the body is a form (see [wire.IsForm]), and nil
// otherwise. extra are further protocol parameters, such as oauth_callback or
// oauth_verifier. Sign does not read req.Body and modifies no argument.
//
// Sign returns an error if the stamp has no timestamp, if an extra parameter is repeated or
// has a name that Sign sets, if the request is not http or https, if net/http would not send
// the host as written, if PLAINTEXT would send the secrets without TLS, or if the key fails to
// sign.
func (s *Signer) Sign(req *http.Request, form []byte, stamp Stamp, extra ...Param) (Params, error) {
	if stamp.Timestamp <= 0 {
		return Params{}, errors.New("connectorauth: an OAuth1 signature needs a positive timestamp")
	}
	b := newScratch()
	if err := s.write(b, req, form, stamp, extra); err != nil {
		b.free()
		return Params{}, err
	}
	return Params{s, b}, nil
}

// write writes the parameters that req does not share with other requests to
// b.protocol, and the base string to b.base.
func (s *Signer) write(b *scratch, req *http.Request, form []byte, stamp Stamp, extra []Param) error {
	b.protocol.begin("oauth_timestamp")
	b.protocol.text = strconv.AppendInt(b.protocol.text, stamp.Timestamp, 10)
	b.protocol.begin("oauth_nonce")
	if stamp.Nonce == "" {
		b.protocol.text = b.random.appendNonce(b.protocol.text)
	} else {
		b.protocol.text = wire.AppendEscaped(b.protocol.text, stamp.Nonce)
	}
	for i, p := range extra {
		if err := checkExtra(p, extra[:i]); err != nil {
			return err
		}
		b.protocol.add(p.Name, p.Value)
	}
	if err := b.build(req, form, &s.signed); err != nil {
		return err
	}
	if s.method == Plaintext && !isPrivate(req.URL) {
		return errors.New("connectorauth: OAuth1 PLAINTEXT sends the secrets themselves: use https, or another signature method")
	}
	signature, err := s.sign(b.text[:0], b.base) // the base string has a copy of the text
	if err != nil {
		return err
	}
	b.protocol.begin("oauth_signature")
	b.protocol.text = wire.AppendEscaped(b.protocol.text, signature)
	return nil
}

// BodyHash returns the oauth_body_hash parameter for a body that is not a form
// (OAuth Request Body Hash 1.0, draft 4). The parameter is an extra parameter of
// [Signer.Sign]. BodyHash reads body to the end; an empty body has a hash too.
// The hash function is the function of the signature method, or SHA-1 if the
// method has none. An error comes from body.
func (s *Signer) BodyHash(body io.Reader) (Param, error) {
	h := hashOf(s.method).New()
	if _, err := io.Copy(h, body); err != nil {
		return Param{}, err
	}
	return Param{"oauth_body_hash", base64.StdEncoding.EncodeToString(h.Sum(nil))}, nil
}

// Format writes the signature method and nothing else, whatever the verb.
func (s *Signer) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "OAuth1 signer (%s)", s.method) }

// checkExtra refuses an extra parameter that the request would carry twice, and
// a name or value that no parameter can have. before are the extra parameters
// before p.
func checkExtra(p Param, before []Param) error {
	switch p.Name {
	case "", "realm", "oauth_consumer_key", "oauth_token", "oauth_signature_method", "oauth_version",
		"oauth_timestamp", "oauth_nonce", "oauth_signature":
		return fmt.Errorf("connectorauth: OAuth1 cannot take %q as an extra parameter", p.Name)
	}
	if slices.ContainsFunc(before, func(b Param) bool { return b.Name == p.Name }) {
		return fmt.Errorf("connectorauth: OAuth1 has the extra parameter %q twice: remove the second", p.Name)
	}
	if wire.HasControl(p.Name) || wire.HasControl(p.Value) {
		return fmt.Errorf("connectorauth: OAuth1 extra parameter %q has a control character: look for a line break", p.Name)
	}
	return nil
}

// isPrivate reports whether nobody between this machine and the server can read
// a request to u.
func isPrivate(u *url.URL) bool {
	return strings.EqualFold(u.Scheme, "https") || origin.Loopback(u.Hostname())
}
