package inject

import (
	"net/http"
	"strings"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// Apply puts the fields into the body of req, and sets Body, ContentLength and
// GetBody. Apply also sets Content-Type if the request had no body. A field that
// the body already has is replaced, and never sent twice.
//
//   - A request without a body gets a body in the format of the Fields, or else
//     in the format of the request's Content-Type, or else a form.
//   - A request with a body must have a Content-Type that names a supported
//     format, and the format of the Fields if they have a format. With the format
//     JSON or XML, another Content-Type is no obstacle, because the document shows
//     whether it is JSON or XML.
//   - JSON must be an object, or an array if all keys begin with an index; see
//     [Field] for nesting. Missing objects and arrays on the way to a field are
//     created, also in place of null: an array where all keys have an index there.
//     An element of an array is replaced. An index equal to the length appends, and
//     a larger index is refused.
//   - XML must be UTF-8, whatever the declaration says, and have a root element. The
//     fields are elements below the root, or attributes. An element that is there is
//     found by local name and gets new content. A missing element comes first in the
//     parent and has the parent's prefix. An attribute has no prefix.
//   - Multipart bodies are streamed after the fields. A part of the caller's with
//     the name of a field is found only while the body is sent. Reading the new
//     body then fails with a refusal, and so does the request. GetBody is nil if
//     the caller gave none.
//   - A body with a Content-Encoding, and a request with a digest of the body, are
//     refused.
//
// A refusal wraps [ErrNotInjectable]. Apply takes over req.Body. On success, the
// new body closes the old body, unless the old body is closed already. On error,
// the old body is closed and req has no body.
func (f *Fields) Apply(req *http.Request, room Room) error {
	err := f.apply(req, room)
	if err != nil {
		dropBody(req)
	}
	return err
}

func (f *Fields) apply(req *http.Request, room Room) error {
	contentType, err := CheckHeader(req)
	if err != nil {
		return err
	}
	format, err := f.formatOf(req, contentType)
	if err != nil {
		return err
	}
	if format == dialect.BodyMultipart {
		return f.applyMultipart(req, contentType)
	}
	old, err := takeBody(req, f.maxBody, f.room())
	if err != nil {
		return err
	}
	var body []byte
	var created string // the Content-Type of a new body
	switch format {
	case dialect.BodyJSON:
		created = "application/json"
		body, err = f.spliceJSON(old)
	case dialect.BodyXML:
		body, err = f.spliceXML(old) // never makes a new body
	case dialect.BodyForm:
		created = wire.FormType
		body = f.spliceForm(old)
	}
	if err != nil {
		return err
	}
	setBody(req, body, room)
	if len(old) == 0 && contentType == "" {
		setContentType(req, created)
	}
	return nil
}

// room returns how many bytes most bodies grow by, so that the fields find room
// behind the body.
func (f *Fields) room() int { return 2*len(f.root.value) + 64 }

// spliceForm returns an encoded form with the fields at the end and without other
// pairs of the same names. All other bytes stay the same. The array of the result may be
// that of body.
func (f *Fields) spliceForm(body []byte) []byte {
	out := wire.Without(body, f.names...)
	if len(out) > 0 {
		out = append(out, '&')
	}
	return append(out, f.form...)
}

func setContentType(req *http.Request, value string) {
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	req.Header["Content-Type"] = []string{value}
}

// CheckHeader returns the Content-Type of req. CheckHeader refuses a request with
// a header that forbids a change of the body, with an error that wraps
// [ErrNotInjectable].
func CheckHeader(req *http.Request) (contentType string, err error) {
	for _, header := range []http.Header{req.Header, req.Trailer} {
		for key, values := range header {
			if key == "" || !strings.Contains("CcDdRr", key[:1]) {
				continue
			}
			switch {
			case isNamed(key, "Content-Type"):
				if len(values) > 1 || contentType != "" {
					return "", refuse("it has two Content-Type headers: keep one")
				}
				contentType = strings.Join(values, "")
			case isNamed(key, "Content-Encoding"):
				if isEncoded(values) {
					return "", refuse("it has a Content-Encoding: send it plain")
				}
			case isNamed(key, "Content-MD5"), isNamed(key, "Digest"), isNamed(key, "Content-Digest"), isNamed(key, "Repr-Digest"):
				return "", refuse("its %s header would no longer match: remove the header, because the fields are added after the digest was computed", http.CanonicalHeaderKey(key))
			}
		}
	}
	return contentType, nil
}

// isNamed reports whether a header is called name, in any letter case.
func isNamed(header, name string) bool {
	return header == name || len(header) == len(name) && strings.EqualFold(header, name)
}

// isEncoded reports whether the values of a Content-Encoding header name an
// encoding.
func isEncoded(values []string) bool {
	for _, value := range values {
		if value != "" && !strings.EqualFold(value, "identity") {
			return true
		}
	}
	return false
}

// formatNames are the names of the formats in error texts.
var formatNames = map[dialect.BodyFormat]string{
	dialect.BodyJSON: "JSON", dialect.BodyForm: "a form", dialect.BodyMultipart: "multipart", dialect.BodyXML: "XML",
}

// formatOf returns the format of the new body of req.
func (f *Fields) formatOf(req *http.Request, contentType string) (dialect.BodyFormat, error) {
	if noBody(req) && contentType == "" {
		if f.format == "" {
			return dialect.BodyForm, nil
		}
		return f.format, nil
	}
	format := formatOf(contentType)
	switch {
	case format == "" && (f.format == dialect.BodyJSON || f.format == dialect.BodyXML):
		return f.format, nil
	case format == "" && contentType == "":
		return "", refuse("it has no Content-Type: set the Content-Type of a JSON, form, multipart or XML body")
	case format == "":
		return "", refuse("its Content-Type is not that of a JSON, form, multipart or XML body: send one of these")
	case f.format != "" && f.format != format:
		return "", refuse("its Content-Type says %s: send %s, which the fields are configured for", formatNames[format], formatNames[f.format])
	}
	return format, nil
}

// formatOf returns the format that a Content-Type means, and "" for a format that
// cannot carry fields.
func formatOf(contentType string) dialect.BodyFormat {
	if format := formatOfType(contentType); format != "" { // as nearly all requests spell it
		return format
	}
	mediaType := wire.MediaType(contentType)
	if format := formatOfType(mediaType); format != "" {
		return format
	}
	switch {
	case strings.HasSuffix(mediaType, "+json"):
		return dialect.BodyJSON
	case strings.HasSuffix(mediaType, "+xml"):
		return dialect.BodyXML
	}
	return ""
}

// formatOfType returns the format of a media type in lower case that has a name of its
// own, and "" for others.
func formatOfType(mediaType string) dialect.BodyFormat {
	switch mediaType {
	case "application/json", "text/json":
		return dialect.BodyJSON
	case wire.FormType:
		return dialect.BodyForm
	case "multipart/form-data":
		return dialect.BodyMultipart
	case "application/xml", "text/xml":
		return dialect.BodyXML
	}
	return ""
}
