package authtest

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	_ "crypto/sha1"   // for crypto.SHA1
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA512
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// This file follows RFC 5849 sections 3.4 and 3.5 word by word, from the
// request as received. The signer of connectorauth shares no code with this
// file, so a mistake on either side makes tests fail.

// A parameter is a name and a value, both decoded.
type parameter struct{ name, value string }

// A signedRequest is the part of a request that a signature covers.
type signedRequest struct {
	method   string
	uri      string            // the base string URI of RFC 5849 section 3.4.1.2
	signed   []parameter       // all parameters except realm and oauth_signature
	protocol map[string]string // the parameters whose names begin with oauth_
}

// readSigned collects the parameters of a request (RFC 5849 section 3.4.1.3).
// All protocol parameters must be in the same part of the request, without
// repetition.
func readSigned(r *http.Request, body []byte) (*signedRequest, error) {
	target, query, _ := strings.Cut(cmp.Or(r.RequestURI, r.URL.RequestURI()), "?")
	s := &signedRequest{method: strings.ToUpper(r.Method), uri: baseURI(r, target), protocol: map[string]string{}}

	header, err := headerParameters(r.Header.Values("Authorization"))
	if err != nil {
		return nil, err
	}
	places := [][]parameter{header, formParameters(query)}
	if isForm(r) {
		places = append(places, formParameters(string(body)))
	}
	found := 0
	for _, place := range places {
		isProtocol := func(p parameter) bool { return strings.HasPrefix(p.name, "oauth_") }
		if slices.ContainsFunc(place, isProtocol) {
			found++
		}
		for _, p := range place {
			if isProtocol(p) {
				if _, ok := s.protocol[p.name]; ok {
					return nil, fmt.Errorf("%s is present more than once (RFC 5849 section 3.1)", p.name)
				}
				s.protocol[p.name] = p.value
			}
			if p.name != "oauth_signature" {
				s.signed = append(s.signed, p)
			}
		}
	}
	if found > 1 {
		return nil, fmt.Errorf("the oauth_ parameters must all be in one place: header, body or query (RFC 5849 section 3.5)")
	}
	return s, nil
}

// baseURI returns the base string URI (RFC 5849 section 3.4.1.2). target is the
// request target without the query.
func baseURI(r *http.Request, target string) string {
	scheme, port := "http", ":80"
	if r.TLS != nil {
		scheme, port = "https", ":443"
	}
	if _, absolute, ok := strings.Cut(target, "://"); ok && !strings.HasPrefix(target, "/") {
		_, target, _ = strings.Cut(absolute, "/")
		target = "/" + target
	}
	return scheme + "://" + strings.TrimSuffix(strings.ToLower(r.Host), port) + cmp.Or(target, "/")
}

func isForm(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == formType
}

// headerParameters returns the parameters of the header "Authorization: OAuth"
// (RFC 5849 section 3.5.1), except realm. Other schemes have no parameters.
func headerParameters(headers []string) (list []parameter, err error) {
	if len(headers) > 1 {
		return nil, fmt.Errorf("the request has more than one Authorization header")
	}
	if len(headers) == 0 || len(headers[0]) < 6 || !strings.EqualFold(headers[0][:6], "OAuth ") {
		return nil, nil
	}
	malformed := fmt.Errorf(`the Authorization header must be OAuth name="value", name="value" (RFC 5849 section 3.5.1)`)
	for rest := headers[0][6:]; ; {
		name, after, ok := strings.Cut(strings.TrimLeft(rest, " \t"), `="`)
		value, after, closed := quoted(after)
		if !ok || !closed {
			return nil, malformed
		}
		if name != "realm" {
			n, err := url.PathUnescape(name)
			v, err2 := url.PathUnescape(value)
			if err != nil || err2 != nil {
				return nil, malformed
			}
			list = append(list, parameter{n, v})
		}
		rest = strings.TrimLeft(after, " \t")
		if rest == "" {
			return list, nil
		}
		if rest, ok = strings.CutPrefix(rest, ","); !ok {
			return nil, malformed
		}
	}
}

// quoted returns the part of s before the closing quote, and the part after. s
// is a quoted-string (RFC 9110 section 5.6.4) without the opening quote.
func quoted(s string) (value, after string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

// formParameters returns the parameters of a query or a form. A percent sign
// without two hexadecimal digits stays as sent.
func formParameters(form string) (list []parameter) {
	for pair := range strings.SplitSeq(form, "&") {
		if pair != "" {
			name, value, _ := strings.Cut(pair, "=")
			list = append(list, parameter{formDecode(name), formDecode(value)})
		}
	}
	return list
}

func formDecode(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '+' {
			out.WriteByte(' ')
			continue
		}
		if s[i] == '%' && i+2 < len(s) {
			if decoded, err := url.PathUnescape(s[i : i+3]); err == nil {
				out.WriteString(decoded)
				i += 2
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// percentEncode encodes s as in RFC 5849 section 3.6.
func percentEncode(s string) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(unreserved, s[i]) >= 0 {
			out.WriteByte(s[i])
		} else {
			fmt.Fprintf(&out, "%%%02X", s[i])
		}
	}
	return out.String()
}

// baseString returns the signature base string (RFC 5849 section 3.4.1.1).
func (s *signedRequest) baseString() string {
	encoded := make([]parameter, len(s.signed))
	for i, p := range s.signed {
		encoded[i] = parameter{percentEncode(p.name), percentEncode(p.value)}
	}
	slices.SortFunc(encoded, func(a, b parameter) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	pairs := make([]string, len(encoded))
	for i, p := range encoded {
		pairs[i] = p.name + "=" + p.value
	}
	return percentEncode(s.method) + "&" + percentEncode(s.uri) + "&" + percentEncode(strings.Join(pairs, "&"))
}

// hashOf returns the hash function of a signature method, or 0.
func hashOf(method string) crypto.Hash {
	_, name, _ := strings.Cut(method, "-")
	return map[string]crypto.Hash{"SHA1": crypto.SHA1, "SHA256": crypto.SHA256, "SHA512": crypto.SHA512}[name]
}

func sum(h crypto.Hash, data []byte) []byte {
	hash := h.New()
	hash.Write(data)
	return hash.Sum(nil)
}

// knownMethod reports whether the provider can verify a signature method.
func (p *Provider) knownMethod(method string) bool {
	family, _, _ := strings.Cut(method, "-")
	return method == "PLAINTEXT" ||
		hashOf(method) != 0 && (family == "HMAC" || family == "RSA" && p.config.RSAPublicKey != nil)
}

// verifySignature verifies a signature (RFC 5849 sections 3.4.2 to 3.4.4). The
// method must be known.
func (p *Provider) verifySignature(s *signedRequest, tokenSecret string) bool {
	key := percentEncode(p.ClientSecret) + "&" + percentEncode(tokenSecret)
	method, signature := s.protocol["oauth_signature_method"], s.protocol["oauth_signature"]
	if method == "PLAINTEXT" {
		return equal(signature, key)
	}
	raw, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	hash, base := hashOf(method), []byte(s.baseString())
	if strings.HasPrefix(method, "RSA-") {
		return rsa.VerifyPKCS1v15(p.config.RSAPublicKey, hash, sum(hash, base), raw) == nil
	}
	mac := hmac.New(hash.New, []byte(key))
	mac.Write(base)
	return hmac.Equal(raw, mac.Sum(nil))
}

// verifyBodyHash checks oauth_body_hash, if present (OAuth Request Body Hash
// extension).
func (s *signedRequest) verifyBodyHash(r *http.Request, body []byte) bool {
	sent, ok := s.protocol["oauth_body_hash"]
	if !ok {
		return true
	}
	raw, err := base64.StdEncoding.DecodeString(sent)
	hash := cmp.Or(hashOf(s.protocol["oauth_signature_method"]), crypto.SHA1)
	return err == nil && !isForm(r) && bytes.Equal(raw, sum(hash, body))
}
