package inject_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/inject"
)

func TestReadBodyReadsTheBodyOnceAndPutsItBack(t *testing.T) {
	body := &countingBody{Reader: strings.NewReader("a=1")}
	req, err := http.NewRequest("POST", "https://api.example.com/", body)
	require.NoError(t, err)
	req.TransferEncoding = []string{"chunked"}
	req.Header.Set("Transfer-Encoding", "chunked")

	data, err := inject.ReadBody(req, 3)
	require.NoError(t, err)
	assert.Equal(t, "a=1", string(data))
	assert.EqualValues(t, 1, body.closed.Load())
	assert.Equal(t, int64(3), req.ContentLength)
	assert.Empty(t, req.TransferEncoding)
	assert.Empty(t, req.Header)
	assert.Equal(t, "a=1", sent(t, req))
	assert.EqualValues(t, 1, body.closed.Load())
}

// go-retryablehttp has a GetBody that rewinds the one reader there is.
func TestReadBodyWorksWithAGetBodyThatReturnsTheSameReader(t *testing.T) {
	reader := strings.NewReader("a=1")
	req := post("", nil)
	req.ContentLength = 3
	req.GetBody = func() (io.ReadCloser, error) {
		_, err := reader.Seek(0, io.SeekStart)
		return io.NopCloser(reader), err
	}
	req.Body, _ = req.GetBody()

	data, err := inject.ReadBody(req, 100)
	require.NoError(t, err)
	assert.Equal(t, "a=1", string(data))
	assert.Equal(t, "a=1", sent(t, req))
}

func TestReadBodyWithoutBody(t *testing.T) {
	for _, body := range []io.ReadCloser{nil, http.NoBody} {
		req := &http.Request{Body: body}
		data, err := inject.ReadBody(req, 0)
		require.NoError(t, err)
		assert.Nil(t, data)
		assert.Equal(t, body, req.Body)
	}
}

func TestReadBodyErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name   string
		length int64 // 0: unknown
		max    int64
		err    error
		is     error
		text   string
	}{
		{"too large by its length", 10, 9, nil, inject.ErrNotInjectable, "larger than the 9 bytes (MaxBody)"},
		{"too large when read", -1, 9, nil, inject.ErrNotInjectable, "larger than the 9 bytes (MaxBody)"},
		{"fails", 0, 100, broken, broken, "reading the request's body"},
		{"shorter than announced", 11, 100, nil, nil, "ContentLength is 11 but its body has 10 bytes"},
		{"longer than announced", 9, math.MaxInt64, nil, nil, "ContentLength is 9 but its body is longer"},
	} {
		for _, replayable := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				newBody := func() *countingBody { return &countingBody{Reader: strings.NewReader("0123456789"), err: test.err} }
				body := newBody()
				req := post("", nil)
				req.Body, req.ContentLength, req.GetBody = body, test.length, nil
				if replayable {
					req.GetBody = func() (io.ReadCloser, error) { return newBody(), nil }
				}
				data, err := inject.ReadBody(req, test.max)
				require.Error(t, err)
				assert.Nil(t, data)
				assert.ErrorContains(t, err, test.text)
				if test.is != nil {
					assert.ErrorIs(t, err, test.is)
				}
				assert.NotContains(t, err.Error(), "0123")
				assert.EqualValues(t, 1, body.closed.Load())
				assert.Equal(t, http.NoBody, req.Body, "so that nobody closes it again")
				assert.Empty(t, sent(t, req))
			})
		}
	}
}

func TestReadBodyReportsCloseErrors(t *testing.T) {
	broken := errors.New("broken")
	req := post("", nil)
	req.Body, req.GetBody = closeError{strings.NewReader("a=1"), broken}, nil
	data, err := inject.ReadBody(req, 100)
	assert.ErrorIs(t, err, broken)
	assert.Nil(t, data)
	assert.Empty(t, sent(t, req))
}

type closeError struct {
	io.Reader
	err error
}

func (c closeError) Close() error { return c.err }

func TestSetBody(t *testing.T) {
	req := post("text/plain", []byte("old"))
	req.Header.Set("Content-Length", "3")
	inject.SetBody(req, []byte("new body"))
	assert.Equal(t, http.Header{"Content-Type": {"text/plain"}}, req.Header)
	assert.Equal(t, int64(8), req.ContentLength)
	assert.Equal(t, "new body", sent(t, req))

	inject.SetBody(req, nil)
	assert.Equal(t, http.NoBody, req.Body)
	assert.Zero(t, req.ContentLength)
	assert.Empty(t, sent(t, req))

	inject.SetBody(&http.Request{}, []byte("a request without a header map"))
}

// net/http writes a header as its name is spelled. A second Content-Length would let a
// server take the end of the body, with the credential, for another request.
func TestNewBodyHasNoHeaderOfTheOldFraming(t *testing.T) {
	f := newFields(t, []inject.Field{{Key: "k", Value: "v"}}, "")
	for contentType, body := range map[string]string{jsonType: `{"a":1}`, formType: "a=1", xmlType: "<r/>", multipartType: multipartBody(part{"a", "", "1"})} {
		req := post("", []byte(body))
		req.Header["content-type"] = []string{contentType}
		req.Header["content-length"] = []string{strconv.Itoa(len(body))}
		req.Header["CONTENT-LENGTH"] = []string{strconv.Itoa(len(body))}
		req.Header["transfer-encoding"] = []string{"chunked"}
		require.NoError(t, f.Apply(req, inject.Room{}))
		assert.Equal(t, http.Header{"content-type": {contentType}}, req.Header)
	}
}

// A body that fills in trailers does so when it is read to its end.
type trailerBody struct {
	io.Reader
	req *http.Request
}

func (b trailerBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		b.req.Trailer.Set("Checked", "yes")
	}
	return n, err
}

func (b trailerBody) Close() error { return nil }

func TestTrailersSurvive(t *testing.T) {
	req := post("application/json", nil)
	req.Trailer = http.Header{"Checked": nil}
	req.Body, req.ContentLength = trailerBody{strings.NewReader(`{"a":1}`), req}, -1
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(nil)), nil }

	require.NoError(t, newFields(t, []inject.Field{{Key: "k", Value: "v"}}, "").Apply(req, inject.Room{}))
	assert.Equal(t, int64(-1), req.ContentLength, "HTTP/1.1 sends trailers after a chunked body only")
	assert.Equal(t, "yes", req.Trailer.Get("Checked"))
	assert.Equal(t, `{"a":1,"k":"v"}`, sent(t, req))
}
