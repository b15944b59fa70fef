// Package send makes one request as people know requests from curl, and writes the response.
package send

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// A Request is what the person wants to send.
type Request struct {
	Method string
	// Base is the URL of the API, and Path what is added to Base, perhaps with a query. A Path
	// with scheme and host takes the place of both.
	Base, Path string
	// Headers are lines such as "Accept: text/plain".
	Headers []string
	// Data are bodies as with curl's -d: "@file" is a file, "@-" is In, and several are joined
	// by "&". Raw are texts as they are. JSON is as one of Data, of the type application/json.
	Data, Raw []string
	JSON      string
	// In is standard input.
	In io.Reader
}

// HTTP returns the request. The error says what is wrong with the command line.
func (r Request) HTTP(ctx context.Context) (*http.Request, error) {
	method := strings.ToUpper(r.Method)
	if !httpguts.ValidHeaderFieldName(method) {
		return nil, fmt.Errorf("%q is no HTTP method", r.Method)
	}
	if method == http.MethodTrace || method == http.MethodConnect { // the response to TRACE is the request, with the credential
		return nil, fmt.Errorf("%s is not sent with a credential", method)
	}
	target, err := r.url()
	if err != nil {
		return nil, err
	}
	body, kind, err := r.body()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return nil, fmt.Errorf("the path is no part of a URL: %w", err)
	}
	if body != nil {
		body.on(req)
		req.Header.Set("Content-Type", kind)
	}
	if r.JSON != "" {
		req.Header.Set("Accept", "application/json")
	}
	req.Header.Set("User-Agent", "connectorauth")
	return req, r.header(req)
}

// url joins the base URL and the path. Two slashes between them become one.
func (r Request) url() (string, error) {
	lower := strings.ToLower(r.Path)
	if strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://") {
		return r.Path, nil
	}
	if strings.ContainsFunc(r.Path, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return "", errors.New("the path has a space or a control character: write %20 for a space")
	}
	if path, _, _ := strings.Cut(r.Path, "?"); Climbs(path) {
		return "", errors.New("the path leads above the base URL of the service, or has a wrong percent-encoding: write the whole URL if the API has such a path")
	}
	switch base := strings.TrimSuffix(r.Base, "/"); {
	case r.Path == "":
		return r.Base, nil
	case strings.HasPrefix(r.Path, "?"):
		return r.Base + r.Path, nil
	default:
		return base + "/" + strings.TrimPrefix(r.Path, "/"), nil
	}
}

// header sets the headers of the command line, the first of a name in place of what the
// program has set. An empty value, as in "Accept:", removes the header.
func (r Request) header(req *http.Request) error {
	var seen []string
	for _, line := range r.Headers {
		name, value, found := strings.Cut(line, ":")
		name, value = http.CanonicalHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf(`-H: want "Name: value", with a name of letters, digits and hyphens, and a value without control characters`)
		}
		switch {
		case name == "Host":
			return errors.New("-H: the host is that of the service")
		case value == "":
			req.Header[name] = nil
		case slices.Contains(seen, name):
			req.Header.Add(name, value)
		default:
			req.Header.Set(name, value)
		}
		seen = append(seen, name)
	}
	return nil
}

// A source is a body: a text, or a stream or file.
type source struct {
	text []byte
	path string    // of a file that can be opened again
	in   io.Reader // standard input
}

// body returns the body and its type, or nil.
func (r Request) body() (*source, string, error) {
	kind := "application/x-www-form-urlencoded"
	data := r.Data
	if r.JSON != "" {
		if len(r.Data)+len(r.Raw) > 0 {
			return nil, "", errors.New("--json and --data exclude each other")
		}
		kind, data = "application/json", []string{r.JSON}
	}
	if len(data)+len(r.Raw) == 0 {
		return nil, "", nil
	}
	if len(data) == 1 && len(r.Raw) == 0 {
		s, err := r.open(data[0])
		return s, kind, err
	}
	var whole [][]byte
	for _, text := range data {
		s, err := r.open(text)
		if err != nil {
			return nil, "", err
		}
		part, err := s.all()
		if err != nil {
			return nil, "", err
		}
		whole = append(whole, part)
	}
	for _, text := range r.Raw {
		whole = append(whole, []byte(text))
	}
	return &source{text: bytes.Join(whole, []byte("&"))}, kind, nil
}

// open returns the body for a text of -d.
func (r Request) open(text string) (*source, error) {
	path, isFile := strings.CutPrefix(text, "@")
	switch {
	case !isFile:
		return &source{text: []byte(text)}, nil
	case path == "-":
		return &source{in: r.In}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("-d: %w", err)
	}
	if !info.Mode().IsRegular() { // a pipe can be read once
		file, err := os.Open(path)
		return &source{in: file}, err
	}
	return &source{path: path}, nil
}

// all reads the whole body.
func (s *source) all() ([]byte, error) {
	switch {
	case s.in != nil:
		return io.ReadAll(s.in)
	case s.path != "":
		return os.ReadFile(s.path)
	}
	return s.text, nil
}

// on makes s the body of a request. A text and a file can be sent again, after a renewal or a
// redirect; standard input cannot.
func (s *source) on(req *http.Request) {
	switch {
	case s.in != nil:
		req.Body, req.ContentLength = newStream(req.Context(), s.in), -1
	case s.path != "":
		req.GetBody = func() (io.ReadCloser, error) { return os.Open(s.path) }
		req.Body = &late{open: req.GetBody}
		req.ContentLength = -1
		if info, err := os.Stat(s.path); err == nil {
			req.ContentLength = info.Size()
		}
		if req.ContentLength == 0 {
			req.Body, req.GetBody = http.NoBody, nil
		}
	case len(s.text) == 0: // or net/http looks whether a byte comes, and sends no length
		req.Body = http.NoBody
	default:
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(s.text)), nil }
		req.Body, _ = req.GetBody()
		req.ContentLength = int64(len(s.text))
	}
}

// late opens a file at the first Read, so a request that is never sent opens nothing.
type late struct {
	open func() (io.ReadCloser, error)
	file io.ReadCloser
}

// Read reads the file.
func (l *late) Read(p []byte) (int, error) {
	if l.file == nil {
		file, err := l.open()
		if err != nil {
			return 0, err
		}
		l.file = file
	}
	return l.file.Read(p)
}

// Close closes the file if the file was opened.
func (l *late) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// Head writes the status line and the header of a response, sorted by name, with CRLF at the end of
// each line (RFC 9112 section 2.1).
func Head(w io.Writer, resp *http.Response) error {
	if _, err := fmt.Fprintf(w, "%s %s\r\n", resp.Proto, resp.Status); err != nil {
		return err
	}
	if err := resp.Header.Write(w); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\r\n")
	return err
}

// Redacted returns a URL without a query and without a password, for a person.
func Redacted(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return shown.String()
}
