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
	"strings"

	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// Hooks are functions that see a connector's messages and may change them: the
// way to an API that needs more than its auth type. Empty ones are left out. They
// are called from several goroutines. An error, or a panic, ends the request.
//
// Hooks are as trusted as the connector: they see its credentials. They are kept
// to the same rules, too. They do not run for a request that does not get the
// credentials, and a URL they change must stay on the origin of the request, or
// within Hosts.
type Hooks struct {
	// BeforeRequest is called with each request right before it is sent, replays
	// included, credentials in their place. What OAuth1 signed must stay as it is:
	// method, URL and form body.
	BeforeRequest func(*Exchange) error
	// AfterResponse is called with each response to those, the rejections that
	// renewal is about to mend included. An error reaches the caller instead of the
	// response; one that matches [ErrCredentialRejected] first makes the connector
	// renew its credential and send the request once more.
	AfterResponse func(*Exchange) error

	// The others are called by [OAuth2] only.

	// BeforeAuthorize is called by Begin with the URL that the browser is to be
	// sent to. It may change the query, other than what protects the consent:
	// state, redirect_uri and the code challenge.
	BeforeAuthorize func(ctx context.Context, u *url.URL) error
	// BeforeToken is called with each token request right before it is sent, and
	// AfterToken with its answer before it is read, whatever its status. Those that
	// carry a refresh token are for BeforeRefresh and AfterRefresh instead.
	BeforeToken, AfterToken, BeforeRefresh, AfterRefresh func(*Exchange) error
}

// An Exchange is one request and its response, as hooks see them. It is theirs
// until the last of them returns.
type Exchange struct {
	// Request is a private copy of the caller's request as it is sent. Change it in
	// place, and its body by SetRequestBody.
	Request *http.Request
	// Response is the answer; nil before it has come. Change it in place, and its
	// body by SetResponseBody.
	Response *http.Response
	// Auth is the credential that Request carries: the key of an [APIKey], user
	// name and password of a [Basic] connector in the base64 form they are sent in,
	// the access token of an [OAuth2] one. Empty with others and in token requests.
	Auth Secret
	// Data is for the hooks themselves: what the one before the request leaves here,
	// the one after it finds.
	Data any

	unreadable error // of the request's body, which is gone
}

// RequestBody returns the body of the request, which is sent all the same. A
// body longer than limit, in bytes, is an error, with which the request fails
// even if the hook does not. The result must not be modified.
func (e *Exchange) RequestBody(limit int64) ([]byte, error) {
	if e.unreadable != nil {
		return nil, e.unreadable
	}
	body, err := inject.ReadBody(e.Request, limit)
	if err != nil {
		e.unreadable = fmt.Errorf("connectorauth: a hook reads the body: %w", err)
	}
	return body, e.unreadable
}

// SetRequestBody replaces the body of the request; empty means none. ContentLength
// and GetBody follow; Content-Type stays as it is. body must not be modified
// afterwards.
func (e *Exchange) SetRequestBody(body []byte) {
	closeBody(e.Request.Body)
	inject.SetBody(e.Request, body)
	e.unreadable = nil
}

// ResponseBody returns the body of the response, which the caller gets to read
// all the same. A body longer than limit, in bytes, is an error.
func (e *Exchange) ResponseBody(limit int64) ([]byte, error) {
	resp := e.Response
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, errors.New("connectorauth: a hook cannot read the stream that follows status 101")
	}
	limit = min(limit, math.MaxInt64-1)
	body, err := peek(resp, limit+1)
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

// WithHooks returns a connector like c whose messages pass through h too, after
// the hooks that c has already. The connectors of this package keep their type:
// that of an *OAuth2 is an *OAuth2, for Begin and Finish. It has the same token
// as c, renewed once for both; use it in place of c where the hooks matter.
//
// The hooks of another type of Connector run beneath it: on what its RoundTripper
// sends, within the origin of the first request of a redirect chain, https unless
// on loopback. They cannot make it renew.
func WithHooks(c Connector, h Hooks) Connector {
	switch c := c.(type) {
	case *APIKey:
		return &APIKey{c.with(h)}
	case *Basic:
		return &Basic{c.with(h)}
	case *AuthFields:
		return &AuthFields{c.with(h), c.fields}
	case *OAuth1:
		return &OAuth1{c.with(h), c.s}
	case *OAuth2:
		g := c.with(h)
		hooked := hookedOAuth2{c.s, g.hooks}
		g.scheme, g.renewal = hooked, hooked
		return &OAuth2{g, c.s}
	case *custom:
		return &custom{c.with(h)}
	case *hookedConnector:
		return &hookedConnector{c.Connector, c.beneath.with(h)}
	}
	return &hookedConnector{c, (&guarded{scheme: noScheme{}}).with(h)}
}

// with returns a copy of g that has h too.
func (g *guarded) with(h Hooks) *guarded {
	hooked := *g
	hooked.hooks = append(slices.Clip(g.hooks), h)
	return &hooked
}

// hookedConnector is a Connector that may be anything, over hooks.
type hookedConnector struct {
	Connector
	beneath *guarded
}

func (h *hookedConnector) Wrap(base http.RoundTripper) http.RoundTripper {
	return h.Connector.Wrap(h.beneath.Wrap(base))
}

// noScheme adds nothing.
type noScheme struct{}

func (noScheme) authenticate(*http.Request) (sent any, err error) { return nil, nil }

// exchanges are what each of the hooks sees of the one exchange that there is.
type exchanges []hookedExchange

type hookedExchange struct {
	Exchange
	hooks *Hooks
}

// before runs the hooks on out, which carries sent.
func (g *guarded) before(out *http.Request, sent any) (exchanges, error) {
	u, host := *out.URL, out.URL.Host
	out.URL, out.Header = &u, out.Header.Clone()
	auth := g.auth
	if g, ok := sent.(*renew.Generation[token]); ok {
		auth = Secret(g.Value.Access)
	}
	seen := make(exchanges, len(g.hooks))
	for i := range seen {
		e := &seen[i]
		e.hooks, e.Request, e.Auth = &g.hooks[i], out, auth
		if err := runHook("before the request", e.hooks.BeforeRequest, &e.Exchange); err != nil {
			return nil, err
		}
		if e.unreadable != nil {
			return nil, e.unreadable
		}
	}
	switch {
	case out.URL == nil || out.Header == nil:
		return nil, errors.New("connectorauth: a hook took the URL or the header away")
	case out.URL.Host != host && out.Host == host:
		out.Host = "" // the one in the URL
	}
	return seen, nil
}

// after runs the hooks on resp.
func (x exchanges) after(resp *http.Response) error {
	req := resp.Request
	for i := range x {
		e := &x[i]
		e.Response = resp
		err := runHook("after the response", e.hooks.AfterResponse, &e.Exchange)
		resp.Request = req
		if resp.Body == nil {
			resp.Body = http.NoBody
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// runHook calls hook, which may be nil.
func runHook[E any](when string, hook func(E) error, e E) (err error) {
	if hook == nil {
		return nil
	}
	defer func() {
		if p := recover(); p != nil { // what p says may hold a secret
			err = fmt.Errorf("connectorauth: panic of type %T in the hook %s", p, when)
		}
	}()
	if err := hook(e); err != nil {
		return fmt.Errorf("connectorauth: the hook %s: %w", when, err)
	}
	return nil
}

// hookedOAuth2 is an oauth2Scheme that renews with hooks. They travel in the
// context, because all connectors of an account share one engine.
type hookedOAuth2 struct {
	*oauth2Scheme
	hooks []Hooks
}

func (h hookedOAuth2) authenticate(req *http.Request) (sent any, err error) {
	return h.add(h.withHooks(req.Context(), h.hooks), req)
}

func (h hookedOAuth2) replace(ctx context.Context, sent any) error {
	return h.oauth2Scheme.replace(h.withHooks(ctx, h.hooks), sent)
}

func (h hookedOAuth2) renewLater(ctx context.Context, sent any) {
	h.oauth2Scheme.renewLater(h.withHooks(ctx, h.hooks), sent)
}

// hooksKey is the context key of the hooks of one scheme's token requests.
type hooksKey struct{ *oauth2Scheme }

func (s *oauth2Scheme) withHooks(ctx context.Context, hooks []Hooks) context.Context {
	if hooks == nil {
		return ctx
	}
	return context.WithValue(ctx, hooksKey{s}, hooks)
}

// tokenHooks returns the hooks in ctx as those of one token request with the
// parameters of form.
func (s *oauth2Scheme) tokenHooks(ctx context.Context, form url.Values) (list []Hooks) {
	hooks, _ := ctx.Value(hooksKey{s}).([]Hooks)
	for _, h := range hooks {
		before, after := h.BeforeToken, h.AfterToken
		if form.Has("refresh_token") {
			before, after = h.BeforeRefresh, h.AfterRefresh
		}
		list = append(list, Hooks{AfterResponse: after, BeforeRequest: func(e *Exchange) error {
			if before == nil {
				return nil
			}
			err := before(e)
			// net/http would repeat some requests by itself if its connection fails, and
			// what this one carries may serve once only.
			if e.Request.GetBody = nil; e.Request.Body == nil || e.Request.Body == http.NoBody {
				e.Request.Body = io.NopCloser(strings.NewReader(""))
			}
			return err
		}})
	}
	return list
}

// authorizeHooks runs the hooks on the URL that Begin returns.
func (c *OAuth2) authorizeHooks(ctx context.Context, authURL string) (string, error) {
	asked, err := url.Parse(authURL)
	if err != nil {
		return "", err
	}
	u := *asked
	for i := range c.hooks {
		if hook := c.hooks[i].BeforeAuthorize; hook != nil {
			if err := runHook("before the authorization", func(u *url.URL) error { return hook(ctx, u) }, &u); err != nil {
				return "", err
			}
		}
	}
	before, after := asked.Query(), u.Query()
	for _, name := range sentNames([]string{"state", "redirect_uri", "code_challenge", "code_challenge_method"}, c.s.dialect.AuthNames) {
		if !slices.Equal(before[name], after[name]) {
			return "", fmt.Errorf("connectorauth: a hook changed the parameter %s, which protects the consent", name)
		}
	}
	if !origin.Same(&u, asked) || u.User != nil || u.Opaque != "" {
		return "", errors.New("connectorauth: a hook changed where the account owner is sent to")
	}
	return u.String(), nil
}
