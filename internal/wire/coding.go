package wire

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// ErrCoding is the error of a body whose Content-Encoding cannot be undone.
var ErrCoding = errors.New("the response has a Content-Encoding that cannot be undone")

// maxCodings limits the codings of one body. Real bodies have one.
const maxCodings = 4

// Decode returns up to limit bytes of a body without the content codings that h
// names (RFC 9110 section 8.4). Decode knows gzip, deflate and identity. Servers
// compress without a label, and label what is plain, so the bytes tell whether a body
// is gzip. Together with ErrCoding, Decode returns what could be read before.
func Decode(body []byte, h http.Header, limit int) (decoded []byte, err error) {
	codings, known := codings(h)
	if !known {
		return nil, ErrCoding
	}
	for _, coding := range slices.Backward(codings) {
		var r io.Reader
		failed := error(nil)
		switch isGzip := bytes.HasPrefix(body, []byte("\x1f\x8b\x08")); {
		case coding == "deflate" && isZlib(body):
			r, failed = zlib.NewReader(bytes.NewReader(body))
		case coding == "deflate" && len(body) > 0: // as some servers do
			r = flate.NewReader(bytes.NewReader(body))
		case coding != "deflate" && isGzip:
			r, failed = gzip.NewReader(bytes.NewReader(body))
		default:
			continue
		}
		body = nil
		if failed == nil {
			body, failed = io.ReadAll(io.LimitReader(r, int64(limit)))
		}
		if failed != nil {
			err = ErrCoding
		}
	}
	return body[:min(len(body), limit)], err
}

// codings lists the content codings in the order in which they were applied: gzip
// and deflate. A body without a label may be gzip. known is false if there is a
// coding that Decode does not know.
func codings(h http.Header) (list []string, known bool) {
	values := h["Content-Encoding"]
	if len(values) == 0 {
		return []string{"gzip"}, true
	}
	for name := range strings.FieldsFuncSeq(strings.Join(values, ","), isListSeparator) {
		switch name = strings.ToLower(name); name {
		case "gzip", "x-gzip", "deflate":
			list = append(list, name)
		case "identity", "none", "binary", "utf-8", "utf8", "iso-8859-1": // some servers name the charset, or what they did not do
		default:
			return nil, false
		}
	}
	if len(list) == 0 {
		list = []string{"gzip"}
	}
	return list, len(list) <= maxCodings
}

func isListSeparator(r rune) bool { return r == ',' || r == ' ' || r == '\t' }

// isZlib reports whether body begins as zlib does (RFC 1950 section 2.2).
func isZlib(body []byte) bool {
	return len(body) >= 2 && body[0]&0x0f == 8 && binary.BigEndian.Uint16(body)%31 == 0
}

// Text returns a body in UTF-8 and without a byte order mark. A body that begins
// with a byte order mark of UTF-16 is converted.
func Text(body []byte) []byte {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		return body[3:]
	case bytes.HasPrefix(body, []byte("\xfe\xff")):
		order = binary.BigEndian
	case !bytes.HasPrefix(body, []byte("\xff\xfe")):
		return body
	}
	units := make([]uint16, len(body)/2-1)
	for i := range units {
		units[i] = order.Uint16(body[2+2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// PeekText returns up to limit bytes of a body as text, without content codings, as
// far as the body arrives within wait. A body in a coding that Decode does not know is
// not read. Later reads of resp.Body still see the whole body as the server sent the
// body: see PeekWithin.
func PeekText(resp *http.Response, limit int, wait time.Duration) []byte {
	if _, known := codings(resp.Header); !known {
		return nil
	}
	text, _ := Decode(PeekWithin(resp, limit, wait), resp.Header, limit) // what could be read is looked at
	return Text(text)
}
