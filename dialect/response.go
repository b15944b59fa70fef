package dialect

import (
	"fmt"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth/internal/words"
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

	// ExpiryFormat says what a number means in both expiries. Empty means
	// ExpirySeconds.
	ExpiryFormat ExpiryFormat `json:"expiryFormat,omitempty"`
	// Lifetime is the lifetime of a token whose response names none that can be read.
	// 0 means until the API rejects the token. In JSON, Lifetime is text such as
	// "1h30m".
	Lifetime time.Duration `json:"-"`
	// AnyTokenType accepts access tokens of every token_type, for a provider that
	// writes "user" or "User Access Token" where RFC 6750 has Bearer.
	AnyTokenType bool `json:"anyTokenType,omitempty"`
}

// ExpiryFormat says what a number means as the expiry in a token response. A number
// may be a string, and may have a fraction or an exponent.
//
// With every format, text that is no number is read too: dates in the spellings of RFC
// 3339, ISO 8601, RFC 1123, C, Java, JavaScript and .NET, in UTC where there is no
// zone; and lifetimes such as 1h30m, "7 days", PT1H, 01:00:00 and 240:00:00. 0 and an
// empty value mean no expiry. An expiry that cannot be read, or that has passed already,
// counts as absent, and connectorauth.Event tells.
type ExpiryFormat string

// The expiry formats.
const (
	ExpirySeconds      ExpiryFormat = "seconds"      // seconds from now
	ExpiryMilliseconds ExpiryFormat = "milliseconds" // milliseconds from now
	ExpiryUnix         ExpiryFormat = "unix"         // seconds since 1970, or milliseconds, microseconds or nanoseconds
	ExpiryRFC3339      ExpiryFormat = "rfc3339"      // a date such as 2030-01-02T15:04:05Z; a number as with ExpiryUnix
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

// unmarshal reads a known word into an enumeration.
func unmarshal[T ~string](to *T, text []byte, known []T) error {
	word := T(text)
	if !slices.Contains(known, word) {
		return fmt.Errorf("dialect: unknown word %q: use %s", text, words.Either(known))
	}
	*to = word
	return nil
}
