package serve_test

import (
	"bufio"
	"bytes"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/serve"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzPath maps what programs send to URLs of a service, as servers read both.
func FuzzPath(f *testing.F) {
	for _, sent := range []string{
		"/echo/a?b=c", "/echo", "/echo?", "/echo//evil.example/", "/echo/%2e%2e/", "/echo/..;/x", "/a%2Fb;c/d%2Fe/{f}", "/echo/a\\..\\b",
		"http://127.0.0.1/echo/a", "http://x@y/echo/../z", "/echo/%00", "/echo/\u00fc#x", "/echo/?%zz", "*", "//", "/;", "/%zz/x", "/echo/%25%32%65",
	} {
		f.Add(sent)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		if _, err := url.ParseRequestURI(sent); err != nil {
			return // the server of net/http refuses the request
		}
		for _, text := range []string{"https://api.example/v1", "https://api.example", "https://api.example/a%2Fb/%7Bkey%7D"} {
			base, err := url.Parse(text)
			require.NoError(t, err)
			m, err := serve.Map(sent, base)
			if err != nil {
				continue
			}
			require.NotEmpty(t, m.Service)
			out := &http.Request{Method: "GET", URL: m.Upstream, Header: http.Header{}}
			var wire bytes.Buffer
			require.NoError(t, out.Write(&wire))
			arrived, err := http.ReadRequest(bufio.NewReader(&wire))
			require.NoError(t, err, "%q", sent)
			assert.Equal(t, "api.example", arrived.Host)
			assert.True(t, strings.HasPrefix(arrived.RequestURI, base.EscapedPath()), "%q: %q", sent, arrived.RequestURI)

			clean := path.Clean(strings.ReplaceAll(arrived.URL.Path, "\\", "/"))
			assert.True(t, strings.HasPrefix(clean+"/", base.Path+"/"), "%q: %q is above %q", sent, clean, base.Path)

			require.True(t, m.Below, "%q", sent)
			again, err := serve.Map(m.Local, base)
			require.NoError(t, err)
			assert.Equal(t, m.Upstream.String(), again.Upstream.String(), "the way back leads to the same URL")
			assert.Equal(t, []string{m.Service, m.Base}, []string{again.Service, again.Base})

			_, query, _ := strings.Cut(sent, "?")
			assert.Equal(t, query, m.Upstream.RawQuery)
		}
	})
}
