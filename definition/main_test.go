package definition_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// parse reads a definition without mistakes.
func parse(t testing.TB, document string) *definition.Definition {
	t.Helper()
	d, err := definition.Parse("acme.json", []byte(document), definition.Options{})
	require.NoError(t, err)
	return d
}

// mistakes returns the lines of the error of a definition.
func mistakes(document string) string {
	_, err := definition.Parse("acme.json", []byte(document), definition.Options{})
	if err == nil {
		return ""
	}
	return err.Error()
}

type values = map[string]connectorauth.Secret

// sent makes a request with a connector, and returns the request as the request went out.
func sent(t testing.TB, c *definition.Connected, method, path, body string) *http.Request {
	t.Helper()
	base, err := c.BaseURL(t.Context(), "")
	require.NoError(t, err)
	var got *http.Request
	client := connectorauth.NewClient(c.Connector(), &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		got = req
		if req.Body != nil {
			text, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			req.Body = io.NopCloser(strings.NewReader(string(text)))
		}
		return fakehttp.Respond(200, "{}"), nil
	})})
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return got
}

// quoted writes a text as JSON does.
func quoted(text string) string {
	encoded, _ := json.Marshal(text)
	return string(encoded)
}
