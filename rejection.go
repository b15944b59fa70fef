package connectorauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth/internal/tokenhttp"
)

// maxLook is the length, in bytes, of the longest body that may be a rejection.
const maxLook = 64 << 10

func (r Rejection) problem() error {
	switch {
	case r == Rejection{}:
		return errors.New("is empty and would match every response")
	case r.HeaderValue != "" && r.Header == "", r.Value != "" && r.Path == "":
		return errors.New("HeaderValue needs Header, and Value needs Path")
	case r.Header != "" && !isToken(r.Header):
		return fmt.Errorf("Header: %q is not a header name", r.Header)
	case r.Status == http.StatusUnauthorized:
		return errors.New("Status: 401 is a rejection without being listed; remove it")
	case r.Status != 0 && (r.Status < 200 || r.Status > 599):
		return fmt.Errorf("Status: %d is not that of a response", r.Status)
	case r == Rejection{Status: r.Status} && r.Status < 300:
		return errors.New("Status: it is that of success; set Header, Path or Body too")
	}
	return nil
}

// rejects reports whether resp is one of the rejections. It leaves the body as
// it was.
func (d *Dialect) rejects(resp *http.Response) bool {
	var body []byte
	looked := false
	for _, r := range d.Rejections {
		if r.Status != 0 && r.Status != resp.StatusCode || r.Header != "" && !hasHeader(resp.Header, r.Header, r.HeaderValue) {
			continue
		}
		if r.Path == "" && r.Body == "" {
			return true
		}
		if !looked {
			body, looked = look(resp), true
		}
		if len(body) > 0 && bytes.Contains(body, []byte(r.Body)) && (r.Path == "" || hasMember(body, r.Path, r.Value)) {
			return true
		}
	}
	return false
}

func hasHeader(h http.Header, name, part string) bool {
	for _, value := range h.Values(name) {
		if strings.Contains(value, part) {
			return true
		}
	}
	return false
}

// hasMember reports whether JSON text has a member at path, of that value unless
// it is empty.
func hasMember(body []byte, path, want string) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return false
	}
	switch found := tokenhttp.Lookup(v, path).(type) {
	case nil:
		return false
	case string:
		return want == "" || found == want
	case json.Number:
		return want == "" || found.String() == want
	case bool:
		return want == "" || strconv.FormatBool(found) == want
	}
	return want == ""
}

// look returns the body of resp if it is short and text, and puts it back.
func look(resp *http.Response) []byte {
	if resp.Body == nil || resp.StatusCode == http.StatusSwitchingProtocols || resp.ContentLength > maxLook ||
		resp.Header.Get("Content-Encoding") != "" || !isText(resp.Header.Get("Content-Type")) {
		return nil
	}
	body, err := peek(resp, maxLook+1)
	if err != nil || len(body) > maxLook {
		return nil
	}
	return body
}

// isText reports whether a body is worth looking at: a document, not a stream.
func isText(contentType string) bool {
	kind, _, _ := mime.ParseMediaType(contentType)
	_, sub, _ := strings.Cut(kind, "/")
	switch {
	case kind == "text/event-stream":
		return false
	case strings.HasPrefix(kind, "text/"), sub == "json", sub == "xml":
		return true
	}
	return strings.HasSuffix(sub, "+json") || strings.HasSuffix(sub, "+xml")
}
