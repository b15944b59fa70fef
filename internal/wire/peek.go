package wire

import (
	"bytes"
	"io"
	"net/http"
)

// Peek reads up to limit bytes of resp.Body, which must not be nil. Later reads
// of resp.Body still see the whole body, and the error that ended Peek early.
func Peek(resp *http.Response, limit int64) (head []byte, err error) {
	head, err = io.ReadAll(io.LimitReader(resp.Body, limit))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failing{err}
	}
	resp.Body = peeked{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
	return head, err
}

// peeked is a body with a Reader that repeats what Peek has read.
type peeked struct {
	io.Reader
	io.Closer
}

// failing is a Reader that always fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
