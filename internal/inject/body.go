package inject

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
)

// ErrNotInjectable is part of every refusal to put fields into a body. The text
// of a refusal says what to do, and quotes neither the body nor a value.
var ErrNotInjectable = errors.New("connectorauth: the request's body cannot carry the credentials")

// refuse returns an error that wraps ErrNotInjectable.
func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrNotInjectable, fmt.Errorf(format, args...))
}

// ReadBody returns the whole body of req, and nil if there is none. req gets the
// body back, with a GetBody. A body of more than max bytes is refused with an
// error that wraps [ErrNotInjectable]. On error, req has no body. The caller must
// not modify the result.
func ReadBody(req *http.Request, max int64) ([]byte, error) {
	return ReadBodyWith(req, max, Room{})
}

// ReadBodyWith is ReadBody for callers that have room for the body that req gets back.
func ReadBodyWith(req *http.Request, max int64, room Room) ([]byte, error) {
	if noBody(req) {
		return nil, nil
	}
	data, err := takeBody(req, max, 0)
	setBody(req, data, room)
	return data, err
}

// takeBody reads and closes the body of req, and leaves req without a body.
// takeBody does not read a copy from GetBody. Trailers are often set when Body
// itself is read to the end, and the GetBody of some clients rewinds Body. The array
// of the result belongs to the caller, and has room for so many bytes more if the
// length of the body is known.
func takeBody(req *http.Request, max int64, room int) ([]byte, error) {
	if noBody(req) {
		return nil, nil
	}
	body := req.Body
	req.Body = http.NoBody
	data, err := readAll(body, req.ContentLength, max, room)
	if closeErr := body.Close(); err == nil && closeErr != nil {
		return nil, fmt.Errorf("connectorauth: closing the request's body: %w", closeErr)
	}
	return data, err
}

// readAll reads body to the end. A length above 0 is the known length of body, and
// room how many bytes the array of the result has beyond.
func readAll(body io.Reader, length, max int64, room int) ([]byte, error) {
	tooLarge := func() error {
		return refuse("it is larger than the %d bytes (MaxBody) that may be held in memory", max)
	}
	if length > max {
		return nil, tooLarge()
	}
	if length <= 0 {
		data, err := io.ReadAll(io.LimitReader(body, min(max, math.MaxInt64-1)+1))
		switch {
		case err != nil:
			return nil, readError(err)
		case int64(len(data)) > max:
			return nil, tooLarge()
		}
		return data, nil
	}
	data := make([]byte, int(length)+1+room) // one more, to see the end of the body
	size := 0
	for {
		n, err := body.Read(data[size:])
		size += n
		switch {
		case size > int(length):
			return nil, fmt.Errorf("connectorauth: the request's ContentLength is %d but its body is longer: make them agree", length)
		case err == io.EOF && size < int(length):
			return nil, fmt.Errorf("connectorauth: the request's ContentLength is %d but its body has %d bytes: make them agree", length, size)
		case err == io.EOF:
			return data[:size], nil
		case err != nil:
			return nil, readError(err)
		}
	}
}

// readError returns the error for a caller's body that cannot be read.
func readError(err error) error {
	return fmt.Errorf("connectorauth: reading the request's body: %w", err)
}

// SetBody gives req a new body: Body, ContentLength and GetBody agree, and
// TransferEncoding is removed. A nil or empty body means none. SetBody does not
// close the previous Body. Nobody may modify body afterwards.
//
// A request with trailers gets an unknown length, because HTTP/1.1 sends trailers
// only after a chunked body.
func SetBody(req *http.Request, body []byte) { setBody(req, body, Room{}) }

// setBody is SetBody with room for the body.
func setBody(req *http.Request, body []byte, room Room) {
	req.TransferEncoding = nil
	dropFraming(req.Header)
	req.GetBody = func() (io.ReadCloser, error) {
		if len(body) == 0 {
			return http.NoBody, nil
		}
		return io.NopCloser(bytes.NewReader(body)), nil
	}
	req.Body = http.NoBody
	if len(body) > 0 {
		req.Body = io.NopCloser(room.reader(body))
	}
	req.ContentLength = int64(len(body))
	if len(body) > 0 && len(req.Trailer) > 0 {
		req.ContentLength = -1
	}
}

// dropFraming removes the headers that frame the old body. net/http leaves out the
// canonical names by itself, and sends every other spelling beside its own headers.
func dropFraming(h http.Header) {
	for name := range h {
		if len(name) == len("Content-Length") && strings.EqualFold(name, "Content-Length") ||
			len(name) == len("Transfer-Encoding") && strings.EqualFold(name, "Transfer-Encoding") {
			delete(h, name)
		}
	}
}

// noBody reports whether req is known to have no body.
func noBody(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody
}

// closeBody closes the body of req, if there is a body.
func closeBody(req *http.Request) {
	if !noBody(req) {
		req.Body.Close()
	}
}

// dropBody closes the body of req and leaves req without a body, so nobody
// closes the body again.
func dropBody(req *http.Request) {
	closeBody(req)
	SetBody(req, nil)
}
