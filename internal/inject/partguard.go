package inject

import (
	"bufio"
	"bytes"
	"mime"
	"net/textproto"
	"slices"
	"strings"
)

// maxPartHeader limits the header of a part of the caller's, in bytes.
const maxPartHeader = 64 << 10

// A partGuard searches a multipart body for parts with one of the names. The
// body may come in pieces of any size. Any line that starts with the boundary
// counts as a boundary, even a line after \n alone. The standard says otherwise,
// but some servers read bodies so, and no part that any server sees may pass.
type partGuard struct {
	names     []string
	delimiter string // \n, two hyphens, the boundary
	matched   int    // how many bytes of the delimiter the guard has just seen
	inHeader  bool   // the guard has seen the delimiter, and not yet the content of the part
	header    []byte // the bytes since the delimiter: the end of that line, then header lines
	line      int    // where the last line starts in header
}

// check searches the next bytes of the body.
func (g *partGuard) check(p []byte) error {
	for len(p) > 0 {
		if !g.inHeader {
			p = g.find(p)
			continue
		}
		n := bytes.IndexByte(p, '\n') + 1
		if n == 0 {
			n = len(p)
		}
		if err := g.readHeader(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// find reads the first bytes of p in search of the delimiter, and returns the
// other bytes.
func (g *partGuard) find(p []byte) []byte {
	if g.matched == 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			return nil
		}
		g.matched = 1
		return p[i+1:]
	}
	switch p[0] {
	case g.delimiter[g.matched]:
		g.matched++
	case '\n':
		g.matched = 1
	default:
		g.matched = 0
	}
	g.inHeader = g.matched == len(g.delimiter)
	return p[1:]
}

// readHeader reads the next piece of a part's header: a line, or the start of a
// line.
func (g *partGuard) readHeader(p []byte) error {
	if len(g.header)+len(p) > maxPartHeader {
		return refuse("a part of the multipart body has a header of more than %d bytes: shorten it", maxPartHeader)
	}
	g.header = append(g.header, p...)
	if p[len(p)-1] != '\n' {
		return nil
	}
	return g.endLine()
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
	g.matched = 1 // after an empty part, a boundary may follow at once
	return nil
}

// checkHeader refuses the part with the header that has just ended if the part
// has one of the names, or a name that cannot be read.
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
			if err := g.checkDisposition(value); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkDisposition refuses a Content-Disposition with one of the names, or with a
// name that cannot be read.
func (g *partGuard) checkDisposition(value string) error {
	_, params, err := mime.ParseMediaType(value)
	if err != nil {
		return refuse("a part of the multipart body has a malformed Content-Disposition: mime/multipart's Writer writes valid ones")
	}
	if i := slices.Index(g.names, params["name"]); i >= 0 {
		return refuse("the multipart body has a part named %q of its own: leave it out, the connector adds it", g.names[i])
	}
	return nil
}
