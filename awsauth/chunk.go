package awsauth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	streamingPayload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	chunkSize        = 64 << 10
)

// errLength is the error of a body whose length nobody knows.
var errLength = errors.New("awsauth: a chunked payload needs the length of the body: set ContentLength")

// announce sets the headers of a body in chunks, which the signature covers.
func announce(req *http.Request) error {
	if req.ContentLength < 0 || req.ContentLength == 0 && req.Body != nil && req.Body != http.NoBody {
		return errLength
	}
	encoding := "aws-chunked"
	if own := req.Header.Get("Content-Encoding"); own != "" {
		encoding += "," + own
	}
	req.Header.Set("Content-Encoding", encoding)
	req.Header.Set("X-Amz-Decoded-Content-Length", strconv.FormatInt(req.ContentLength, 10))
	return nil
}

// chunk makes the body of req one of chunks. seed is the signature of the request.
func (s *signer) chunk(req *http.Request, seed string) error {
	length := req.ContentLength
	wrap := func(body io.ReadCloser) io.ReadCloser {
		return &chunks{signer: s, body: body, left: length, last: seed}
	}
	req.Body = wrap(req.Body)
	if get := req.GetBody; get != nil {
		req.GetBody = func() (io.ReadCloser, error) {
			body, err := get()
			if err != nil {
				return nil, err
			}
			return wrap(body), nil
		}
	}
	req.ContentLength = encodedLength(length)
	return nil
}

// encodedLength returns the length of a body in chunks.
func encodedLength(length int64) int64 {
	chunk := func(n int64) int64 { return int64(len(strconv.FormatInt(n, 16))) + signatureLength + n + 2 }
	total := length / chunkSize * chunk(chunkSize)
	if rest := length % chunkSize; rest > 0 {
		total += chunk(rest)
	}
	return total + chunk(0)
}

const signatureLength = int64(len(";chunk-signature=") + 64 + len("\r\n"))

// chunks reads a body in signed chunks.
type chunks struct {
	signer *signer
	body   io.ReadCloser
	left   int64        // bytes of the body
	last   string       // the signature of the chunk before
	ready  bytes.Buffer // what can be read
	done   bool         // the last chunk is in ready
}

// Read reads the next bytes of the chunks.
func (c *chunks) Read(p []byte) (int, error) {
	if c.ready.Len() == 0 {
		if c.done {
			return 0, io.EOF
		}
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	return c.ready.Read(p)
}

// fill makes the next chunk.
func (c *chunks) fill() error {
	data := make([]byte, min(c.left, chunkSize))
	if _, err := io.ReadFull(c.body, data); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF // the body is shorter than its length
		}
		return err
	}
	c.left -= int64(len(data))
	if c.done = len(data) == 0; c.done {
		if n, _ := io.ReadFull(c.body, make([]byte, 1)); n > 0 {
			return errors.New("awsauth: the body is longer than its length")
		}
	}
	s := c.signer
	c.last = s.signText(strings.Join([]string{
		algorithm + "-PAYLOAD", s.time.Format(timeFormat), s.scope(), c.last, hexSum(""), hexSum(data),
	}, "\n"))
	fmt.Fprintf(&c.ready, "%x;chunk-signature=%s\r\n", len(data), c.last)
	c.ready.Write(data)
	c.ready.WriteString("\r\n")
	return nil
}

// Close closes the body.
func (c *chunks) Close() error { return c.body.Close() }
