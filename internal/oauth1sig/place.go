package oauth1sig

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Params are the protocol parameters of one signed request, oauth_signature
// last. They go to exactly one of three places (RFC 5849 section 3.5). They
// print nothing of themselves, because a PLAINTEXT signature is a secret.
type Params struct {
	header, form string // those that are the same in each request, placed in a header or form
	rest         string // the others, form-encoded
}

// Header returns the value of the Authorization header (section 3.5.1). The
// realm, if there is one, comes first and as a quoted-string.
func (p Params) Header() string {
	header := make([]byte, 0, 512) // on the stack: most headers fit
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
// (section 3.5.2). The request must be one whose body is a form.
func (p Params) Form(form []byte) []byte { return []byte(p.Query(string(form))) }

// Names are the protocol parameters that belong to whoever signs a request.
var Names = []string{
	"oauth_consumer_key", "oauth_token", "oauth_signature_method", "oauth_signature",
	"oauth_timestamp", "oauth_nonce", "oauth_version", "oauth_body_hash",
}

// Strip returns a query or form without the parameters in [Names], each of
// which a request may have only once (section 3.1). All other bytes stay as they
// are; if there is nothing to remove, the result is form itself.
func Strip[T string | []byte](form T) T {
	var kept []byte
	stripped := false
	for start, end := 0, 0; start < len(form); start = end + 1 {
		for end = start; end < len(form) && form[end] != '&'; end++ {
		}
		switch pair := form[start:end]; {
		case isProtocol(pair):
			if !stripped {
				stripped = true
				kept = append(kept, form[:max(start-1, 0)]...)
			}
		case stripped:
			if len(kept) > 0 {
				kept = append(kept, '&')
			}
			kept = append(kept, pair...)
		}
	}
	if !stripped {
		return form
	}
	return T(kept)
}

// isProtocol reports whether a form-encoded parameter has one of the Names.
func isProtocol[T string | []byte](pair T) bool {
	if len(pair) == 0 || pair[0] != 'o' && pair[0] != '%' {
		return false
	}
	name, _, _ := strings.Cut(string(pair), "=")
	name, err := url.QueryUnescape(name)
	return err == nil && slices.Contains(Names, name)
}

// Format writes no parameter, whatever the verb.
func (p Params) Format(f fmt.State, _ rune) { fmt.Fprint(f, "OAuth1 parameters") }

// IsForm reports whether a Content-Type is that of a form, whose parameters
// are signed. Letter case and parameters such as charset do not matter; an
// empty contentType is not a form.
func IsForm(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), "application/x-www-form-urlencoded")
}

// appendParam appends one parameter to form, form-encoded.
func appendParam(form []byte, name, value string) []byte {
	if len(form) > 0 {
		form = append(form, '&')
	}
	form = appendEncoded(form, name)
	form = append(form, '=')
	return appendEncoded(form, value)
}
