package endpoint_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A code or refresh token is spent once its response comes. So the token counts, even
// if what is around the token is damaged.
func TestATokenInADamagedBodyIsNotLost(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	w.Write([]byte("\xef\xbb\xbf" + `{"access_token":"a","refresh_token":"r"}` + "\n"))
	require.NoError(t, w.Close())
	whole := zipped.String()
	for name, body := range map[string]string{
		"zeros after gzip":       whole + "\x00\x00\x00\x00",
		"a line break after":     whole + "\r\n",
		"a wrong checksum":       whole[:len(whole)-8] + "01234567",
		"no checksum":            whole[:len(whole)-8],
		"a part of the checksum": whole[:len(whole)-3],
	} {
		token, err := ask(t, reply{body: body, header: http.Header{"Content-Encoding": {"gzip"}}}, request{})
		require.Nil(t, err, name)
		assert.Equal(t, "a", token.AccessToken, name)
		assert.Equal(t, "r", token.RefreshToken, name)
	}
	_, err := ask(t, reply{body: whole[:len(whole)-30], header: http.Header{"Content-Encoding": {"gzip"}}}, request{})
	require.NotNil(t, err, "the token is cut")
	assert.True(t, err.InDoubt)
}

// The connection may end after the token, and before the end of the message.
func TestATokenBeforeALostConnectionIsNotLost(t *testing.T) {
	const token = `{"access_token":"a","refresh_token":"r"}`
	for name, send := range map[string]func(w http.ResponseWriter){
		"chunked":   func(w http.ResponseWriter) { io.WriteString(w, token) },
		"too short": func(w http.ResponseWriter) { w.Header().Set("Content-Length", "100"); io.WriteString(w, token) },
		"compressed": func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			io.WriteString(z, token)
			z.Flush()
		},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			send(w)
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
		got, err := s.ask(t, request{})
		require.Nil(t, err, name)
		assert.Equal(t, "r", got.RefreshToken, name)
	}
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, token[:len(token)-1])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	_, err := s.ask(t, request{})
	require.NotNil(t, err)
	assert.True(t, err.InDoubt)
}
