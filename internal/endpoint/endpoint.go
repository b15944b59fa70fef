// Package endpoint makes single calls to a provider's endpoints: token requests,
// temporary credentials, logins, revocations. A call is bounded in time and size,
// follows no redirect, and never lets net/http repeat the request by itself.
package endpoint

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"time"

	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
)

const (
	// Timeout bounds a call, from the connection to the end of the response.
	Timeout = 30 * time.Second
	// MaxResponse bounds the body of a response, in bytes.
	MaxResponse = 1 << 20
)

// A Call is a request to an endpoint. A Call is used once, by one goroutine.
type Call struct {
	// Build makes the request, and lists the secrets that must not show in errors.
	// Build runs anew for each send, so values for single use are made anew.
	Build func(ctx context.Context) (req *http.Request, secrets []string, err error)
	// Base sends the request. nil means http.DefaultTransport.
	Base http.RoundTripper
	// Auth returns a RoundTripper that authenticates the request, and sends through base,
	// perhaps once more after a refusal. nil means that the request is sent as it is.
	Auth func(base http.RoundTripper) http.RoundTripper
	// Redirects makes a redirect a Response, which is not followed either.
	Redirects bool
	// HeaderOnly closes the body of a response unread, because the body may have no end. The
	// Response has no Body, and any status gives a Response.
	HeaderOnly bool
	// Before sees each request right before the request is sent. May be nil.
	Before func(*http.Request) error
	// After sees each response, with a body that can be read and replaced. An error
	// does not lose the response: see Response.AfterErr. May be nil.
	After func(*http.Response) error
	// Again sees each response, and reports whether the response asks for the same
	// request with another proof. The request is sent again once, and Again sees the second
	// response too. May be nil.
	Again func(*Response) bool
}

// TransportOf returns what sends the requests of a config's HTTPClient. A nil client means
// http.DefaultClient, and a client without a Transport http.DefaultTransport.
func TransportOf(client *http.Client) http.RoundTripper {
	if client == nil {
		client = http.DefaultClient
	}
	if client.Transport == nil {
		return http.DefaultTransport
	}
	return client.Transport
}

// A Response is the response to a call, read to its end.
type Response struct {
	*http.Response          // with an empty body
	Body           []byte   // the body without content codings: see wire.Decode
	Secrets        []string // must not show in errors about the response
	AfterErr       error    // the error of Call.After; the response is then as it arrived

	redirects bool // see Call
}

// through lets f see and change a copy of the response. After an error, r is as
// it arrived. A body that f read, and did not replace, is not lost.
func (r *Response) through(f func(*http.Response) error) error {
	changed := *r.Response
	changed.Header = r.Header.Clone()
	given := io.NopCloser(bytes.NewReader(r.Body))
	changed.Body, changed.ContentLength = given, int64(len(r.Body))
	if err := f(&changed); err != nil {
		if changed.Body != nil {
			changed.Body.Close()
		}
		return scrub.Cause(err, r.Secrets...)
	}
	if changed.Body == given {
		changed.Body = io.NopCloser(bytes.NewReader(r.Body))
	}
	seen, err := read(&changed, r.Secrets, r.redirects)
	if err != nil {
		return err
	}
	*r = *seen
	return nil
}

// Granted reports whether the status is that of success.
func (r *Response) Granted() bool { return 200 <= r.StatusCode && r.StatusCode <= 299 }

// A Failure is a call without a usable response.
type Failure struct {
	StatusCode  int           // 0 without a response
	Code        string        // the error code of the response, or empty
	Description string        // the provider's explanation, scrubbed
	RetryAfter  time.Duration // how long the provider asks to wait; 0 if the provider does not say
	InDoubt     bool          // the request was sent, and nobody knows the outcome
	Cause       error         // why there is no usable response, or nil
}

// Error names the status and the code.
func (f *Failure) Error() string {
	return fmt.Sprintf("status %d, error %q: %v", f.StatusCode, f.Code, f.Cause)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// Do makes the call. Any status other than a redirect, unless Redirects is set, gives a
// Response. An error
// is a *Failure, or the error of Build: then nothing was sent.
func (c *Call) Do(ctx context.Context) (*Response, error) {
	resp, err := c.send(ctx)
	if err == nil && c.Again != nil && c.Again(resp) {
		if resp, err = c.send(ctx); err == nil {
			c.Again(resp)
		}
	}
	return resp, err
}

// send sends the request once.
func (c *Call) send(ctx context.Context) (*Response, error) {
	ctx, cancel := context.WithTimeout(Untraced(ctx), Timeout)
	defer cancel()
	req, secrets, err := c.Build(ctx)
	if err != nil {
		return nil, scrub.Cause(err, secrets...)
	}
	if c.Before != nil {
		if err := c.Before(req); err != nil {
			closeBody(req)
			return nil, &Failure{Cause: scrub.Cause(err, secrets...)}
		}
	}
	if _, err := origin.Endpoint(req.URL.String()); err != nil {
		closeBody(req)
		return nil, fmt.Errorf("connectorauth: the URL of the request: %w", err)
	}
	origin.ASCII(req)
	net := &sender{base: c.Base, cancel: cancel}
	through := http.RoundTripper(net)
	if c.Auth != nil {
		through = c.Auth(net)
	}
	resp, err := through.RoundTrip(req.WithContext(ctx))
	if err == nil && resp == nil {
		err = errors.New("the base RoundTripper returned neither a response nor an error")
	}
	if err != nil {
		if net.ended() { // err says only that watch has ended the context
			err = errors.New("the server ended the connection or the stream without a response, and the request is not sent again")
		}
		return nil, &Failure{InDoubt: net.inDoubt(), Cause: scrub.Cause(err, secrets...)}
	}
	if c.HeaderOnly {
		if resp.Body != nil {
			resp.Body.Close()
		}
		resp.Body = http.NoBody
		return &Response{Response: resp, Secrets: secrets}, nil
	}
	r, err := read(resp, secrets, c.Redirects)
	if err == nil && c.After != nil {
		r.AfterErr = r.through(c.After)
	}
	return r, err
}

// read reads the response to its end.
func read(resp *http.Response, secrets []string, redirects bool) (*Response, error) {
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	defer resp.Body.Close()
	r := &Response{Response: resp, Secrets: secrets, redirects: redirects}
	switch {
	case !redirects && 300 <= resp.StatusCode && resp.StatusCode <= 399:
		return nil, r.Fail(errors.New("the endpoint answered with a redirect, which is not followed; configure the final URL"))
	case resp.StatusCode == http.StatusSwitchingProtocols: // no body follows, and the stream may never end
		return nil, r.Fail(errors.New("the endpoint wants another protocol than HTTP"))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxResponse+1))
	if len(body) <= MaxResponse {
		body = decode(resp, body)
	}
	switch {
	case len(body) <= MaxResponse && isObject(body):
		err = nil // the response may be to a credential for single use, so a token in it must not be lost
	case err == nil && len(body) > MaxResponse:
		err = fmt.Errorf("the response is longer than %d bytes", MaxResponse)
	}
	if err != nil {
		return nil, r.Fail(scrub.Cause(err, secrets...))
	}
	r.Body, resp.Body = body, http.NoBody
	return r, nil
}

// decode undoes the content codings of a body, as net/http does where net/http has
// asked for gzip. A body that cannot be decoded stays as it is, because the status and
// the header may tell enough. A body longer than MaxResponse has one byte more.
func decode(resp *http.Response, body []byte) []byte {
	decoded, err := wire.Decode(body, resp.Header, MaxResponse+1)
	_, labelled := resp.Header["Content-Encoding"]
	useless := err != nil && len(decoded) <= MaxResponse && !isObject(decoded)
	if useless || !labelled && bytes.Equal(decoded, body) {
		return body
	}
	resp.Header = resp.Header.Clone()
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.ContentLength, resp.Uncompressed = -1, true
	return decoded
}

// isObject reports whether body is a JSON object to its end, whatever the network or a
// coding lacks after that.
func isObject(body []byte) bool {
	text := bytes.TrimSpace(wire.Text(body))
	return bytes.HasPrefix(text, []byte("{")) && json.Valid(text)
}

// Text returns the body in UTF-8, without a byte order mark and white space around.
func (r *Response) Text() []byte { return bytes.TrimSpace(wire.Text(r.Body)) }

// unreadable returns the error of a response whose text is not what. A body that is
// still encoded is the reason.
func (r *Response) unreadable(what string) error {
	if _, err := wire.Decode(r.Body, r.Header, MaxResponse); err != nil {
		return err
	}
	return errors.New(what)
}

// Fail returns the failure of a response that brings nothing usable. cause may be
// nil. Where the status is success, the outcome is in doubt.
func (r *Response) Fail(cause error) *Failure {
	return &Failure{StatusCode: r.StatusCode, RetryAfter: RetryAfter(r.Header), InDoubt: r.Granted(), Cause: cause}
}

// RetryAfter reads a Retry-After header: seconds or a date (RFC 9110 section
// 10.2.3). 0 means that there is none.
func RetryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil || errors.Is(err, strconv.ErrRange) {
		return max(time.Duration(seconds)*time.Second, 0)
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(time.Until(date), 0)
	}
	return 0
}

// Untraced returns ctx without the httptrace.ClientTrace of another request: the
// trace of a request to the API must not see a client secret.
func Untraced(ctx context.Context) context.Context { return untraced{ctx} }

type untraced struct{ context.Context }

func (u untraced) Value(key any) any {
	value := u.Context.Value(key)
	if _, traces := value.(*httptrace.ClientTrace); traces {
		return nil
	}
	return value
}

// Unhooked returns ctx for a request that is not sent: hooks of a connector, which may
// do anything, do not see the request.
func Unhooked(ctx context.Context) context.Context { return unhooked{ctx} }

type unhooked struct{ context.Context }

// IsUnhooked reports whether ctx comes from Unhooked.
func IsUnhooked(ctx context.Context) bool { _, is := ctx.(unhooked); return is }

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
