package dialect

import "slices"

// A Placement is where a value goes in a request. An access token cannot go into
// the body.
type Placement struct {
	// In is the part of the request. Empty means InHeader.
	In Location `json:"in,omitempty"`
	// Name is the name of the header, query parameter or cookie, or of the placeholder
	// in the path. Empty means Authorization for a header; every other location requires
	// a name.
	Name string `json:"name,omitempty"`
	// Exact sends the name of a header as Name spells it, such as "apiKey", over
	// HTTP/1: for a service that minds the case. HTTP/2 has lower-case names only. The
	// default is the canonical form, "Apikey". Other names are always sent as spelled.
	Exact bool `json:"exact,omitempty"`
	// Prefix comes before the value, such as "token ", with nothing added in between. In
	// a header, a Prefix that ends with a letter or digit is refused. Empty means none.
	Prefix string `json:"prefix,omitempty"`
}

// Location is the part of a request where a value goes.
type Location string

// The locations. A value in a path goes where the URL of a request has the name in
// braces: with the name token and the prefix "bot", a request for
// https://api.example.com/{token}/getMe goes out as /botTHE-TOKEN/getMe, and so does
// a request for /bot{token}/getMe without the prefix. A request without the placeholder
// is refused, and so is a request that has the placeholder twice. A redirect on the same
// origin may repeat the value: the Location then has the placeholder again. A redirect to
// a path without the placeholder is followed without the value.
const (
	InHeader Location = "header" // a header field
	InQuery  Location = "query"  // a query parameter
	InCookie Location = "cookie" // a cookie
	InBody   Location = "body"   // a field of the body
	InPath   Location = "path"   // a placeholder in the path of the URL
)

// Valid reports whether l is empty or a known location.
func (l Location) Valid() bool { return l == "" || slices.Contains(locations, l) }

// UnmarshalText reads a location and refuses an empty or unknown word.
func (l *Location) UnmarshalText(text []byte) error { return unmarshal(l, text, locations) }

var locations = []Location{InHeader, InQuery, InCookie, InBody, InPath}

// FieldType says how a form asks for a value and how JSON spells the value.
type FieldType string

// The field types.
const (
	FieldText     FieldType = "text"     // a string
	FieldPassword FieldType = "password" // a string that a form must not show
	FieldInteger  FieldType = "integer"  // digits, with a minus sign if negative; a JSON number
	FieldNumber   FieldType = "number"   // a number as JSON writes numbers
	FieldBoolean  FieldType = "boolean"  // true or false
)

// Valid reports whether t is empty or a known type.
func (t FieldType) Valid() bool { return t == "" || slices.Contains(fieldTypes, t) }

// UnmarshalText reads a field type and refuses an empty or unknown word.
func (t *FieldType) UnmarshalText(text []byte) error { return unmarshal(t, text, fieldTypes) }

var fieldTypes = []FieldType{FieldText, FieldPassword, FieldInteger, FieldNumber, FieldBoolean}

// BodyFormat is the format of a request's body.
type BodyFormat string

// The body formats.
const (
	BodyJSON      BodyFormat = "json"      // application/json and media types that end in +json; an object or array
	BodyForm      BodyFormat = "form"      // application/x-www-form-urlencoded
	BodyMultipart BodyFormat = "multipart" // multipart/form-data
	BodyXML       BodyFormat = "xml"       // application/xml, text/xml and media types that end in +xml
)

// Valid reports whether f is empty or a known format.
func (f BodyFormat) Valid() bool { return f == "" || slices.Contains(bodyFormats, f) }

// UnmarshalText reads a body format and refuses an empty or unknown word.
func (f *BodyFormat) UnmarshalText(text []byte) error { return unmarshal(f, text, bodyFormats) }

var bodyFormats = []BodyFormat{BodyJSON, BodyForm, BodyMultipart, BodyXML}

// Charset is a character encoding, by its name in the IANA registry.
type Charset string

// The charsets.
const (
	UTF8   Charset = "UTF-8"
	Latin1 Charset = "ISO-8859-1" // has the characters up to U+00FF only
)

// Valid reports whether c is empty or a known charset.
func (c Charset) Valid() bool { return c == "" || slices.Contains(charsets, c) }

// UnmarshalText reads a charset and refuses an empty or unknown word.
func (c *Charset) UnmarshalText(text []byte) error { return unmarshal(c, text, charsets) }

var charsets = []Charset{UTF8, Latin1}
