package script

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxList   = 1 << 20 // most bytes in an array of numbers, which takes several times as much
	maxRandom = 1024    // most bytes from one call of random_bytes
)

// A helper is a Go function for scripts. In the script, an error of a helper is an
// exception.
type helper func(args args) (any, error)

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
	"utf8_decode":      func(a args) (any, error) { return a.encoded(0, 1) },
	"md5":              digests(md5.New),
	"sha1":             digests(sha1.New),
	"sha256":           digests(sha256.New),
	"sha512":           digests(sha512.New),
	"btoa":             toBase64,
	"atob":             fromBase64,
	"sign":             sign,
	"cyclr_sign":       sign,
	"random_bytes":     randomBytes,
	"unix_time":        func(args) (any, error) { return time.Now().Unix(), nil },
}

// help calls a helper. text is a JSON array of the name and the arguments, and the
// result is JSON.
func help(text []byte) ([]byte, error) {
	var name string
	var call []json.RawMessage
	err := json.Unmarshal(text, &call)
	if err == nil && len(call) > 0 {
		err = json.Unmarshal(call[0], &name)
	}
	function, ok := helpers[name]
	if err != nil || !ok {
		return nil, errors.New("the script has changed objects of the language that its functions need")
	}
	result, err := function(args(call[1:]))
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// args are the arguments of one call of a helper, as JSON.
type args []json.RawMessage

// missing reports whether there is no argument i.
func (a args) missing(i int) bool { return i >= len(a) || a[i][0] == 'n' }

// text returns argument i as a text.
func (a args) text(i int) string {
	if a.missing(i) {
		return ""
	}
	var s string
	if json.Unmarshal(a[i], &s) != nil {
		return string(a[i]) // a number, true or false
	}
	return s
}

// bytes returns argument i as bytes: the UTF-8 of a string, the numbers of an array,
// or the decoded text of {hex: ...} or {base64: ...}.
func (a args) bytes(i int) ([]byte, error) {
	if a.missing(i) {
		return nil, fmt.Errorf("argument %d is missing", i+1)
	}
	switch a[i][0] {
	default:
		return []byte(a.text(i)), nil
	case '[':
		var numbers []uint16 // a []byte would be base64 in JSON
		err := json.Unmarshal(a[i], &numbers)
		b := make([]byte, len(numbers))
		for i, n := range numbers {
			if b[i] = byte(n); n > 255 {
				err = errors.New("a number is too large")
			}
		}
		if err != nil {
			return nil, errors.New("want numbers from 0 to 255 in an array of bytes")
		}
		return b, nil
	case '{':
		var coded struct{ Hex, Base64 *string }
		if json.Unmarshal(a[i], &coded) == nil && coded.Hex != nil {
			return decoded(hex.DecodeString(*coded.Hex))
		} else if coded.Base64 != nil {
			return decoded(decodeBase64(*coded.Base64))
		}
		return nil, errors.New("want a string, an array of bytes, {hex: ...} or {base64: ...}")
	}
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
	if !a.missing(i) {
		name = a.text(i)
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
		return list(b)
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
	return func(a args) (any, error) {
		b, err := a.bytes(0)
		return encode(b), err
	}
}

// decodes returns a helper with the arguments text and encoding.
func decodes(decode func(string) ([]byte, error)) helper {
	return func(a args) (any, error) {
		b, err := decoded(decode(a.text(0)))
		if err != nil {
			return nil, err
		}
		return a.encoding(b, 1, "text")
	}
}

// charsets are the character sets of btoa and atob besides UTF-8: those with one byte
// for each character, by the highest character.
var charsets = map[string]rune{"ASCII": 0x7f, "ISO-8859-1": 0xff}

// toBase64 is btoa, with the arguments text and character set. The default is UTF-8.
func toBase64(a args) (any, error) {
	text, charset := a.text(0), strings.ToUpper(a.text(1))
	highest, ok := charsets[charset]
	if charset == "" || charset == "UTF-8" {
		return base64.StdEncoding.EncodeToString([]byte(text)), nil
	} else if !ok {
		return nil, errors.New("btoa: unknown character set; want UTF-8, ISO-8859-1 or ASCII")
	}
	var b []byte
	for _, c := range text {
		if c > highest {
			return nil, errors.New("btoa: the text has a character that the character set does not have")
		}
		b = append(b, byte(c))
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// fromBase64 is atob, with the arguments text and character set. The default is UTF-8.
func fromBase64(a args) (any, error) {
	b, err := decoded(decodeBase64(a.text(0)))
	if err != nil {
		return nil, err
	}
	charset := strings.ToUpper(a.text(1))
	highest, ok := charsets[charset]
	if charset == "" || charset == "UTF-8" {
		if !utf8.Valid(b) {
			return nil, errors.New("atob: the bytes are not UTF-8; name the character set, or use base64_decode")
		}
		return string(b), nil
	} else if !ok {
		return nil, errors.New("atob: unknown character set; want UTF-8, ISO-8859-1 or ASCII")
	}
	text := make([]rune, len(b))
	for i, c := range b {
		if text[i] = rune(c); rune(c) > highest {
			return nil, errors.New("atob: the text has a character that the character set does not have")
		}
	}
	return string(text), nil
}

// digests returns a helper with the arguments bytes and encoding.
func digests(newHash func() hash.Hash) helper {
	return func(a args) (any, error) {
		b, err := a.bytes(0)
		if err != nil {
			return nil, err
		}
		h := newHash()
		h.Write(b)
		return a.encoding(h.Sum(nil), 1, "hex")
	}
}

func utf8Encode(a args) (any, error) { return list([]byte(a.text(0))) }

// list returns b as an array of numbers.
func list(b []byte) (any, error) {
	if len(b) > maxList {
		return nil, fmt.Errorf("an array of bytes has more than %d", maxList)
	}
	numbers := make([]uint16, len(b)) // a []byte would be base64 in JSON
	for i := range b {
		numbers[i] = uint16(b[i])
	}
	return numbers, nil
}

func randomBytes(a args) (any, error) {
	n, err := strconv.Atoi(a.text(0))
	if err != nil || n < 1 || n > maxRandom {
		return nil, fmt.Errorf("random_bytes: want a count from 1 to %d", maxRandom)
	}
	b := make([]byte, n)
	rand.Read(b)
	return a.encoding(b, 1, "hex")
}
