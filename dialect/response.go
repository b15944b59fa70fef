package dialect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Response says where the members of a token response are, and how to read
// them. A path is the name of a member, or names joined by dots for a nested
// member, such as "data.access_token". In a list, a number counts from 0. An
// empty path means the place in RFC 6749 section 5. If the response to a refresh
// has no access token at its path, the place in RFC 6749 is read too.
type Response struct {
	AccessToken      string `json:"accessToken,omitempty"`      // path of the access token
	RefreshToken     string `json:"refreshToken,omitempty"`     // path of the refresh token
	Scope            string `json:"scope,omitempty"`            // path of the scopes
	Error            string `json:"error,omitempty"`            // path of an error code; 0 and false mean no error
	ErrorDescription string `json:"errorDescription,omitempty"` // path of the error's description
	Expiry           string `json:"expiry,omitempty"`           // path of the expiry
	RefreshExpiry    string `json:"refreshExpiry,omitempty"`    // path of the refresh token's expiry; empty means refresh_token_expires_in or refresh_expires_in

	// ExpiryFormat is the format of both expiries. Empty means ExpirySeconds.
	ExpiryFormat ExpiryFormat `json:"expiryFormat,omitempty"`
	// Lifetime is the lifetime of a token whose response names none. 0 means until
	// the API rejects the token. In JSON, Lifetime is text such as "1h30m".
	Lifetime time.Duration `json:"-"`
	// AnyTokenType accepts access tokens of every token_type, for a provider that
	// writes "user" or "User Access Token" where RFC 6750 has Bearer.
	AnyTokenType bool `json:"anyTokenType,omitempty"`
}

// withLifetime is the JSON form of a Response.
type withLifetime struct {
	*plainResponse
	Lifetime *string `json:"lifetime,omitempty"`
}

type plainResponse Response

// MarshalJSON writes the JSON form, with Lifetime as text.
func (r Response) MarshalJSON() ([]byte, error) {
	w := withLifetime{plainResponse: (*plainResponse)(&r)}
	if r.Lifetime != 0 {
		text := r.Lifetime.String()
		w.Lifetime = &text
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads the JSON form and refuses unknown members.
func (r *Response) UnmarshalJSON(text []byte) error {
	var read plainResponse
	w := withLifetime{plainResponse: &read}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return err
	}
	if w.Lifetime != nil {
		lifetime, err := time.ParseDuration(*w.Lifetime)
		if err != nil || lifetime <= 0 {
			return fmt.Errorf("lifetime: want a positive duration such as 1h30m")
		}
		read.Lifetime = lifetime
	}
	*r = Response(read)
	return nil
}

// ExpiryFormat says how a token response writes the expiry.
type ExpiryFormat string

// The expiry formats.
const (
	ExpirySeconds      ExpiryFormat = "seconds"      // seconds from now
	ExpiryMilliseconds ExpiryFormat = "milliseconds" // milliseconds from now
	ExpiryUnix         ExpiryFormat = "unix"         // seconds or milliseconds since 1970
	ExpiryRFC3339      ExpiryFormat = "rfc3339"      // a date such as 2030-01-02T15:04:05Z
)

// Valid reports whether f is empty or a known format.
func (f ExpiryFormat) Valid() bool { return f == "" || slices.Contains(expiryFormats, f) }

// UnmarshalText reads an expiry format and refuses an empty or unknown word.
func (f *ExpiryFormat) UnmarshalText(text []byte) error { return unmarshal(f, text, expiryFormats) }

var expiryFormats = []ExpiryFormat{ExpirySeconds, ExpiryMilliseconds, ExpiryUnix, ExpiryRFC3339}

// Encoding says how the parameters of a token request travel.
type Encoding string

// The encodings. EncodeQuery and EncodeGet put secrets into URLs, which proxies
// and servers often log. Use them only for a provider that takes no other
// encoding.
const (
	EncodeForm  Encoding = "form"  // POST with a form
	EncodeJSON  Encoding = "json"  // POST with a JSON object
	EncodeQuery Encoding = "query" // POST with a query and no body
	EncodeGet   Encoding = "get"   // GET with a query
)

// Valid reports whether e is empty or a known encoding.
func (e Encoding) Valid() bool { return e == "" || slices.Contains(encodings, e) }

// UnmarshalText reads an encoding and refuses an empty or unknown word.
func (e *Encoding) UnmarshalText(text []byte) error { return unmarshal(e, text, encodings) }

var encodings = []Encoding{EncodeForm, EncodeJSON, EncodeQuery, EncodeGet}

// unmarshal reads text, which must be among words, into an enumeration.
func unmarshal[T ~string](to *T, text []byte, words []T) error {
	word := T(text)
	if !slices.Contains(words, word) {
		last := len(words) - 1
		return fmt.Errorf("dialect: unknown word %q: use %s or %s", text, strings.Join(texts(words[:last]), ", "), words[last])
	}
	*to = word
	return nil
}

// texts returns words as strings.
func texts[T ~string](words []T) (list []string) {
	for _, word := range words {
		list = append(list, string(word))
	}
	return list
}
