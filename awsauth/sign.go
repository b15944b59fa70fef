package awsauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/wire"
)

const (
	algorithm       = "AWS4-HMAC-SHA256"
	timeFormat      = "20060102T150405Z"
	unsignedPayload = "UNSIGNED-PAYLOAD"
	hashHeader      = "X-Amz-Content-Sha256"
)

// signer makes the signature of one request.
type signer struct {
	service, region string
	headers         []string // further headers to sign, in lower case
	time            time.Time
	credentials     Credentials
}

// sign adds the signature and what belongs to it to req.
func (s *signer) sign(req *http.Request, payload Payload, maxBody int64) error {
	s3 := isS3(s.service)
	spellOnce(req.Header)
	hash := req.Header.Get(hashHeader)
	chunked := hash == "" && payload == PayloadChunked && req.Body != nil && req.Body != http.NoBody
	if hash == "" {
		var err error
		if hash, err = s.payload(req, payload, maxBody); err != nil {
			return err
		}
	}
	if s3 || hash == unsignedPayload {
		req.Header.Set(hashHeader, hash)
	}
	req.Header.Set("X-Amz-Date", s.time.Format(timeFormat))
	req.Header.Del("X-Amz-Security-Token")
	if s.credentials.SessionToken != "" {
		req.Header.Set("X-Amz-Security-Token", string(s.credentials.SessionToken))
	}
	wirePath := req.URL.EscapedPath()
	if req.URL.Opaque != "" {
		wirePath = req.URL.Opaque
	}
	path := canonicalPath(wirePath, s3)
	if s3 && path != wirePath { // S3 signs the path as S3 itself would encode it
		req.URL.RawPath = path
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	headers, names := canonicalHeaders(host, req.Header, s.headers)
	signature := s.signature(strings.Join([]string{method, path, canonicalQuery(req.URL.RawQuery), headers, names, hash}, "\n"))
	req.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		algorithm, s.credentials.AccessKeyID, s.scope(), names, signature))
	if chunked {
		return s.chunk(req, signature)
	}
	return nil
}

// spellOnce leaves one spelling of the headers that belong to a signature.
func spellOnce(h http.Header) {
	for name, list := range h {
		own := http.CanonicalHeaderKey(name)
		if own == name || own != hashHeader && own != "X-Amz-Date" && own != "X-Amz-Security-Token" {
			continue
		}
		delete(h, name)
		if h[own] == nil {
			h[own] = list
		}
	}
}

// payload returns what the signature says of the body: the hash, or a word.
func (s *signer) payload(req *http.Request, payload Payload, maxBody int64) (string, error) {
	h := sha256.New()
	switch {
	case req.Body == nil || req.Body == http.NoBody:
	case payload == PayloadUnsigned:
		return unsignedPayload, nil
	case payload == PayloadChunked:
		return streamingPayload, announce(req)
	case req.GetBody == nil:
		body, err := inject.ReadBody(req, maxBody)
		if err != nil {
			return "", fmt.Errorf("awsauth: the signature covers the body: %w", err)
		}
		h.Write(body)
	default:
		body, err := req.GetBody()
		if err != nil {
			return "", fmt.Errorf("awsauth: the signature covers the body: %w", err)
		}
		defer body.Close()
		if _, err := io.Copy(h, body); err != nil {
			return "", fmt.Errorf("awsauth: the signature covers the body: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// scope returns the credential scope.
func (s *signer) scope() string {
	return s.time.Format("20060102") + "/" + s.region + "/" + s.service + "/aws4_request"
}

// signature returns the signature of a canonical request.
func (s *signer) signature(canonical string) string {
	return s.signText(strings.Join([]string{algorithm, s.time.Format(timeFormat), s.scope(), hexSum(canonical)}, "\n"))
}

// signText returns the signature of a string to sign.
func (s *signer) signText(text string) string {
	key := []byte("AWS4" + string(s.credentials.SecretAccessKey))
	for _, part := range []string{s.time.Format("20060102"), s.region, s.service, "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		io.WriteString(mac, part)
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

func hexSum[T string | []byte](text T) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// canonicalPath returns the path for the signature. wirePath is the path as sent.
func canonicalPath(wirePath string, s3 bool) string {
	if s3 {
		return encodePath(unescape(strings.ReplaceAll(wirePath, "+", "%2B")))
	}
	var kept []string
	for segment := range strings.SplitSeq(wirePath, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, segment)
		}
	}
	path := "/" + strings.Join(kept, "/")
	if path != "/" && strings.HasSuffix(wirePath, "/") {
		path += "/"
	}
	return encodePath(path)
}

// encodePath encodes all but slashes and unreserved characters.
func encodePath(path string) string {
	return strings.ReplaceAll(string(wire.AppendEscaped(nil, "/"+strings.TrimPrefix(path, "/"))), "%2F", "/")
}

// unescape undoes percent-encoding as in a query, where a plus sign is a space. What is
// no escape stays.
func unescape(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		c, size := wire.Unescape(s)
		b.WriteByte(c)
		s = s[size:]
	}
	return b.String()
}

// canonicalQuery returns the query for the signature: each name and value encoded, then
// sorted. A plus sign is a space, as servers read a query.
func canonicalQuery(query string) string {
	if query == "" {
		return ""
	}
	var pairs [][2]string
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(strings.ReplaceAll(pair, "+", "%20"), "=")
		pairs = append(pairs, [2]string{
			string(wire.AppendEscaped(nil, unescape(name))), string(wire.AppendEscaped(nil, unescape(value))),
		})
	}
	slices.SortStableFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	var b strings.Builder
	for i, pair := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pair[0] + "=" + pair[1])
	}
	return b.String()
}

// canonicalHeaders returns the headers for the signature, and their names. further are
// names beside those that are always signed.
func canonicalHeaders(host string, h http.Header, further []string) (headers, names string) {
	values := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(h)) { // as net/http sends them
		lower := strings.ToLower(name)
		if len(h[name]) > 0 && (strings.HasPrefix(lower, "x-amz-") || lower == "content-type" || lower == "content-md5" || slices.Contains(further, lower)) {
			values[lower] = append(slices.Clip(values[lower]), h[name]...)
		}
	}
	values["host"] = []string{host} // net/http sends no other
	var b strings.Builder
	sorted := make([]string, 0, len(values))
	for name := range values {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		b.WriteString(name + ":")
		for i, value := range values[name] {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strings.Join(strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == '\t' }), " "))
		}
		b.WriteByte('\n')
	}
	return b.String(), strings.Join(sorted, ";")
}
