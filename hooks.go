package connectorauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"

	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// Hooks are functions that see a connector's messages and may change them. Hooks
// are for an API that needs more than its auth type. A nil hook is left out.
// Several goroutines call hooks at the same time. An error or a panic of a hook
// ends the request.
//
// Hooks see the credentials, so trust hooks as much as the connector. The rules
// of the connector hold for hooks: hooks do not run for a request without
// credentials, and a changed URL must stay on the origin of the request, or
// within Hosts.
type Hooks struct {
	// BeforeRequest sees each request, with its credentials, right before the
	// request is sent. A request that is sent again is seen again. A hook must not
	// change what OAuth1 signed: method, URL and form body. A Proof of an OAuth2 is made
	// after the hooks, and so is about the request as the hooks leave the request.
	BeforeRequest func(*Exchange) error
	// AfterResponse sees each response to these requests, including a rejection
	// before the renewal. The caller gets the hook's error instead of the response.
	// An error that matches ErrCredentialRejected first makes the connector renew
	// its credential and send the request once more.
	AfterResponse func(*Exchange) error

	// Only OAuth2 calls the other hooks.

	// BeforeAuthorize sees the URL that Begin returns. The hook may change the
	// query, but not the parameters that protect the consent: state, redirect_uri
	// and the code challenge.
	BeforeAuthorize func(ctx context.Context, u *url.URL) error
	// BeforeToken sees each token request right before the request is sent.
	// AfterToken sees each token response, whatever its status, before the response
	// is used. For requests with a refresh token, BeforeRefresh and AfterRefresh are
	// called instead.
	BeforeToken, AfterToken, BeforeRefresh, AfterRefresh func(*Exchange) error
}

// An Exchange is a request and its response, as hooks see them. Hooks may use an
// Exchange until the last hook returns. The Request of Response is Request.
type Exchange struct {
	// Request is a private copy of the caller's request. Change the request in
	// place, and the body by SetRequestBody.
	Request *http.Request
	// Response is the response, or nil before the response. Change the response in
	// place, and the body by SetResponseBody.
	Response *http.Response
	// Auth is the credential in Request: the key of an APIKey, the base64 form of
	// user name and password of a Basic, the access token of an OAuth2, the value of
	// a Custom. Empty for other connectors and in token requests.
	Auth Secret
	// Data is for hooks: a value that BeforeRequest sets is there in AfterResponse.
	Data any

	unreadable error // why the request's body could not be read; the body is gone
}

// RequestBody returns the body of the request, which is still sent. limit is in
// bytes. A longer body is an error that ends the request even if the hook
// ignores the error. The result must not be modified. With a response there, the base
// may not have sent all of the body yet. RequestBody then reads a copy, and returns an
// error for a request without a GetBody, whose body can be had only once.
func (e *Exchange) RequestBody(limit int64) ([]byte, error) {
	if e.unreadable != nil {
		return nil, e.unreadable
	}
	if e.Response != nil {
		return sentBody(e.Request, limit)
	}
	body, err := inject.ReadBody(e.Request, limit)
	if err != nil {
		e.unreadable = fmt.Errorf("connectorauth: a hook reads the body: %w", err)
	}
	return body, e.unreadable
}

// sentBody returns the body of a request that the base has.
func sentBody(req *http.Request, limit int64) (body []byte, err error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	if req.GetBody == nil {
		return nil, errors.New("connectorauth: a hook reads the body: the request has been sent, and its body can be had only once; read the body before the request is sent")
	}
	again := http.Request{ContentLength: req.ContentLength}
	if again.Body, err = req.GetBody(); err == nil {
		body, err = inject.ReadBody(&again, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("connectorauth: a hook reads the body: %w", err)
	}
	return body, nil
}

// SetRequestBody replaces the body of the request. Empty means no body.
// ContentLength and GetBody follow; Content-Type stays the same. body must not be
// modified afterwards. With a response there, SetRequestBody does nothing.
func (e *Exchange) SetRequestBody(body []byte) {
	if e.Response != nil {
		return
	}
	closeBody(e.Request.Body)
	inject.SetBody(e.Request, body)
	e.unreadable = nil
}

// ResponseBody returns the body of the response, which the caller can still
// read. limit is in bytes. A longer body is an error. The body is as the base
// RoundTripper gives it: http.Transport undoes gzip, unless the caller's request has an
// Accept-Encoding of its own. Then Response has a Content-Encoding, and a hook that
// looks into the body undoes the encoding.
func (e *Exchange) ResponseBody(limit int64) ([]byte, error) {
	resp := e.Response
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, errors.New("connectorauth: a hook cannot read the stream that follows status 101")
	}
	limit = min(limit, math.MaxInt64-1)
	body, err := wire.Peek(resp, limit+1)
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("connectorauth: the body of the response is longer than the %d bytes that a hook reads", limit)
	}
	if err != nil {
		return nil, err
	}
	return body, nil
}

// SetResponseBody replaces the body of the response; ContentLength follows. body
// must not be modified afterwards.
func (e *Exchange) SetResponseBody(body []byte) {
	resp := e.Response
	resp.Body.Close()
	resp.Body, resp.ContentLength, resp.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	if resp.Header.Get("Content-Length") != "" {
		resp.Header.Set("Content-Length", fmt.Sprint(len(body)))
	}
}

// WithHooks returns a connector like c whose messages also pass through h, after
// the hooks of c. A connector of this package keeps its type: WithHooks of an
// *OAuth2 is an *OAuth2, for Begin and Finish. Both share a token and its
// renewals. Use the returned connector wherever the hooks matter.
//
// For a Connector of another package, the hooks wrap the base RoundTripper. They
// see requests after c has authenticated them, only on the first request's
// origin, over https unless on loopback, and cannot make c renew.
func WithHooks(c Connector, h Hooks) Connector {
	return changed(c, func(inner *core) *core { return inner.withHooks(h) })
}

// changed returns a connector like c with another core. A connector of another package
// gets a core beneath.
func changed(c Connector, change func(*core) *core) Connector {
	switch c := c.(type) {
	case builtin:
		return c.with(change(c.inner()))
	case *hooked:
		return &hooked{c.Connector, change(c.beneath.get()).hide()}
	}
	return &hooked{c, change(&core{scheme: noScheme{}}).hide()}
}

// hook is a Hooks value of one connector.
type hook struct {
	Hooks
	part  int                                            // of a Join: see credential
	base  func(base http.RoundTripper) http.RoundTripper // of WithBase, which has no Hooks; nil: none
	hosts *narrowing                                     // of WithHosts, which has no Hooks; nil: none
}

// sees reports whether h sees messages.
func (h hook) sees() bool { return h.BeforeRequest != nil || h.AfterResponse != nil }

// withHooks returns a copy of c with h as well.
func (c *core) withHooks(h Hooks) *core {
	hooked := *c
	hooked.hooks = append(slices.Clip(c.hooks), hook{Hooks: h, part: c.everyPart()})
	hooked.scheme = schemeWithHooks(c.scheme, h)
	return &hooked
}

// everyPart is the part of a hook for all of the connector: see credential.
func (c *core) everyPart() int {
	if _, joined := c.scheme.(*joinedScheme); joined {
		return -1
	}
	return 0
}

// schemeWithHooks returns a scheme like s whose own requests pass through h.
func schemeWithHooks(s scheme, h Hooks) scheme {
	if s, ok := s.(interface{ withHooks(Hooks) scheme }); ok {
		return s.withHooks(h)
	}
	return s
}

// hooked is a Connector of another package, over hooks, or over the base of WithBase.
type hooked struct {
	Connector
	beneath hidden
}

// Wrap returns the RoundTripper of the Connector over the hooks and base.
func (h *hooked) Wrap(base http.RoundTripper) http.RoundTripper {
	return h.Connector.Wrap(h.beneath.wrap(base))
}

// noScheme adds nothing.
type noScheme struct{}

func (noScheme) authenticate(*http.Request, room) (credential, error) { return new(fixed), nil }
func (noScheme) places() places                                       { return places{} }

// exchanges are one exchange, as each of several hooks sees the exchange.
type exchanges struct {
	hooks []hook
	seen  []Exchange // by each of hooks
	sent  credential // what the request carries; may be nil
}

// runBefore runs the hooks before the request out, which carries sent. room is for the
// result.
func runBefore(hooks []hook, room []Exchange, out *http.Request, sent credential) (exchanges, error) {
	host := out.URL.Host
	x := exchanges{hooks, room, sent}
	if len(hooks) > len(room) {
		x.seen = make([]Exchange, len(hooks))
	}
	for i := range x.seen {
		e := &x.seen[i]
		e.Request = out
		if sent != nil {
			e.Auth = sent.auth(hooks[i].part)
		}
		if err := runHook("the hook before the request", hooks[i].BeforeRequest, e); err != nil {
			return exchanges{}, withhold(err, secrets(sent)...)
		}
		if e.unreadable != nil {
			return exchanges{}, e.unreadable
		}
	}
	return x, complete(out, host)
}

// withoutBody returns a copy of resp for foreign code to look at, and to keep: the
// body and the request of resp are the caller's. The copy has no trailers: the caller may
// set those of the request at the same time, while the base sends the rest of the body.
func withoutBody(resp *http.Response) *http.Response {
	seen, req := *resp, *resp.Request
	req.Body, req.GetBody, req.Trailer = nil, nil, nil
	seen.Header, seen.Trailer, seen.Body = resp.Header.Clone(), nil, http.NoBody
	seen.Request = req.Clone(context.Background())
	return &seen
}

// complete checks a request that foreign code has changed, writes the host in ASCII,
// and lets the Host header follow a changed URL, unless the request has a Host of its
// own. host is the host of the URL before the change.
func complete(req *http.Request, host string) error {
	if req.URL == nil || req.Header == nil {
		return errors.New("connectorauth: a hook or function took the URL or the header away")
	}
	if req.URL.Host != host && req.Host == host {
		req.Host = ""
	}
	origin.ASCII(req)
	return nil
}

// after runs the hooks after resp.
func (x exchanges) after(resp *http.Response) error {
	req := resp.Request
	for i := range x.seen {
		if x.hooks[i].AfterResponse == nil {
			continue
		}
		e := &x.seen[i]
		e.Response = resp
		resp.Request = e.Request // req is the caller's
		err := runHook("the hook after the response", x.hooks[i].AfterResponse, e)
		resp.Request = req
		if resp.Body == nil {
			resp.Body = http.NoBody
		}
		if err != nil {
			return withhold(err, secrets(x.sent)...)
		}
	}
	return nil
}

// runHook calls hook, which may be nil. name is for errors.
func runHook[E any](name string, hook func(E) error, e E) (err error) {
	if hook == nil {
		return nil
	}
	return foreign(name, func() error {
		if err := hook(e); err != nil {
			return fmt.Errorf("connectorauth: %s: %w", name, err)
		}
		return nil
	})
}

// foreign calls f, which is the importer's code, and turns a panic into an error.
// The panic value may contain a secret. An error that quotes one of the secrets, in
// any spelling, is withheld.
func foreign(what string, f func() error, secrets ...string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("connectorauth: panic of type %T in %s", p, what)
		}
	}()
	return withhold(f(), secrets...)
}

// withhold returns err, or an error with another text if err quotes a secret in any
// spelling, or a part of a secret.
func withhold(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	secrets = slices.Clone(secrets) // a clone keeps secrets off the heap of calls without an error
	return scrub.Withhold(err, append(scrub.Spellings(secrets...), scrub.Part(err.Error(), secrets...))...)
}
