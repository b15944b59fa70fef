package script

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/script/internal/exact"
)

// knownSecrets returns every secret that the script could read. ok is false if there
// are too many to look for, or if they are too long.
func (r *run) knownSecrets() (list []string, ok bool) {
	list = append(list, r.secrets...)
	add := func(values ...string) { list = append(list, values...) }
	ok = true
	if e := r.exchange; e != nil {
		add(string(e.Auth))
		addHeaders := func(h http.Header) {
			for name, values := range h {
				switch {
				case strings.Contains(name, "Cookie"):
					for _, value := range values {
						for part := range strings.SplitSeq(value, ";") {
							_, secret, _ := strings.Cut(part, "=")
							add(strings.TrimSpace(secret))
						}
					}
				case strings.HasSuffix(name, "Authorization"), sensitive(name):
					add(values...)
				}
			}
		}
		addHeaders(e.Request.Header)
		if e.Response != nil {
			addHeaders(e.Response.Header)
		}
		for _, b := range []*body{&r.request, &r.response} {
			found := r.inBody(b)
			ok = ok && len(found) <= maxFound
			add(found...)
		}
	}
	if r.endpoint != nil {
		for name, values := range r.endpoint.Query() {
			if sensitive(name) || r.exchange == nil && (name == "state" || name == "nonce") {
				add(values...)
			}
		}
	}
	for _, value := range list {
		if _, rest, ok := strings.Cut(value, " "); ok { // the credential after the scheme of an Authorization header
			add(rest)
			value = rest
		}
		if pair, err := base64.StdEncoding.DecodeString(value); err == nil {
			if _, password, ok := strings.Cut(string(pair), ":"); ok {
				add(string(pair), password)
			}
		}
	}
	length := 0
	for _, value := range list {
		length += len(value)
	}
	return list, ok && len(list) <= 4*maxFound && length <= maxSecrets
}

// scrubbed returns a message without the secrets of the script: in plain, in common
// encodings, and in parts, because the engine quotes parts of what a script has.
func (r *run) scrubbed(message string) string {
	secrets, ok := r.knownSecrets()
	if !ok || len(message)*len(secrets) > maxSearch {
		return "an error whose text is withheld, because the messages have too many secrets to look for"
	}
	spellings := scrub.Spellings(secrets...)
	for _, secret := range secrets {
		numbers := strings.Trim(strings.Join(strings.Fields(fmt.Sprint([]byte(secret))), ","), "[]") // an array of bytes
		spellings = append(spellings, numbers)
	}
	message = scrub.Text(message, maxMessage, spellings...)
	for at := 0; at+part <= len(message); at++ {
		for _, secret := range secrets {
			i := strings.Index(secret, message[at:at+part])
			if len(secret) > maxParts || i < 0 {
				continue
			}
			n := part
			for i+n < len(secret) && at+n < len(message) && secret[i+n] == message[at+n] {
				n++
			}
			message = message[:at] + scrub.Redacted + message[at+n:]
			at += len(scrub.Redacted) - 1
			break
		}
	}
	return message
}

const (
	part     = 10       // length of a part of a secret that no error may show
	maxParts = 16 << 10 // length of the longest secret whose parts are looked for

	// The search takes place outside of the turns, so nothing would end a long one.
	maxSecrets = 128 << 10 // length of all secrets together
	maxSearch  = 5 << 20   // length of a message, times the secrets
)

// sensitive reports whether a value with this name is probably a secret.
func sensitive(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "token_type", "tokentype":
		return false
	case "code", "pass", "pwd", "sig", "sid", "pin", "otp", "jwt":
		return true
	}
	for _, part := range []string{
		"token", "secret", "password", "passwd", "passphrase", "assertion", "verifier", "credential", "session", "signature", "bearer", "private", "authorization",
		"apikey", "api_key", "api-key",
	} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return strings.HasSuffix(name, "key")
}

// maxFound is how many secrets of one body are looked for in an error.
const maxFound = 200

// secretIn reports whether the value of a member of this name is probably a secret.
func (r *run) secretIn(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if sensitive(part) {
			return true
		}
	}
	return slices.ContainsFunc(r.fields, func(field string) bool { return strings.Contains("."+name+".", "."+field+".") })
}

// inBody returns the values in a body that are secret by the name of their member, at
// most maxFound+1.
func (r *run) inBody(b *body) (list []string) {
	found := func(value string) bool {
		if len(value) > 0 && !slices.Contains(list, value) {
			list = append(list, value)
		}
		return len(list) <= maxFound
	}
	text := b.text()
	if parsed, err := exact.Parse(text); err == nil {
		parsed.Strings(r.secretIn, found)
	} else if form, ok := exact.ParseForm(string(text)); ok && b.kind() == formType && !exact.TooLong(text) {
		for _, p := range form {
			if r.secretIn(p.Name) && !(found(p.Value) && found(p.Spelled())) {
				break
			}
		}
	}
	return list
}
