package connectorauth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBodyIsClosedOnce(t *testing.T) {
	const jsonType, formType = "application/json", "application/x-www-form-urlencoded"
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	broken := func(*http.Request) (*http.Response, error) { return nil, errBroken }
	tests := []struct {
		name     string
		url      string
		kind     string
		content  string
		answer   func(*http.Request) (*http.Response, error)
		hop      *http.Response // of which the request is a redirect
		ctx      context.Context
		bodyFail error
		wantErr  bool
	}{
		{name: "success", url: home, kind: jsonType, content: `{}`},
		{name: "success with a form", url: home, kind: formType, content: `a=b`},
		{name: "401", url: home, kind: jsonType, content: `{}`, answer: fakehttp.Statuses(401)},
		{name: "base error", url: home, kind: jsonType, content: `{}`, answer: broken, wantErr: true},
		{name: "foreign host", url: foreign, kind: jsonType, content: `{}`, wantErr: true},
		{name: "plain http", url: plainHTTP, kind: jsonType, content: `{}`, wantErr: true},
		{name: "bare hop", url: foreign, kind: jsonType, content: `{}`, hop: &http.Response{Request: &http.Request{URL: must(url.Parse(home))}}},
		{name: "own hop", url: home, kind: jsonType, content: `{}`, hop: &http.Response{Request: &http.Request{URL: must(url.Parse(home))}}},
		{name: "body that fails", url: home, kind: formType, content: `a=b`, bodyFail: errBroken, wantErr: true},
		{name: "cancelled before", url: home, kind: jsonType, content: `{}`, ctx: cancelled, answer: func(r *http.Request) (*http.Response, error) {
			return nil, r.Context().Err()
		}, wantErr: true},
	}
	for _, test := range tests {
		for _, s := range withPairs(tokenEndpoint(), "api.example.test") {
			for _, replayable := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/%v", test.name, s.name, replayable), func(t *testing.T) {
					var sent fakehttp.Bodies
					req := sent.Request(t, http.MethodPost, test.url+"/path", test.kind, test.content, replayable)
					if test.ctx != nil {
						req = req.WithContext(test.ctx)
					}
					if test.bodyFail != nil {
						sent.Opened = nil
						req.Body = sent.Open(test.content, test.bodyFail)
						if replayable {
							req.GetBody = func() (io.ReadCloser, error) { return sent.Open(test.content, test.bodyFail), nil }
						}
					}
					req.Response = test.hop
					resp, err := s.connector.Wrap(&fakehttp.Base{Answer: test.answer}).RoundTrip(req)

					sent.RequireClosedOnce(t)
					if test.wantErr {
						require.Error(t, err)
						require.Nil(t, resp)
						return
					}
					require.NoError(t, err)
					require.Same(t, req, resp.Request)
				})
			}
		}
	}
}

func TestRefusedBodyIsClosedOnce(t *testing.T) {
	for _, s := range subjects(tokenEndpoint()) {
		if s.name != "body key" && s.name != "AuthFields" {
			continue
		}
		for _, replayable := range []bool{true, false} {
			for _, req := range []struct{ method, contentType, content string }{
				{http.MethodPost, "text/plain", "hello"},
				{http.MethodPost, "application/json", `[1]`},
				{http.MethodPost, "application/json", `{"a":`},
				{http.MethodPost, "", `{}`},
				{http.MethodGet, "application/json", `{}`},
				{http.MethodDelete, "application/json", `{}`},
			} {
				var sent fakehttp.Bodies
				base := &fakehttp.Base{}
				_, err := s.connector.Wrap(base).RoundTrip(sent.Request(t, req.method, home, req.contentType, req.content, replayable))
				require.ErrorIs(t, err, connectorauth.ErrBodyNotInjectable, "%s %v", s.name, req)
				assert.Empty(t, base.Requests(), "nothing is sent")
				sent.RequireClosedOnce(t)
			}
		}
	}
}

func TestInjectedBodyAgreesWithItsLength(t *testing.T) {
	for _, s := range subjects(tokenEndpoint()) {
		for kind, content := range map[string]string{"application/json": `{"a":1}`, "application/x-www-form-urlencoded": "a=1"} {
			for _, replayable := range []bool{true, false} {
				t.Run(fmt.Sprint(s.name, kind, replayable), func(t *testing.T) {
					var sent fakehttp.Bodies
					base := &fakehttp.Base{}
					_, err := s.connector.Wrap(base).RoundTrip(sent.Request(t, http.MethodPost, home, kind, content, replayable))
					require.NoError(t, err)
					out := base.Requests()[0]
					changed := out.Body != content
					assert.Equal(t, s.name == "body key" || s.name == "AuthFields", changed)
					if changed || replayable {
						assert.EqualValues(t, len(out.Body), out.ContentLength)
						again, err := out.GetBody()
						require.NoError(t, err)
						repeated, _ := io.ReadAll(again)
						again.Close()
						assert.Equal(t, out.Body, string(repeated))
					}
					sent.RequireClosedOnce(t)
				})
			}
		}
	}
}
