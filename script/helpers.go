package script

import (
	"crypto"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dop251/goja"
)

const maxRandom = 1024 // most bytes from one call of random_bytes

// A helper is a Go function for scripts. In the script, an error of a helper is an
// exception.
type helper func(r *run, args args) (any, error)

// helpers are the functions for scripts, by name. A helper uses only the arguments,
// the clock and the random source.
var helpers = map[string]helper{
	"base64_encode":    encodes(base64.StdEncoding.EncodeToString),
	"base64_decode":    decodes(decodeBase64),
	"base64url_encode": encodes(base64.RawURLEncoding.EncodeToString),
	"base64url_decode": decodes(decodeBase64),
	"hex_encode":       encodes(hex.EncodeToString),
	"hex_decode":       decodes(hex.DecodeString),
	"url_encode":       encodes(func(b []byte) string { return strings.ReplaceAll(url.QueryEscape(string(b)), "+", "%20") }),
	"url_decode":       decodes(func(s string) ([]byte, error) { text, err := url.QueryUnescape(s); return []byte(text), err }),
	"utf8_encode":      utf8Encode,
	"utf8_decode":      func(r *run, a args) (any, error) { return a.encoded(0, 1) },
	"md5":              digests(md5.New),
	"sha1":             digests(sha1.New),
	"sha256":           digests(sha256.New),
	"sha512":           digests(sha512.New),
	"sign":             sign,
	"random_bytes":     randomBytes,
	"unix_time":        func(*run, args) (any, error) { return time.Now().Unix(), nil },
}

// function returns a helper as a JavaScript function.
func (r *run) function(help helper) func(goja.FunctionCall) goja.Value {
	return func(call goja.FunctionCall) goja.Value {
		v, err := help(r, args{r, call})
		if err != nil {
			panic(r.vm.NewTypeError(err.Error()))
		}
		return r.vm.ToValue(v)
	}
}

// args are the arguments of one call of a helper.
type args struct {
	*run
	call goja.FunctionCall
}

// bytes returns argument i as bytes: the UTF-8 of a string, the numbers of an array,
// or the decoded text of {hex: ...} or {base64: ...}.
func (a args) bytes(i int) ([]byte, error) {
	o, ok := a.call.Argument(i).(*goja.Object)
	if !ok {
		return []byte(a.call.Argument(i).String()), nil
	}
	if o.ClassName() == "Array" {
		names := o.Keys()
		b := make([]byte, len(names))
		for i, name := range names {
			n := o.Get(name).ToInteger()
			if n < 0 || n > 255 {
				return nil, errors.New("want numbers from 0 to 255 in an array of bytes")
			}
			b[i] = byte(n)
		}
		return b, nil
	}
	if s := o.Get("hex"); s != nil {
		return decoded(hex.DecodeString(s.String()))
	}
	if s := o.Get("base64"); s != nil {
		return decoded(decodeBase64(s.String()))
	}
	return nil, errors.New("want a string, an array of bytes, {hex: ...} or {base64: ...}")
}

// decoded returns b and err, but replaces the text of err. The original text would
// quote the argument, a possible secret.
func decoded(b []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, errors.New("the argument is not valid in its encoding")
	}
	return b, nil
}

// decodeBase64 decodes base64 and base64url, with or without padding (RFC 4648).
func decodeBase64(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	return base64.RawStdEncoding.DecodeString(s)
}

// encoding returns b in the encoding that argument i names. The encoding otherwise
// is the default.
func (a args) encoding(b []byte, i int, otherwise string) (any, error) {
	name := otherwise
	if v := a.call.Argument(i); !goja.IsUndefined(v) {
		name = v.String()
	}
	switch name {
	case "text":
		if !utf8.Valid(b) {
			return nil, errors.New("the bytes are not UTF-8; use the encoding hex, base64 or bytes")
		}
		return string(b), nil
	case "hex":
		return hex.EncodeToString(b), nil
	case "base64":
		return base64.StdEncoding.EncodeToString(b), nil
	case "base64url":
		return base64.RawURLEncoding.EncodeToString(b), nil
	case "bytes":
		return a.list(b), nil
	}
	return nil, errors.New("unknown encoding; want text, hex, base64, base64url or bytes")
}

// encoded returns the bytes of argument i in the encoding that argument j names. The
// default is text.
func (a args) encoded(i, j int) (any, error) {
	b, err := a.bytes(i)
	if err != nil {
		return nil, err
	}
	return a.encoding(b, j, "text")
}

// encodes returns a helper with the argument bytes.
func encodes(encode func([]byte) string) helper {
	return func(_ *run, a args) (any, error) {
		b, err := a.bytes(0)
		return encode(b), err
	}
}

// decodes returns a helper with the arguments text and encoding.
func decodes(decode func(string) ([]byte, error)) helper {
	return func(_ *run, a args) (any, error) {
		b, err := decoded(decode(a.call.Argument(0).String()))
		if err != nil {
			return nil, err
		}
		return a.encoding(b, 1, "text")
	}
}

// digests returns a helper with the arguments bytes and encoding.
func digests(newHash func() hash.Hash) helper {
	return func(_ *run, a args) (any, error) {
		b, err := a.bytes(0)
		if err != nil {
			return nil, err
		}
		h := newHash()
		h.Write(b)
		return a.encoding(h.Sum(nil), 1, "hex")
	}
}

func utf8Encode(_ *run, a args) (any, error) {
	return a.list([]byte(a.call.Argument(0).String())), nil
}

// list returns b as an array of numbers.
func (a args) list(b []byte) *goja.Object {
	numbers := make([]any, len(b))
	for i := range b {
		numbers[i] = b[i]
	}
	return a.vm.NewArray(numbers...)
}

func randomBytes(_ *run, a args) (any, error) {
	n := a.call.Argument(0).ToInteger()
	if n < 1 || n > maxRandom {
		return nil, fmt.Errorf("random_bytes: want a count from 1 to %d", maxRandom)
	}
	b := make([]byte, n)
	rand.Read(b)
	return a.encoding(b, 1, "hex")
}

// sign is a helper with the arguments method, key, bytes and encoding.
func sign(_ *run, a args) (any, error) {
	name := strings.ToUpper(a.call.Argument(0).String())
	kind, hashName, _ := strings.Cut(name, "-")
	hashes := map[string]crypto.Hash{"SHA1": crypto.SHA1, "SHA256": crypto.SHA256, "SHA512": crypto.SHA512}
	h, ok := hashes[hashName]
	if !ok || kind != "HMAC" && kind != "RSA" {
		return nil, errors.New("sign: unknown method; want HMAC-SHA1, HMAC-SHA256, HMAC-SHA512, RSA-SHA1, RSA-SHA256 or RSA-SHA512")
	}
	key, err := a.bytes(1)
	if err != nil {
		return nil, err
	}
	message, err := a.bytes(2)
	if err != nil {
		return nil, err
	}
	if kind == "HMAC" {
		mac := hmac.New(h.New, key)
		mac.Write(message)
		return a.encoding(mac.Sum(nil), 3, "hex")
	}
	private, err := parseRSA(key)
	if err != nil {
		return nil, err
	}
	digest := h.New()
	digest.Write(message)
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, h, digest.Sum(nil))
	if err != nil {
		return nil, errors.New("sign: the RSA key cannot sign; the key may be too short")
	}
	return a.encoding(signature, 3, "base64")
}

// parseRSA reads an RSA private key in PEM: PKCS #1 or PKCS #8.
func parseRSA(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("sign: the key is not in PEM format")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if key, ok := key.(*rsa.PrivateKey); ok {
			return key, nil
		}
	}
	return nil, errors.New("sign: the key is not an RSA private key")
}
