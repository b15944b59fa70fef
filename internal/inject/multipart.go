package inject

import (
	"bufio"
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
)

// maxPartHeader limits the header of one part of the caller's, in bytes.
const maxPartHeader = 64 << 10

// applyMultipart puts the fields, each a part, before the caller's parts. The
// caller's body is streamed, never held: its first bytes are read now, to see
// that it begins with its boundary, and the rest when the request is sent.
//
// A caller's part with the name of a field cannot be dropped, because the
// length of the body is announced before the part is seen, and must not be
// sent, because receivers differ in which of two parts they believe. Reading
// the new body therefore fails with a refusal when it comes to such a part, and
// the request fails with it.
func (f *Fields) applyMultipart(req *http.Request, contentType string) error {
	boundary := multipart.NewWriter(io.Discard).Boundary() // a random one
	if contentType != "" {
		_, params, err := mime.ParseMediaType(contentType)
		if boundary = params["boundary"]; err != nil || boundary == "" || len(boundary) > 70 {
			return refuse("its Content-Type has no valid boundary: use the one that mime/multipart's Writer.FormDataContentType gives")
		}
	}
	parts := f.multipartParts(boundary)
	if bytes.Count(parts, []byte("--"+boundary)) > len(f.names) {
		return refuse("a field has the multipart boundary in it: use a random one, such as mime/multipart's Writer makes")
	}
	if noBody(req) {
		SetBody(req, append(parts, "--"+boundary+"--\r\n"...))
		if contentType == "" {
			setContentType(req, mime.FormatMediaType("multipart/form-data", map[string]string{"boundary": boundary}))
		}
		return nil
	}
	body, err := f.newMultipartBody(req.Body, parts, boundary)
	if err != nil {
		return err
	}
	req.Header.Del("Content-Length")
	req.Body = body
	if req.ContentLength > 0 {
		req.ContentLength += int64(len(body.parts))
	} else {
		req.ContentLength = -1
	}
	if get := req.GetBody; get != nil {
		req.GetBody = func() (io.ReadCloser, error) {
			again, err := get()
			if err != nil {
				return nil, err
			}
			body, err := f.newMultipartBody(again, parts, boundary)
			if err != nil {
				again.Close()
				return nil, err
			}
			return body, nil
		}
	}
	return nil
}

// multipartParts returns the fields as parts, each ended by a line end.
func (f *Fields) multipartParts(boundary string) []byte {
	var buf []byte
	for i, name := range f.names {
		buf = append(buf, "--"+boundary+"\r\nContent-Disposition: form-data; name=\""...)
		buf = append(buf, quotedName.Replace(name)...)
		buf = append(buf, "\"\r\n\r\n"...)
		buf = append(buf, f.values[i]...)
		buf = append(buf, "\r\n"...)
	}
	return buf
}

// quotedName escapes a name for a quoted string, as mime/multipart does.
var quotedName = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// A multipartBody sends the fields' parts and then the caller's body.
type multipartBody struct {
	parts  []byte // what is left of the fields' parts
	caller io.Reader
	guard  partGuard
	err    error // what the guard found
	close  func() error
}

// newMultipartBody reads the first bytes of body and returns it with parts
// before it. On error it leaves closing body to its caller.
func (f *Fields) newMultipartBody(body io.ReadCloser, parts []byte, boundary string) (*multipartBody, error) {
	delimiter := "\r\n--" + boundary
	start := make([]byte, len(delimiter)+len("--\r\n"))
	n, err := io.ReadFull(body, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, readError(err)
	}
	start = start[:n]
	line, hasLineEnd := bytes.CutPrefix(start, []byte("\r\n"))
	rest, ok := bytes.CutPrefix(line, []byte(delimiter[2:]))
	if !ok || !bytes.HasPrefix(rest, []byte("\r\n")) && !bytes.HasPrefix(rest, []byte("--\r\n")) && string(rest) != "--" {
		// What is not a boundary to every receiver would become a part of the last field.
		return nil, refuse("it does not begin with a line that is the boundary of its Content-Type: remove what is before the first part")
	}
	if hasLineEnd {
		parts = parts[:len(parts)-2] // the last field's line end is the one that the caller's body begins with
	}
	return &multipartBody{
		parts:  parts,
		caller: io.MultiReader(bytes.NewReader(start), body),
		guard:  partGuard{names: f.names, delimiter: delimiter[1:], matched: 1},
		close:  sync.OnceValue(body.Close),
	}, nil
}

// Read reads the next bytes of the body.
func (b *multipartBody) Read(p []byte) (n int, err error) {
	if len(b.parts) > 0 {
		n = copy(p, b.parts)
		b.parts = b.parts[n:]
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err = b.caller.Read(p)
	if b.err = b.guard.check(p[:n]); b.err != nil {
		return 0, b.err
	}
	return n, err
}

// Close closes the caller's body, once.
func (b *multipartBody) Close() error { return b.close() }

// A partGuard looks through a multipart body, in pieces of any size, for parts
// that have one of the names. It takes more for a boundary than the standard
// does (any line that begins with it, after \n alone too), because receivers
// do, and what one of them takes for a part must not escape it.
type partGuard struct {
	names     []string
	delimiter string // \n, two dashes, the boundary
	matched   int    // how much of the delimiter has just been seen
	inHeader  bool   // the delimiter has been seen, and the part's content not yet
	header    []byte // since the delimiter: the end of its line, then header lines
	line      int    // where the last line begins in header
}

// check looks through the next bytes of the body.
func (g *partGuard) check(p []byte) error {
	for len(p) > 0 {
		switch {
		case g.inHeader:
			n := bytes.IndexByte(p, '\n') + 1
			if n == 0 {
				n = len(p)
			}
			if len(g.header)+n > maxPartHeader {
				return refuse("a part of the multipart body has a header of more than %d bytes: shorten it", maxPartHeader)
			}
			g.header = append(g.header, p[:n]...)
			if p[n-1] == '\n' {
				if err := g.endLine(); err != nil {
					return err
				}
			}
			p = p[n:]
		case g.matched == 0:
			i := bytes.IndexByte(p, '\n')
			if i < 0 {
				return nil
			}
			g.matched = 1
			p = p[i+1:]
		default:
			switch p[0] {
			case g.delimiter[g.matched]:
				g.matched++
			case '\n':
				g.matched = 1
			default:
				g.matched = 0
			}
			if g.matched == len(g.delimiter) {
				g.inHeader = true
			}
			p = p[1:]
		}
	}
	return nil
}

// endLine judges the line that has just ended in g.header.
func (g *partGuard) endLine() error {
	first, line := g.line == 0, g.header[g.line:]
	g.line = len(g.header)
	switch {
	case first && bytes.HasPrefix(line, []byte("--")): // the last boundary; no header follows
	case first || len(bytes.TrimRight(line, "\r\n")) > 0:
		return nil
	default:
		if err := g.checkHeader(); err != nil {
			return err
		}
	}
	g.header, g.line, g.inHeader = g.header[:0], 0, false
	g.matched = 1 // an empty part may be followed by a boundary at once
	return nil
}

// checkHeader refuses the part whose header has just ended if it has one of
// the names, or if it cannot be told which name it has.
func (g *partGuard) checkHeader() error {
	_, lines, _ := bytes.Cut(g.header, []byte("\n"))
	header, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(lines))).ReadMIMEHeader()
	if err != nil {
		return refuse("a part of the multipart body has a malformed header: mime/multipart's Writer writes valid ones")
	}
	for key, values := range header {
		if !strings.EqualFold(strings.TrimSpace(key), "Content-Disposition") {
			continue
		}
		for _, value := range values {
			_, params, err := mime.ParseMediaType(value)
			if err != nil {
				return refuse("a part of the multipart body has a malformed Content-Disposition: mime/multipart's Writer writes valid ones")
			}
			if i := slices.Index(g.names, params["name"]); i >= 0 {
				return refuse("the multipart body has a part named %q of its own: leave it out, the connector adds it", g.names[i])
			}
		}
	}
	return nil
}
