package tokenhttp

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Encoding is the way the parameters of a request travel.
type Encoding int

// The encodings.
const (
	Form  Encoding = iota // POST, a form in the body
	JSON                  // POST, a JSON object in the body
	Query                 // POST, in the query of the URL
	Get                   // GET, in the query of the URL
)

// Prepare turns the request that x/oauth2 wrote, of which req is a private copy,
// into the one that the provider expects.
func (x *Exchange) Prepare(req *http.Request) error {
	r := &x.request
	for name, values := range r.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if r.Encoding == Form && len(r.Names) == 0 && len(r.Params) == 0 {
		return nil
	}
	written, err := io.ReadAll(req.Body)
	req.Body.Close()
	req.Body = nil
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(written))
	if err != nil {
		return err
	}
	form = rename(form, r.Names)
	for name, values := range r.Params {
		form[name] = values
	}
	return encode(req, form, r.Encoding)
}

// rename returns form with the parameters called as names say.
func rename(form url.Values, names map[string]string) url.Values {
	renamed := make(url.Values, len(form))
	for standard, values := range form {
		name, ok := names[standard]
		if !ok {
			name = standard
		}
		if name != "" {
			renamed[name] = values
		}
	}
	return renamed
}

// encode makes form the parameters of req.
func encode(req *http.Request, form url.Values, encoding Encoding) error {
	req.GetBody = nil
	if encoding == Query || encoding == Get {
		u := *req.URL
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += form.Encode()
		req.URL, req.Body, req.ContentLength = &u, http.NoBody, 0
		delete(req.Header, "Content-Type")
		if encoding == Get {
			req.Method = http.MethodGet
			// net/http would repeat a GET without a body by itself if its connection
			// fails, and what this one carries may serve once only.
			req.Body = io.NopCloser(strings.NewReader(""))
		}
		return nil
	}
	body := []byte(form.Encode())
	if encoding == JSON {
		object := make(map[string]any, len(form))
		for name, values := range form {
			if object[name] = values; len(values) == 1 {
				object[name] = values[0]
			}
		}
		var err error
		if body, err = json.Marshal(object); err != nil {
			return err
		}
		req.Header["Content-Type"] = []string{"application/json"}
	}
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}
