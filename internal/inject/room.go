package inject

import (
	"bytes"
	"net/http"
	"net/url"
)

// A Room is memory that a request keeps for what is put into it. Memory in one piece with
// the request saves allocations. Requests must not share a Room, because a base
// RoundTripper could write to it. A nil member is allocated when a request needs one.
type Room struct {
	Value *[1]string    // of a header
	URL   *url.URL      // the copy of the request's URL; may be that URL itself, if no other request has it
	Body  *bytes.Reader // reads the body
}

// Values returns the values of a header that has one value.
func (r Room) Values(value string) []string {
	if r.Value == nil {
		return []string{value}
	}
	r.Value[0] = value
	return r.Value[:]
}

// ownURL gives req a copy of its URL, and returns the copy.
func (r Room) ownURL(req *http.Request) *url.URL {
	u := r.URL
	if u == nil {
		u = new(url.URL)
	}
	*u = *req.URL
	req.URL = u
	return u
}

// reader returns a reader of body.
func (r Room) reader(body []byte) *bytes.Reader {
	if r.Body == nil {
		return bytes.NewReader(body)
	}
	r.Body.Reset(body)
	return r.Body
}
