package oauth1

import (
	"fmt"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// Params are the protocol parameters of a signed request, oauth_signature last.
// Params belong in exactly one place: the header, the query or the form (RFC
// 5849 section 3.5). Params print no parameter, because a PLAINTEXT signature is
// a secret.
type Params struct {
	signer  *Signer
	scratch *scratch // scratch.protocol has the parameters that the request does not share
}

// Release gives the memory of p back for other signatures. p must not be used
// afterwards. Params that are never released cost memory and do no harm.
func (p Params) Release() { p.scratch.free() }

// Header returns the value of the Authorization header (section 3.5.1). A realm
// comes first, as a quoted-string.
func (p Params) Header() string {
	s := p.scratch
	s.base = append(s.base[:0], p.signer.header...) // nobody needs the base string any more
	s.base = append(s.base, ", "...)
	s.base = s.protocol.appendHeader(s.base)
	return string(s.base)
}

// Query returns rawQuery, which may be empty, with the parameters added
// (section 3.5.3).
func (p Params) Query(rawQuery string) string {
	if rawQuery != "" {
		rawQuery += "&"
	}
	return rawQuery + p.signer.form + "&" + string(p.scratch.protocol.text)
}

// Form returns a copy of form, which may be empty, with the parameters added
// (section 3.5.2). The body of the request must be a form.
func (p Params) Form(form []byte) []byte { return []byte(p.Query(string(form))) }

// Format writes no parameter, whatever the verb.
func (p Params) Format(f fmt.State, _ rune) { fmt.Fprint(f, "OAuth1 parameters") }

// Names are the protocol parameters that only the signer of a request sets.
var Names = []string{
	"oauth_consumer_key", "oauth_token", "oauth_signature_method", "oauth_signature",
	"oauth_timestamp", "oauth_nonce", "oauth_version", "oauth_body_hash",
}

// Strip returns a query or form without the parameters in [Names]: a request may
// carry each only once (section 3.1). All other bytes stay the same. If there is
// nothing to remove, Strip returns form itself.
func Strip[T string | []byte](form T) T {
	if !mayHaveNames(form) {
		return form
	}
	return wire.Without(form, Names...)
}

// mayHaveNames reports whether a parameter of form may be called by one of the
// [Names]. All names begin with an o, which a form may spell as an escape.
func mayHaveNames[T string | []byte](form T) bool {
	before := byte('&')
	for i := range len(form) {
		c := form[i]
		if before == '&' && (c == 'o' || c == '%') {
			return true
		}
		before = c
	}
	return false
}
