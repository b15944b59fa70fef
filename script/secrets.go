package script

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/script/internal/exact"
)

// knownSecrets returns every secret that the script could read, in plain and in
// common encodings.
func (r *run) knownSecrets() []string {
	list := append([]string(nil), r.secrets...)
	add := func(values ...string) { list = append(list, values...) }
	if e := r.exchange; e != nil {
		add(string(e.Auth))
		for name, values := range e.Request.Header {
			if name == "Authorization" || name == "Cookie" || sensitive(name) {
				add(values...)
			}
		}
		add(r.inBody(&r.request)...)
		add(r.inBody(&r.response)...)
	}
	if r.endpoint != nil {
		for name, values := range r.endpoint.Query() {
			if sensitive(name) {
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
	return scrub.Spellings(list...)
}

// sensitive reports whether a value with this name is probably a secret.
func sensitive(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "token_type", "tokentype":
		return false
	case "code", "key", "pass", "pwd", "sig", "signature":
		return true
	}
	for _, part := range []string{"token", "secret", "password", "passwd", "assertion", "verifier", "apikey", "api_key", "api-key", "credential"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// inBody returns the values in a body that are secret by the name of their member.
func (r *run) inBody(b *body) (list []string) {
	found := func(name, value string) {
		if sensitive(name) || slices.Contains(r.fields, name) {
			list = append(list, value)
		}
	}
	text := b.text()
	if v, err := exact.Parse(text); err == nil {
		v.Strings(text, found)
	} else if form, ok := exact.ParseForm(string(text)); ok && b.kind() == formType {
		for _, p := range form {
			found(p.Name, p.Value)
			found(p.Name, p.Spelled())
		}
	}
	return list
}
