package challenge_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestRejects(t *testing.T) {
	long := strings.Repeat(" ", 64<<10)
	rejections := []dialect.Rejection{
		{Status: 403, Header: "X-Error", HeaderValue: "expired"},
		{Status: 418},
		{Path: "error.code", Value: "190"},
		{Path: "ok", Value: "false"},
		{Path: "errors.0.extensions.code", Value: "UNAUTHENTICATED"},
		{Path: "fault"},
		{Status: 400, Body: "session has expired"},
	}
	for _, test := range []struct {
		status             int
		header, kind, body string
		rejected           bool
	}{
		{200, "", "", "fine", false},
		{418, "", "", "", true},
		{403, "token expired", "", "", true},
		{403, "no scope", "", "", false},
		{403, "", "", "", false},
		{400, "", "application/json", `{"error":{"code":190}}`, true},
		{400, "", "application/json; charset=utf-8", `{"error":{"code":"190"}}`, true},
		{400, "", "application/json", `{"error":{"code":191}}`, false},
		{400, "", "application/json", `{"error":{"code":{"190":1}}}`, false},
		{400, "", "application/json", `{"error":"190"}`, false},
		{400, "", "application/octet-stream", `{"error":{"code":190}}`, false},
		{200, "", "application/json", `{"ok":false}`, true},
		{200, "", "application/problem+json", `{"ok":false}`, true},
		{200, "", "application/json", `{"ok":true}`, false},
		{200, "", "application/json", `{"ok":`, false},
		{200, "", "application/json", ``, false},
		{200, "", "application/json", `{"errors":[{"extensions":{"code":"UNAUTHENTICATED"}}]}`, true},
		{200, "", "application/json", `{"errors":[]}`, false},
		{200, "", "application/json", `{"fault":{}}`, true},
		{200, "", "application/json", `{"fault":null}`, false},
		{200, "", "application/json", `{"ok":false}` + long, false},
		{400, "", "text/xml", `<e>Your session has expired</e>`, true},
		{400, "", "application/soap+xml", `<e>Your session has expired</e>`, true},
		{400, "", "text/event-stream", `data: session has expired`, false},
		{200, "", "text/html", `session has expired`, false},
	} {
		t.Run(fmt.Sprintf("%d %s %.30s", test.status, test.kind, test.body), func(t *testing.T) {
			resp := response(test.status, test.kind, io.NopCloser(strings.NewReader(test.body)))
			resp.Header.Set("X-Error", test.header)
			assert.Equal(t, test.rejected, challenge.Rejects(rejections, resp))
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, test.body, string(body), "the body that the caller sees")
		})
	}
	assert.False(t, challenge.Rejects(nil, response(401, "", http.NoBody)))
	assert.False(t, challenge.Rejects(rejections, &http.Response{StatusCode: 200}), "a response without a body")
}

func response(status int, contentType string, body io.ReadCloser) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: body, ContentLength: -1}
}

var errBroken = errors.New("broken")

// countingBody counts the bytes that were read, and fails at its end.
type countingBody struct {
	left, read int
	closed     bool
}

func (b *countingBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errBroken
	}
	n := min(len(p), b.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	b.left, b.read = b.left-n, b.read+n
	return n, nil
}

func (b *countingBody) Close() error { b.closed = true; return nil }

func TestReadingForARejectionIsBounded(t *testing.T) {
	rejections := []dialect.Rejection{{Status: 500, Body: "x"}, {Body: "x"}, {Body: "y"}}
	for _, test := range []struct {
		name, kind, encoding       string
		status, size, length, read int
	}{
		{"long", "application/json", "", 200, 1 << 20, -1, 64<<10 + 1},
		{"announced as long", "application/json", "", 200, 1 << 20, 1 << 20, 0},
		{"binary", "image/png", "", 200, 100, -1, 0},
		{"unlabelled", "", "", 200, 100, -1, 100},
		{"unlabelled and long", "", "", 200, 1 << 20, 1 << 20, 0},
		{"compressed for the caller", "application/json", "gzip", 200, 100, -1, 100},
		{"stream", "text/event-stream", "", 200, 100, -1, 0},
		{"compressed", "application/json", "br", 200, 100, -1, 0},
		{"broken", "application/json", "", 200, 100, 200, 100},
		{"another protocol", "application/json", "", 101, 100, -1, 0},
	} {
		body := &countingBody{left: test.size}
		resp := response(test.status, test.kind, body)
		resp.ContentLength = int64(test.length)
		resp.Header.Set("Content-Encoding", test.encoding)
		assert.False(t, challenge.Rejects(rejections, resp), test.name)
		assert.Equal(t, test.read, body.read, test.name)
		n, err := io.Copy(io.Discard, resp.Body)
		assert.EqualValues(t, test.size, n, test.name)
		assert.ErrorIs(t, err, errBroken, test.name)
		resp.Body.Close()
		assert.True(t, body.closed, test.name)
	}
}

// A body without a type and a length may be a stream, for which the caller waits.
func TestStreamsAreHardlyWaitedFor(t *testing.T) {
	rejections := []dialect.Rejection{{Body: "expired"}, {Body: "gone"}} // the stream is waited for once
	for _, test := range []struct {
		kind   string
		length int64
		wait   time.Duration
	}{
		{"text/event-stream", -1, 0}, {"application/stream+json", -1, 0}, {"application/x-ndjson", -1, 0}, {"application/json-seq", -1, 0}, {"audio/mpeg", -1, 0},
		{"", -1, 200 * time.Millisecond}, {"", 100, 2 * time.Second}, {"text/plain", -1, 2 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			body, server := io.Pipe()
			resp := response(200, test.kind, body)
			resp.ContentLength = test.length
			began := time.Now()
			assert.False(t, challenge.Rejects(rejections, resp), test.kind)
			assert.Equal(t, test.wait, time.Since(began), test.kind)
			go func() { io.WriteString(server, "the stream"); server.Close() }()
			whole, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, "the stream", string(whole))
		})
	}
}

func TestTypesOfBodiesThatAreLookedAt(t *testing.T) {
	rejections := []dialect.Rejection{{Path: "error", Value: "expired"}}
	for _, test := range []struct {
		kind     string
		rejected bool
	}{
		{"application/json", true}, {"application/json; charset=utf-8; charset=UTF-8", true}, {"application/json;", true}, {"application/json ; x", true}, {"APPLICATION/JSON;;=", true},
		{"application/json, application/json", true}, {"application/json charset=utf-8", true}, {"text/json", true}, {"application/xml", true}, {"application/x-javascript", true}, {"application/x-json", true}, {"text/javascript", true},
		{"application/javascript", true}, {"application/vnd.api+json; ext=\"a,b\"", true}, {"text/plain", true}, {"text/html", true}, {"application/x-www-form-urlencoded", true}, {"", true},
		{"application/octet-stream", false}, {"multipart/form-data; boundary=x", false}, {"application/x-ndjson", false}, {"json", false}, {"image/svg", false},
	} {
		resp := response(200, test.kind, io.NopCloser(strings.NewReader("\ufeff"+`{"error":"expired"}`)))
		assert.Equal(t, test.rejected, challenge.Rejects(rejections, resp), test.kind)
	}
}

// An image may contain any words.
func TestUnlabelledBodyIsLookedAtIfTheBodyIsText(t *testing.T) {
	rejections := []dialect.Rejection{{Body: "expired"}}
	for body, rejected := range map[string]bool{"expired": true, "<e>expired</e>": true, "\x89PNG\r\n\x1a\nexpired": false, "GIF89a expired": false} {
		resp := response(200, "", io.NopCloser(strings.NewReader(body)))
		assert.Equal(t, rejected, challenge.Rejects(rejections, resp), body)
	}
}

// Whatever a server sends, the caller sees the same bytes.
func FuzzRejects(f *testing.F) {
	for _, body := range []string{`{"error":"expired"}`, "\ufeffexpired", "\x1f\x8b\x08", "\xff\xfee\x00"} {
		f.Add([]byte(body), "application/json; charset=utf-8", "gzip")
		f.Add([]byte(body), "", "deflate")
	}
	rejections := []dialect.Rejection{{Path: "error", Value: "expired"}, {Body: "expired"}}
	f.Fuzz(func(t *testing.T, body []byte, kind, coding string) {
		resp := response(200, kind, io.NopCloser(bytes.NewReader(body)))
		resp.Header.Set("Content-Encoding", coding)
		challenge.Rejects(rejections, resp)
		whole, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, whole))
		require.Equal(t, coding, resp.Header.Get("Content-Encoding"))
	})
}

func TestHeadOfAResponseIsReadFirst(t *testing.T) {
	body := &countingBody{left: 100}
	resp := response(200, "application/json", body)
	assert.False(t, challenge.Rejects([]dialect.Rejection{{Status: 400, Path: "a"}, {Header: "X-Error", Body: "x"}}, resp))
	assert.Zero(t, body.read, "no rejection asks for the body of this response")
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		challenge.Rejects([]dialect.Rejection{{Status: 400}, {Header: "X-Error"}}, resp)
	}))
}

func TestCheckRejection(t *testing.T) {
	for want, r := range map[string]dialect.Rejection{
		"is empty and would match every response":     {},
		"HeaderValue: needs Header":                   {Status: 403, HeaderValue: "x"},
		"Value: needs Path":                           {Status: 403, Value: "x"},
		`Header: "X Error" is not a header name`:      {Header: "X Error"},
		"Status: every response with status 401":      {Status: 401, Body: "x"},
		"Status: 199 is not the status of a response": {Status: 199},
		"Status: 600 is not the status of a response": {Status: 600},
		"Status: a status of success alone":           {Status: 200},
	} {
		assert.ErrorContains(t, challenge.CheckRejection(r), want)
	}
	for _, r := range []dialect.Rejection{
		{Status: 200, Path: "a"}, {Status: 302}, {Status: 403}, {Header: "X-Error"}, {Path: "a.b", Value: "1"}, {Body: "x"},
		{Status: 599, Header: "X-Error", HeaderValue: "x", Path: "a", Value: "b", Body: "c"},
	} {
		assert.NoError(t, challenge.CheckRejection(r))
	}
}
