package scrub

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Spellings returns secrets together with the spellings in which an error may quote
// the secrets: percent-encoded once and twice, as Go and as JavaScript do, in JSON and
// Go, in base64 and hexadecimal, alone and within a longer text.
func Spellings(secrets ...string) []string {
	list := slices.Clip(secrets)
	for _, secret := range secrets {
		known := map[string]bool{secret: true, "": true}
		add := func(spellings ...string) {
			for _, s := range spellings {
				if !known[s] {
					known[s] = true
					list = append(list, s)
				}
			}
		}
		for _, s := range percentEncoded(secret) {
			add(s, lowerHex(s))
			for _, twice := range percentEncoded(s) {
				add(twice, lowerHex(twice))
			}
		}
		inJSON, _ := json.Marshal(secret) // a string: cannot fail
		inGo := strconv.Quote(secret)
		quoted := inGo[1 : len(inGo)-1]
		twice := strconv.Quote(quoted)
		add(string(inJSON[1:len(inJSON)-1]), quoted, strings.ReplaceAll(quoted, "/", `\/`), twice[1:len(twice)-1])
		add(hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))))
		add(inBase64(secret)...)
	}
	return list
}

// part is the length, in bytes, from which a part of a secret counts as a secret.
const part = 16

// Part returns a part of a secret that text contains, or "". A script engine, for example,
// quotes the beginning of a long value.
func Part(text string, secrets ...string) string {
	parts := make(map[string]bool)
	for at := 0; at+part <= len(text); at++ {
		parts[text[at:at+part]] = true
	}
	for _, secret := range secrets {
		for at := 0; at+part <= len(secret); at++ {
			if parts[secret[at:at+part]] {
				return secret[at : at+part]
			}
		}
	}
	return ""
}

// The characters that percent-encodings leave as they are, beside letters and digits:
// url.QueryEscape, with %20 for a space; url.PathEscape; encodeURIComponent, encodeURI
// and escape of JavaScript.
var unescaped = []string{"-_.~", "-_.~$&+:=@", "-_.!~*'()", "-_.!~*'();/?:@&=+$,#", "-_.@*+/"}

func percentEncoded(s string) []string {
	list := []string{url.QueryEscape(s)} // a space is +
	for _, keep := range unescaped {
		var b strings.Builder
		for _, c := range []byte(s) {
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(keep, c) >= 0 {
				b.WriteByte(c)
			} else {
				b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
			}
		}
		list = append(list, b.String())
	}
	return list
}

// lowerHex returns s with percent-encodings in lower case.
func lowerHex(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], strings.ToLower(s[i+1:i+3]))
		}
	}
	return string(b)
}

// inBase64 returns the base64 form of s, and what base64 forms of texts have in common
// that contain s.
func inBase64(s string) (list []string) {
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		list = append(list, encoding.EncodeToString([]byte(s)))
		for before := range 3 { // bytes of the text before s, in the same group of three
			coded := encoding.EncodeToString(append(make([]byte, before), s...))
			first, end := (before*8+5)/6, (before+len(s))*8/6 // characters that have bits of s only
			if first < end {
				list = append(list, coded[first:end])
			}
		}
	}
	return list
}
