package inject_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/inject"
)

const multipartType = "multipart/form-data; boundary=xx"

var multipartFields = []inject.Field{{Key: "api_key", Value: "k\r\n1"}, {Key: `a "b" \c.d`, Value: ""}}

var multipartAdded = []part{{"api_key", "", "k\r\n1"}, {`a "b" \c.d`, "", ""}}

// A part is what a receiver sees of one part.
type part struct{ name, file, content string }

// readParts returns the parts that can be read, and why no more can.
func readParts(body, boundary string) (parts []part, err error) {
	r := multipart.NewReader(strings.NewReader(body), boundary)
	for {
		p, err := r.NextRawPart()
		if err != nil {
			return parts, err
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return parts, err
		}
		parts = append(parts, part{p.FormName(), p.FileName(), string(content)})
	}
}

func partsOf(t testing.TB, body, boundary string) []part {
	t.Helper()
	parts, err := readParts(body, boundary)
	require.Equal(t, io.EOF, err, "%s", body)
	return parts
}

// multipartBody writes parts as mime/multipart does, with boundary xx.
func multipartBody(parts ...part) string {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	w.SetBoundary("xx")
	for _, p := range parts {
		create := w.CreateFormField
		if p.file != "" {
			create = func(name string) (io.Writer, error) { return w.CreateFormFile(name, p.file) }
		}
		pw, _ := create(p.name)
		io.WriteString(pw, p.content)
	}
	w.Close()
	return buf.String()
}

func TestMultipart(t *testing.T) {
	f := newFields(t, multipartFields, "")
	for _, parts := range [][]part{
		{}, // mime/multipart begins such a body with a line end
		{{"a", "", "1"}},
		{{"a", "a.bin", "\x00\n--x\r\n--xy\r\n\xff"}, {"b", "", ""}, {"a", "", "again"}, {"api_keys", "api_key", "api_key"}},
	} {
		body := multipartBody(parts...)
		got := apply(t, f, multipartType, body)
		assert.Equal(t, append(multipartAdded[:2:2], parts...), partsOf(t, got, "xx"))
		assert.True(t, strings.HasSuffix(got, body), "the caller's bytes stay as they are")
	}
	epilogue := multipartBody(part{"a", "", "1"}) + "epilogue\r\n"
	assert.True(t, strings.HasSuffix(apply(t, f, multipartType, epilogue), epilogue))
}

func TestMultipartOfUnknownLengthIsStreamed(t *testing.T) {
	body := multipartBody(part{"a", "", "1"})
	read, write := io.Pipe()
	req := post(multipartType, nil)
	req.Body, req.ContentLength, req.GetBody = read, -1, nil
	req.Header.Set("Expect", "100-continue")
	req.Header.Set("Content-Length", "1")
	req.Trailer = http.Header{"Checked": nil}
	go func() {
		for i := range len(body) { // one byte at a time
			io.WriteString(write, body[i:i+1])
		}
		write.Close()
	}()
	require.NoError(t, newFields(t, multipartFields, "").Apply(req, inject.Room{}))
	assert.Equal(t, int64(-1), req.ContentLength)
	assert.Nil(t, req.GetBody)
	assert.Equal(t, http.Header{"Content-Type": {multipartType}, "Expect": {"100-continue"}}, req.Header)
	assert.Contains(t, req.Trailer, "Checked")
	assert.Equal(t, append(multipartAdded[:2:2], part{"a", "", "1"}), partsOf(t, sent(t, req), "xx"))
}

func TestMultipartRefusedAtOnce(t *testing.T) {
	f := newFields(t, []inject.Field{{Key: "k", Value: "a--SECRET-"}}, "")
	good := multipartBody(part{"a", "", "1"})
	for _, test := range []struct{ contentType, body, want string }{
		{"multipart/form-data", good, "no valid boundary"},
		{"multipart/form-data; boundary=", good, "no valid boundary"},
		{"multipart/form-data; boundary=\"xx", good, "no valid boundary"},
		{"multipart/form-data; boundary=" + strings.Repeat("x", 71), good, "no valid boundary"},
		{"multipart/form-data; boundary=yy", good, "does not begin with a line that is the boundary"},
		{multipartType, "preamble\r\n" + good, "does not begin with a line that is the boundary"},
		{multipartType, "\n" + good, "does not begin with a line that is the boundary"},
		{multipartType, "\r\n--x", "does not begin with a line that is the boundary"},
		{multipartType, "--xx", "does not begin with a line that is the boundary"},
		{multipartType, "--xx--y\r\n", "does not begin with a line that is the boundary"},
		{multipartType, "--xxy\r\n\r\n\r\n--xx--", "does not begin with a line that is the boundary"},
		{multipartType, strings.ReplaceAll(good, "\r\n", "\n"), "does not begin with a line that is the boundary"},
		{multipartType, "-", "does not begin with a line that is the boundary"},
		{"multipart/form-data; boundary=SECRET", good, "a field has the multipart boundary in it"},
	} {
		err := f.Apply(post(test.contentType, []byte(test.body)), inject.Room{})
		require.ErrorIs(t, err, inject.ErrNotInjectable)
		assert.ErrorContains(t, err, test.want)
		assert.NotContains(t, err.Error(), "SECRET")
	}

	req := post(multipartType, nil)
	req.Body, req.ContentLength, req.GetBody = io.NopCloser(strings.NewReader("")), -1, nil
	assert.ErrorIs(t, f.Apply(req, inject.Room{}), inject.ErrNotInjectable)
}

func TestMultipartPartOfTheCallersOwnFailsTheRequest(t *testing.T) {
	f := newFields(t, []inject.Field{{Key: "k", Value: "v"}, {Key: `a"b`, Value: "v"}}, "")
	const first = "--xx\r\nContent-Disposition: form-data; name=first\r\n\r\n1\r\n"
	header := func(lines string) string { return first + "--xx\r\n" + lines + "\r\n\r\nevil\r\n--xx--\r\n" }
	for name, body := range map[string]string{
		"plain":              multipartBody(part{"a", "", "1"}, part{"k", "", "evil"}),
		"file":               multipartBody(part{"k", "k.txt", "evil"}),
		"quoted":             multipartBody(part{`a"b`, "", "evil"}),
		"after an empty one": "--xx\r\nA: b\r\n\r\n" + header("Content-Disposition: form-data; name=k"),
		"at once":            "--xx\r\nContent-Disposition: form-data; name=k\r\n\r\nevil\r\n--xx--",
		"after an odd end":   multipartBody(part{"a", "", "1"}) + header("Content-Disposition: form-data; name=k"),
		"token":              header("Content-Disposition: form-data; name=k"),
		"odd case":           header("CONTENT-disposition: FORM-DATA; NAME=k"),
		"space":              header("Content-Disposition : form-data; name=k"),
		"folded":             header("Content-Disposition: form-data;\r\n name=k"),
		"extended":           header("Content-Disposition: form-data; name*=UTF-8''%6b"),
		"second line":        header("A: b\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=k"),
		"line feeds":         first + strings.ReplaceAll("--xx\r\nContent-Disposition: form-data; name=k\r\n\r\nevil", "\r\n", "\n"),
		"padded boundary":    first + "--xx \t\r\nContent-Disposition: form-data; name=k\r\n\r\nevil\r\n--xx--",
		"longer boundary":    first + "--xxyy\r\nContent-Disposition: form-data; name=k\r\n\r\nevil\r\n--xx--",
		"two names":          header("Content-Disposition: form-data; name=a; name=k"),
		"bad disposition":    header(`Content-Disposition: form-data; name="a`),
		"no colon":           header("Content-Disposition"),
		"no blank line":      first + "--xx\r\nContent-Disposition: form-data; name=a\r\n--xx\r\nA: b\r\n\r\n",
		"long header":        header("A: " + strings.Repeat("b", 70<<10)),
	} {
		t.Run(name, func(t *testing.T) {
			for _, read := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.DataErrReader, iotest.HalfReader} {
				body := &countingBody{Reader: read(strings.NewReader(body))}
				req := post(multipartType, nil)
				req.Body, req.ContentLength, req.GetBody = body, -1, nil
				require.NoError(t, f.Apply(req, inject.Room{}))
				got, err := io.ReadAll(req.Body)
				require.ErrorIs(t, err, inject.ErrNotInjectable)
				assert.NotContains(t, string(got), "evil")
				n, again := req.Body.Read(make([]byte, 1))
				assert.Zero(t, n)
				assert.Equal(t, err, again, "the error stays")
				req.Body.Close()
				assert.EqualValues(t, 1, body.closed.Load())
			}
		})
	}
}

func TestMultipartReplay(t *testing.T) {
	f := newFields(t, multipartFields, "")
	broken := errors.New("broken")
	body := multipartBody(part{"a", "", "1"})
	next := func() (io.ReadCloser, error) { return nil, broken }
	req := post(multipartType, []byte(body))
	req.GetBody = func() (io.ReadCloser, error) { return next() }
	require.NoError(t, f.Apply(req, inject.Room{}))
	_, err := req.GetBody()
	assert.ErrorIs(t, err, broken)

	again := &countingBody{Reader: strings.NewReader("something else")}
	next = func() (io.ReadCloser, error) { return again, nil }
	_, err = req.GetBody()
	assert.ErrorIs(t, err, inject.ErrNotInjectable)
	assert.EqualValues(t, 1, again.closed.Load())

	next = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
	assert.NotEmpty(t, sent(t, req))
}

func TestMultipartRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	f := newFields(t, multipartFields, "")
	pieces := []string{"\r\n", "\n", "\r", "--", "-", "\r\n--x", "\n--", "x", " ", "é", "\x00", "Content-Disposition: form-data; name=\"api_key\"\r\n\r\n", strings.Repeat("long", 2000)}
	for range 1000 {
		var parts []part
		for i := range r.IntN(4) {
			p := part{name: fmt.Sprintf("part %d é", i)}
			if r.IntN(2) == 0 {
				p.file = "file;\" \\.bin"
			}
			for range r.IntN(6) {
				p.content += pieces[r.IntN(len(pieces))]
			}
			if strings.Contains("\n"+p.content, "\n--xx") {
				continue // not a possible content with this boundary
			}
			parts = append(parts, p)
		}
		body := multipartBody(parts...)
		got := apply(t, f, multipartType, body)
		require.True(t, strings.HasSuffix(got, body))
		want := append(multipartAdded[:2:2], partsOf(t, body, "xx")...)
		require.Equal(t, want, partsOf(t, got, "xx"))
	}
}

func FuzzMultipart(f *testing.F) {
	f.Add([]byte(multipartBody()))
	f.Add([]byte(multipartBody(part{"purpose", "", "fine-tune"}, part{"file", "train.jsonl", "{\"a\":1}\n{\"a\":2}\n"})))
	f.Add([]byte(multipartBody(part{"api_key", "", "evil"})))
	f.Add([]byte("--xx\r\nContent-Disposition: form-data; name*=UTF-8''api%5Fkey\r\n\r\n1\n--xx \nA: b\n\n--xx--"))
	f.Add([]byte("--xx\r\nContent-Disposition: attachment;\r\n name=\"a\"\r\nContent-Type: multipart/mixed; boundary=yy\r\n\r\n--yy\r\n\r\n1\r\n--yy--\r\n--xx--\r\n"))
	f.Add([]byte("--xx0"))
	fields := newFields(f, multipartFields, "")
	f.Fuzz(func(t *testing.T, body []byte) {
		req := post(multipartType, body)
		if len(body) == 0 || fields.Apply(req, inject.Room{}) != nil {
			return
		}
		got, err := io.ReadAll(req.Body)
		parts, _ := readParts(string(got), "xx")
		if err != nil {
			require.ErrorIs(t, err, inject.ErrNotInjectable)
		} else {
			require.Equal(t, string(got), sentAgain(t, req))
			require.True(t, bytes.HasSuffix(got, body))
			require.Len(t, got, int(req.ContentLength))
			require.GreaterOrEqual(t, len(parts), len(multipartAdded), "%q", got)
			theirs, _ := readParts(string(body), "xx")
			require.Equal(t, append(multipartAdded[:2:2], theirs...), parts)
		}
		for i, p := range parts {
			if i < len(multipartAdded) {
				require.Equal(t, multipartAdded[i], p, "whatever follows, the fields arrive")
			} else {
				require.NotEqual(t, "api_key", p.name)
			}
		}
	})
}

// sentAgain returns the body that GetBody gives.
func sentAgain(t testing.TB, req *http.Request) string {
	t.Helper()
	body, err := req.GetBody()
	require.NoError(t, err)
	data, err := io.ReadAll(body)
	require.NoError(t, err)
	return string(data)
}

func TestCreatedMultipart(t *testing.T) {
	fields := newFields(t, []inject.Field{{Key: "k", Value: "v"}}, dialect.BodyMultipart)
	req := post("", nil)
	require.NoError(t, fields.Apply(req, inject.Room{}))
	_, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	require.NoError(t, err)
	assert.Equal(t, []part{{"k", "", "v"}}, partsOf(t, sent(t, req), params["boundary"]))

	req = post("multipart/form-data; boundary=mine", nil)
	require.NoError(t, fields.Apply(req, inject.Room{}))
	assert.Equal(t, "multipart/form-data; boundary=mine", req.Header.Get("Content-Type"))
	assert.Equal(t, []part{{"k", "", "v"}}, partsOf(t, sent(t, req), "mine"))
}
