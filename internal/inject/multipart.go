package inject

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
)

// applyMultipart puts the fields, each a part, before the caller's parts. The
// caller's body is streamed and never held in memory. applyMultipart reads only
// the first bytes, to see that the body starts with the boundary.
//
// A caller's part with the name of a field cannot be removed, because the length
// of the body is announced before the part is seen. The part cannot be sent
// either, because servers differ in which of two parts they use. Reading the new
// body therefore fails with a refusal at the part, and so does the request.
func (f *Fields) applyMultipart(req *http.Request, contentType string) error {
	boundary, err := boundaryOf(contentType)
	if err != nil {
		return err
	}
	parts := f.multipartParts(boundary)
	if bytes.Count(parts, []byte("--"+boundary)) > len(f.names) {
		return refuse("a field has the multipart boundary in it: use a random boundary, such as mime/multipart's Writer makes")
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
	replay := req.GetBody
	dropFraming(req.Header)
	req.Body = body
	if req.ContentLength > 0 {
		req.ContentLength += int64(len(body.parts))
	} else {
		req.ContentLength = -1
	}
	if replay != nil {
		req.GetBody = func() (io.ReadCloser, error) { return f.replayMultipart(replay, parts, boundary) }
	}
	return nil
}

// boundaryOf returns the boundary in a Content-Type, and a random boundary for an
// empty Content-Type.
func boundaryOf(contentType string) (string, error) {
	if contentType == "" {
		return multipart.NewWriter(io.Discard).Boundary(), nil
	}
	_, params, err := mime.ParseMediaType(contentType)
	boundary := params["boundary"]
	if err != nil || boundary == "" || len(boundary) > 70 {
		return "", refuse("its Content-Type has no valid boundary: use the Content-Type of mime/multipart's Writer.FormDataContentType")
	}
	return boundary, nil
}

// replayMultipart returns the new body once more. get is the caller's GetBody.
func (f *Fields) replayMultipart(get func() (io.ReadCloser, error), parts []byte, boundary string) (io.ReadCloser, error) {
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

// multipartParts returns the fields as parts. Each part ends with a line end.
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

// A multipartBody is the fields as parts, followed by the caller's body.
type multipartBody struct {
	parts  []byte // the rest of the fields' parts
	caller io.Reader
	guard  partGuard
	err    error // the refusal of the guard
	close  func() error
}

// newMultipartBody returns a body of parts followed by body. newMultipartBody
// reads the first bytes of body. On error, body stays open.
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
		// To a server that sees no boundary here, the text would belong to the last field.
		return nil, refuse("it does not begin with a line that is the boundary of its Content-Type: remove the text before the first part")
	}
	if hasLineEnd {
		parts = parts[:len(parts)-2] // the caller's body begins with the line end of the last field
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
