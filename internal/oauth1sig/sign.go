// Package oauth1sig signs HTTP requests as OAuth 1.0 wants it: RFC 5849
// sections 3.4 (signature), 3.5 (where the parameters go) and 3.6 (encoding).
// It sends nothing, stores nothing and never changes a request.
//
// The package signs what net/http will send, byte for byte, and refuses a
// request of which it cannot tell. Where the RFC leaves a choice:
//
//   - Queries and forms are split at "&" only, and ";" is an ordinary byte.
//   - "%" without two hexadecimal digits stands for itself, and decoded bytes
//     need not be UTF-8. Strict servers refuse such requests however they are
//     signed; lenient ones read these very bytes.
//   - A parameter named realm in the query or the form is signed like any
//     other. Only the realm of the Authorization header is left out.
//   - Parameters of the form type, as in "; charset=UTF-8", do not matter.
package oauth1sig

import (
	"crypto"
	"crypto/rand"
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
	"github.com/dghubble/oauth1"
)

// Config says who signs and how.
type Config struct {
	ConsumerKey    string // required: the client's name at the service
	ConsumerSecret string // its shared secret; may be empty; unused by the RSA methods and Custom
	Token          string // empty: two-legged, no oauth_token is sent
	TokenSecret    string // may be empty; unused by the RSA methods

	Method     Method        // empty: HMAC-SHA1
	PrivateKey crypto.Signer // an RSA key; required by the RSA methods, forbidden with the others
	Custom     oauth1.Signer // signs instead of Method, which must be empty then; must be safe for concurrent use

	Realm     string // realm of the Authorization header, not signed; empty: none
	NoVersion bool   // leave out the optional oauth_version=1.0
}

// Param is one protocol parameter, not encoded.
type Param struct{ Name, Value string }

// Stamp makes one signature unique (RFC 5849 section 3.3). Each sending of a
// request needs a new one, retries included.
type Stamp struct {
	Nonce     string // required; see [Nonce]
	Timestamp int64  // seconds since 1970 by the server's clock; positive
}

// Nonce returns a new random nonce of at least 128 bits from crypto/rand. It
// has 26 letters and digits; python3-oauthlib takes 20 to 30 of those and
// nothing else.
func Nonce() string { return rand.Text() }

// A Signer signs requests for one consumer and token. It is immutable, safe
// for concurrent use, and prints no secrets.
type Signer struct {
	method Method
	sign   signFunc
	fixed  Params     // the parameters that are the same in each request
	signed parameters // the same, as they stand in the base string
}

// New checks the config and returns its Signer. Errors name the field to mend
// and never quote a secret; unlike those of the methods they have no prefix.
func New(config Config) (*Signer, error) {
	if config.ConsumerKey == "" {
		return nil, errors.New("OAuth1 needs a consumer key")
	}
	if config.Token == "" && config.TokenSecret != "" {
		return nil, errors.New("OAuth1 has a token secret without a token")
	}
	switch {
	case config.Custom != nil && (config.Method != "" || config.PrivateKey != nil):
		return nil, errors.New("OAuth1 takes either a custom signer or a method with its key, not both")
	case config.Custom != nil:
		config.Method = Method(config.Custom.Name())
	case config.Method == "":
		config.Method = HMACSHA1
	}
	for _, field := range []Param{
		{"consumer key", config.ConsumerKey}, {"consumer secret", config.ConsumerSecret},
		{"token", config.Token}, {"token secret", config.TokenSecret},
		{"realm", config.Realm}, {"signature method", string(config.Method)},
	} {
		if hasControl(field.Value) {
			return nil, fmt.Errorf("OAuth1 %s has a control character: look for a line break that was pasted with it", field.Name)
		}
	}
	sign, err := newSignFunc(config)
	if err != nil {
		return nil, err
	}

	form := appendParam(nil, "oauth_consumer_key", config.ConsumerKey)
	if config.Token != "" {
		form = appendParam(form, "oauth_token", config.Token)
	}
	form = appendParam(form, "oauth_signature_method", string(config.Method))
	if !config.NoVersion {
		form = appendParam(form, "oauth_version", "1.0")
	}
	header := "OAuth "
	if config.Realm != "" {
		header += `realm="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(config.Realm) + `", `
	}
	s := &Signer{method: config.Method, sign: sign}
	s.fixed.form = string(form)
	s.fixed.header = string(appendHeader([]byte(header), s.fixed.form))
	collect(&s.signed, form)
	s.signed.sort()
	return s, nil
}

// Sign returns the protocol parameters that authenticate req, to be placed in
// its header, query or form.
//
// form is the request's body if that is a form (see [IsForm]), else nil. extra
// are further protocol parameters, such as oauth_callback or oauth_verifier.
// Sign does not touch req.Body and modifies none of its arguments. It fails if
// the stamp is incomplete, an extra parameter is doubled or one of Sign's own,
// the request is one that [BaseString] refuses, PLAINTEXT would travel
// unencrypted, or the key refuses to sign.
func (s *Signer) Sign(req *http.Request, form []byte, stamp Stamp, extra ...Param) (Params, error) {
	if stamp.Nonce == "" || stamp.Timestamp <= 0 {
		return Params{}, errors.New("connectorauth: OAuth1 needs a nonce and a positive timestamp")
	}
	b := newScratch()
	defer b.free()
	b.protocol = append(b.protocol, "oauth_timestamp="...)
	b.protocol = strconv.AppendInt(b.protocol, stamp.Timestamp, 10)
	b.protocol = appendParam(b.protocol, "oauth_nonce", stamp.Nonce)
	for i, p := range extra {
		if err := checkExtra(p, extra[:i]); err != nil {
			return Params{}, err
		}
		b.protocol = appendParam(b.protocol, p.Name, p.Value)
	}
	if err := b.build(req, form, s.signed); err != nil {
		return Params{}, err
	}
	if s.method == Plaintext && !secure(req.URL) {
		return Params{}, errors.New("connectorauth: OAuth1 PLAINTEXT sends the secrets themselves and needs https")
	}
	signature, err := s.sign(b.text[:0], b.base) // the text is in the base string by now
	if err != nil {
		return Params{}, err
	}
	b.protocol = append(b.protocol, "&oauth_signature="...)
	b.protocol = appendEncoded(b.protocol, signature)
	params := s.fixed
	params.rest = string(b.protocol)
	return params, nil
}

// BodyHash returns the oauth_body_hash parameter for a body, which it reads to
// the end; an empty body has a hash too. Use it as an extra parameter of
// [Signer.Sign] for requests whose body is not a form. The hash is the one of
// the signature method, SHA-1 if that has none (OAuth Request Body Hash 1.0,
// draft 4). An error is the reader's.
func (s *Signer) BodyHash(body io.Reader) (Param, error) {
	h := s.method.hash().New()
	if _, err := io.Copy(h, body); err != nil {
		return Param{}, err
	}
	return Param{"oauth_body_hash", base64.StdEncoding.EncodeToString(h.Sum(nil))}, nil
}

// Format writes the signature method and nothing else, whatever the verb.
func (s *Signer) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "OAuth1 signer (%s)", string(s.method)) }

// checkExtra refuses a parameter that would stand twice in the request, or
// that is not a parameter at all.
func checkExtra(p Param, before []Param) error {
	switch p.Name {
	case "", "realm", "oauth_consumer_key", "oauth_token", "oauth_signature_method", "oauth_version",
		"oauth_timestamp", "oauth_nonce", "oauth_signature":
		return fmt.Errorf("connectorauth: OAuth1 cannot take %q as an extra parameter", p.Name)
	}
	if slices.ContainsFunc(before, func(b Param) bool { return b.Name == p.Name }) {
		return fmt.Errorf("connectorauth: OAuth1 has the extra parameter %q twice", p.Name)
	}
	if hasControl(p.Name) || hasControl(p.Value) {
		return fmt.Errorf("connectorauth: OAuth1 extra parameter %q has a control character", p.Name)
	}
	return nil
}

// secure reports whether nobody between here and the server can read along.
func secure(u *url.URL) bool {
	return strings.EqualFold(u.Scheme, "https") || origin.Loopback(u.Hostname())
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
