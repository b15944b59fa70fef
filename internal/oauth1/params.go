package oauth1

import (
	"fmt"
	"strings"

	"github.com/connectorauth/connectorauth/internal/wire"
)

// Params are the protocol parameters of a signed request, oauth_signature last.
// Params belong in exactly one place: the header, the query or the form (RFC
// 5849 section 3.5). Params print no parameter, because a PLAINTEXT signature is
// a secret.
type Params struct {
	header, form string // the parameters that all requests share, for the header and for a form
	rest         string // the other parameters, form-encoded
}

// Header returns the value of the Authorization header (section 3.5.1). A realm
// comes first, as a quoted-string.
func (p Params) Header() string {
	header := make([]byte, 0, 512) // a constant size keeps most headers on the stack
	header = append(header, p.header...)
	header = append(header, ", "...)
	return string(appendHeader(header, p.rest))
}

// appendHeader appends form-encoded parameters in the syntax of the
// Authorization header.
func appendHeader(header []byte, form string) []byte {
	for more := true; more; {
		var pair string
		pair, form, more = strings.Cut(form, "&")
		name, value, _ := strings.Cut(pair, "=")
		header = append(header, name...)
		header = append(header, `="`...)
		header = append(header, value...)
		header = append(header, '"')
		if more {
			header = append(header, ", "...)
		}
	}
	return header
}

// Query returns rawQuery, which may be empty, with the parameters added
// (section 3.5.3).
func (p Params) Query(rawQuery string) string {
	if rawQuery != "" {
		rawQuery += "&"
	}
	return rawQuery + p.form + "&" + p.rest
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
func Strip[T string | []byte](form T) T { return wire.Without(form, Names...) }
