package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// numbered makes a call whose nth request has the parameter n.
func numbered(base http.RoundTripper) *endpoint.Call {
	n := 0
	return &endpoint.Call{Base: base, Build: func(ctx context.Context) (*http.Request, []string, error) {
		n++
		proof := fmt.Sprintf("proof-%d", n)
		req, err := endpoint.NewRequest(ctx, tokenURL, url.Values{"proof": {proof}}, nil, dialect.EncodeForm)
		return req, []string{proof}, err
	}}
}

// bodies is a base that keeps bodies and gives its answers in turn; the last stays.
type bodies struct {
	got     []string
	answers []reply
}

func (b *bodies) RoundTrip(req *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(req.Body)
	req.Body = nil
	b.got = append(b.got, string(body))
	return b.answers[min(len(b.got), len(b.answers))-1].RoundTrip(req)
}

// A nonce is asked for with status 400. Each send is built anew, and a server
// that asks for ever is not answered for ever.
func TestAgainSendsExactlyOnceMore(t *testing.T) {
	nonce, granted := reply{status: 400, body: "use_dpop_nonce", header: http.Header{"Dpop-Nonce": {"n"}}}, reply{body: `{"access_token":"a"}`}
	for name, test := range map[string]struct {
		answers []reply
		status  int
		asked   int // how often Again was called
	}{
		"granted the second time": {[]reply{nonce, granted}, 200, 2},
		"asked for ever":          {[]reply{nonce}, 400, 2},
	} {
		base, asked, before := &bodies{answers: test.answers}, 0, 0
		call := numbered(base)
		call.Again = func(r *endpoint.Response) bool {
			asked++
			assert.Equal(t, test.answers[min(asked, len(test.answers))-1].body, string(r.Body))
			return r.Header.Get("DPoP-Nonce") == "n"
		}
		call.Before = func(*http.Request) error { before++; return nil }
		resp, err := call.Do(t.Context())
		require.NoError(t, err)
		assert.Equal(t, test.status, resp.StatusCode, name)
		assert.Equal(t, []string{"proof=proof-1", "proof=proof-2"}, base.got, name)
		assert.Equal(t, []string{"proof-2"}, resp.Secrets)
		assert.Equal(t, test.asked, asked)
		assert.Equal(t, 2, before)
	}
	base := &bodies{answers: []reply{granted}}
	call := numbered(base)
	call.Again = func(r *endpoint.Response) bool { return !r.Granted() }
	_, err := call.Do(t.Context())
	require.NoError(t, err)
	assert.Len(t, base.got, 1)
}

func TestNothingIsSentAgainAfterAFailure(t *testing.T) {
	base := &bodies{answers: []reply{{status: 302}}}
	call := numbered(base)
	call.Again = func(*endpoint.Response) bool { t.Error("a failure was offered to Again"); return true }
	_, err := call.Do(t.Context())
	failure(t, err)
	assert.Len(t, base.got, 1)
}

func TestErrorOfBuildIsReturned(t *testing.T) {
	fails := errors.New("no assertion")
	for name, test := range map[string]error{"own": fails, "quoting": errors.New("cannot sign s3cret")} {
		call := &endpoint.Call{
			Base: roundTripper(func(*http.Request) (*http.Response, error) { t.Error("sent"); return nil, nil }),
			Build: func(context.Context) (*http.Request, []string, error) {
				return nil, []string{"s3cret"}, test
			},
		}
		_, err := call.Do(t.Context())
		require.Error(t, err, name)
		assert.Equal(t, name == "own", errors.Is(err, fails))
		assert.NotContains(t, fmt.Sprintf("%v %#v", err, err), "s3cret")
		assert.False(t, errors.As(err, new(*endpoint.Failure)))
	}
}

func TestErrorOfBeforeSendsNothing(t *testing.T) {
	fails := errors.New("refused by a hook")
	for _, test := range []struct {
		err    error
		hidden bool
	}{{fails, false}, {errors.New("refused s3cret"), true}, {&url.Error{Op: "Get", URL: "https://h/?s3cret", Err: fails}, false}} {
		body := &counted{Reader: strings.NewReader("")}
		call := request{clientSecret: "s3cret"}.call(roundTripper(func(*http.Request) (*http.Response, error) { t.Error("sent"); return nil, nil }))
		call.Before = func(req *http.Request) error { req.Body = body; return test.err }
		_, err := call.Do(t.Context())
		failed := failure(t, err)
		assert.False(t, failed.InDoubt, "nothing was sent")
		assert.Equal(t, !test.hidden, errors.Is(err, fails))
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, failed.Cause, failed.Cause), "s3cret")
		assert.True(t, body.closed)
	}
}

const rotated = `{"access_token":"a","refresh_token":"next"}`

func TestAfterSeesAndReplacesTheResponse(t *testing.T) {
	call := request{}.call(reply{body: rotated, header: http.Header{"X-A": {"1"}}})
	call.After = func(resp *http.Response) error {
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, rotated, string(body))
		assert.EqualValues(t, len(rotated), resp.ContentLength)
		assert.Equal(t, "1", resp.Header.Get("X-A"))
		resp.StatusCode = http.StatusAccepted
		resp.Body = io.NopCloser(strings.NewReader(`{"access_token":"b"}`))
		return nil
	}
	resp, err := call.Do(t.Context())
	require.NoError(t, err)
	require.NoError(t, resp.AfterErr)
	assert.Equal(t, http.StatusAccepted, resp.StatusCode)
	assert.Equal(t, `{"access_token":"b"}`, string(resp.Body))
}

// A rotated refresh token must survive whatever a hook does to its response.
func TestResponseSurvivesAfter(t *testing.T) {
	fails := errors.New("the hook failed")
	for name, test := range map[string]struct {
		after func(*http.Response) error
		says  string // AfterErr; empty means none
	}{
		"reads":            {func(resp *http.Response) error { io.Copy(io.Discard, resp.Body); return nil }, ""},
		"reads and closes": {func(resp *http.Response) error { io.ReadAll(resp.Body); return resp.Body.Close() }, ""},
		"fails":            {func(resp *http.Response) error { return fails }, "the hook failed"},
		"fails after all": {func(resp *http.Response) error {
			io.ReadAll(resp.Body)
			resp.Body.Close()
			resp.Body = nil
			return fails
		}, "the hook failed"},
		"fails and changes": {func(resp *http.Response) error {
			resp.StatusCode = 500
			clear(resp.Header)
			resp.Body = http.NoBody
			return fails
		}, "the hook failed"},
		"makes a redirect": {func(resp *http.Response) error { resp.StatusCode = 302; return nil }, "redirect"},
		"body too long":    {func(resp *http.Response) error { resp.Body = io.NopCloser(endless{}); return nil }, "longer than"},
		"body that breaks": {func(resp *http.Response) error { resp.Body = io.NopCloser(failing{fails}); return nil }, "the hook failed"},
		"quotes a secret":  {func(resp *http.Response) error { return errors.New("s3cret") }, "withheld"},
		"quotes in a body": {func(resp *http.Response) error { resp.Body = io.NopCloser(failing{errors.New("s3cret")}); return nil }, "withheld"},
	} {
		t.Run(name, func(t *testing.T) {
			call := request{clientSecret: "s3cret"}.call(reply{body: rotated, header: http.Header{"X-A": {"1"}}})
			call.After = test.after
			resp, err := call.Do(t.Context())
			require.NoError(t, err)
			if test.says == "" {
				assert.NoError(t, resp.AfterErr)
			} else {
				assert.ErrorContains(t, resp.AfterErr, test.says)
				assert.NotContains(t, fmt.Sprintf("%+v %#v", resp.AfterErr, resp.AfterErr), "s3cret")
			}
			assert.Equal(t, rotated, string(resp.Body))
			assert.Equal(t, "1", resp.Header.Get("X-A"))
			token, err := resp.Token(issued)
			require.NoError(t, err)
			assert.Equal(t, "next", token.RefreshToken)
		})
	}
}

// failing is a Reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Again is asked about what After made of the response.
// A hook that takes the body away and fails loses nothing.
func TestErrorOfAfterWithoutABodyLosesNothing(t *testing.T) {
	call := request{}.call(reply{body: `{"access_token":"a"}`})
	call.After = func(resp *http.Response) error { resp.Body = nil; return errors.New("refused by a hook") }
	resp, err := call.Do(t.Context())
	require.NoError(t, err)
	assert.ErrorContains(t, resp.AfterErr, "refused by a hook")
	assert.JSONEq(t, `{"access_token":"a"}`, string(resp.Body))
}

// Bases that repeat requests look for a body that can be rewound.
func TestNoBaseCanRewindABody(t *testing.T) {
	call := request{}.call(roundTripper(func(req *http.Request) (*http.Response, error) {
		_, rewinds := req.Body.(io.Seeker)
		assert.False(t, rewinds)
		assert.Nil(t, req.GetBody)
		return reply{}.RoundTrip(req)
	}))
	call.Before = func(req *http.Request) error {
		file := struct {
			*strings.Reader
			io.Closer
		}{strings.NewReader("a=b"), io.NopCloser(nil)}
		req.Body, req.ContentLength = file, 3
		req.GetBody = func() (io.ReadCloser, error) { return file, nil }
		return nil
	}
	_, err := call.Do(t.Context())
	require.NoError(t, err)
}

func TestAfterComesBeforeAgain(t *testing.T) {
	base := &bodies{answers: []reply{{status: 400, body: "first"}, {body: "second"}}}
	call := numbered(base)
	call.After = func(resp *http.Response) error {
		body, _ := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(strings.NewReader("seen " + string(body)))
		return nil
	}
	call.Again = func(r *endpoint.Response) bool { return string(r.Body) == "seen first" }
	resp, err := call.Do(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "seen second", string(resp.Body))
}
