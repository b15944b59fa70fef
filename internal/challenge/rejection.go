package challenge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// maxBody is the length in bytes of the longest body that Rejects reads.
const maxBody = 64 << 10

// maxWait is how long Rejects waits for a body. The part of a body that has arrived
// by then is looked at.
const maxWait = 2 * time.Second

// maxWaitUnknown is how long Rejects waits for a body without a type and a length.
// Such a body may be a stream.
const maxWaitUnknown = 200 * time.Millisecond

// CheckRejection returns an error if r can never match, or would match every
// response. The error begins with the field to change.
func CheckRejection(r dialect.Rejection) error {
	switch {
	case r == dialect.Rejection{}:
		return errors.New("is empty and would match every response: set a field")
	case r.HeaderValue != "" && r.Header == "":
		return errors.New("HeaderValue: needs Header, the name of the header")
	case r.Value != "" && r.Path == "":
		return errors.New("Value: needs Path, the path of the member")
	case r.Header != "" && !wire.IsToken(r.Header):
		return fmt.Errorf("Header: %q is not a header name", r.Header)
	case r.Status == http.StatusUnauthorized:
		return errors.New("Status: every response with status 401 is a rejection already; remove this Rejection, or give another Status")
	case r.Status != 0 && (r.Status < 200 || r.Status > 599):
		return fmt.Errorf("Status: %d is not the status of a response; give 200 to 599, or 0 for any", r.Status)
	case r == dialect.Rejection{Status: r.Status} && r.Status < 300:
		return errors.New("Status: a status of success alone would match every successful response; set Header, Path or Body too")
	}
	return nil
}

// Rejects reports whether resp is one of the rejections. Rejects reads a body of
// text or JSON, compressed or not, if a rejection asks for the body. Later reads of
// resp.Body still see the whole body as the server sent the body.
func Rejects(rejections []dialect.Rejection, resp *http.Response) bool {
	var body []byte
	read := false
	for i := range rejections {
		r := &rejections[i]
		if !headMatches(r, resp) {
			continue
		}
		if r.Path == "" && r.Body == "" {
			return true
		}
		if !read {
			body, read = readBody(resp), true
		}
		if bodyMatches(r, body) {
			return true
		}
	}
	return false
}

// headMatches reports whether the status and the header of resp are what r asks
// for.
func headMatches(r *dialect.Rejection, resp *http.Response) bool {
	if r.Status != 0 && r.Status != resp.StatusCode {
		return false
	}
	if r.Header == "" {
		return true
	}
	for _, value := range resp.Header.Values(r.Header) {
		if strings.Contains(value, r.HeaderValue) {
			return true
		}
	}
	return false
}

// bodyMatches reports whether the body is what r asks for.
func bodyMatches(r *dialect.Rejection, body []byte) bool {
	return bytes.Contains(body, []byte(r.Body)) && (r.Path == "" || hasMember(body, r.Path, r.Value))
}

// hasMember reports whether JSON text has a member at path with the value want.
// An empty want stands for every value, null excepted.
func hasMember(body []byte, path, want string) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return false
	}
	found := wire.Lookup(v, path)
	if want == "" {
		return found != nil
	}
	return wire.Scalar(found) == want
}

// readBody returns the body of resp as text if the body is a short text, and puts
// the body back. readBody returns nil for every other body.
func readBody(resp *http.Response) []byte {
	kind := resp.Header.Get("Content-Type")
	if resp.Body == nil || resp.StatusCode == http.StatusSwitchingProtocols || resp.ContentLength > maxBody || kind != "" && !isText(kind) {
		return nil
	}
	wait := maxWait
	if kind == "" && resp.ContentLength < 0 {
		wait = maxWaitUnknown
	}
	body := wire.PeekText(resp, maxBody+1, wait)
	if len(body) > maxBody || kind == "" && !isText(http.DetectContentType(body)) {
		return nil
	}
	return body
}

// isText reports whether a Content-Type means a text document. A stream is not a
// document: reading a stream could wait for ever.
func isText(contentType string) bool {
	if i := strings.IndexAny(contentType, ", \t"); i > 0 { // some servers write a header twice, or parameters in their own way
		contentType = contentType[:i]
	}
	mediaType := wire.MediaType(contentType)
	if mediaType == wire.FormType {
		return true
	}
	main, sub, _ := strings.Cut(mediaType, "/")
	switch sub {
	case "event-stream", "stream+json":
		return false
	case "json", "x-json", "xml", "javascript", "x-javascript":
		return true
	}
	return main == "text" || strings.HasSuffix(sub, "+json") || strings.HasSuffix(sub, "+xml")
}
