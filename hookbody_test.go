package connectorauth_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A base may respond before it has sent the body, and goes on with the body while hooks see
// the response. A hook gets a copy then, and changes nothing that the base reads.
func TestHookReadsTheBodyOfARequestThatIsStillSent(t *testing.T) {
	const body = `{"a":1}`
	for name, test := range map[string]struct {
		prepare func(*http.Request)
		before  func(*connectorauth.Exchange) error
		limit   int64
		want    string
		err     string
	}{
		"a body":               {limit: 100, want: body},
		"a body of a hook":     {before: func(e *connectorauth.Exchange) error { e.SetRequestBody([]byte("hook")); return nil }, limit: 100, want: "hook"},
		"no body":              {prepare: func(req *http.Request) { req.Body, req.GetBody, req.ContentLength = nil, nil, 0 }, limit: 100},
		"a long body":          {limit: 3, err: "larger than the 3 bytes"},
		"a body for one use":   {prepare: func(req *http.Request) { req.GetBody = nil }, limit: 100, err: "read the body before the request is sent"},
		"a body that is broke": {prepare: func(req *http.Request) { req.GetBody = func() (io.ReadCloser, error) { return nil, io.ErrClosedPipe } }, limit: 100, err: io.ErrClosedPipe.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			hooks := connectorauth.Hooks{BeforeRequest: test.before, AfterResponse: func(e *connectorauth.Exchange) error {
				e.SetRequestBody([]byte("too late"))
				for range 2 {
					got, err := e.RequestBody(test.limit)
					assert.Equal(t, test.want, string(got))
					if test.err == "" {
						assert.NoError(t, err)
					} else {
						assert.ErrorContains(t, err, test.err)
					}
				}
				return nil
			}}
			req := must(http.NewRequest(http.MethodPost, home, strings.NewReader(body)))
			if test.prepare != nil {
				test.prepare(req)
			}
			hasBody, sent := req.Body != nil, make(chan string, 1)
			base := fakehttp.RoundTripper(func(out *http.Request) (*http.Response, error) {
				go func() {
					if out.Body == nil {
						sent <- ""
						return
					}
					data, err := io.ReadAll(out.Body)
					assert.NoError(t, err)
					sent <- string(data)
				}()
				return fakehttp.Respond(200, ""), nil
			})
			c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey}))
			_, err := connectorauth.WithHooks(c, hooks).Wrap(base).RoundTrip(req)
			require.NoError(t, err)
			want := test.want
			if test.err != "" && hasBody {
				want = body
			}
			assert.Equal(t, want, <-sent)
		})
	}
}
