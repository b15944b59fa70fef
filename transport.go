package connectorauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// A scheme adds the credentials of an account to requests.
type scheme interface {
	// authenticate adds the credential to req, and returns the credential. req is a
	// private copy. The URL may be replaced, not changed. The header map is a copy;
	// the values in the map are shared and must not be changed. The body is the
	// caller's: a scheme either keeps the body, or closes it and sets another. room is
	// for what the scheme adds.
	authenticate(req *http.Request, room room) (credential, error)
	// places returns where the credential goes. Join compares the places.
	places() places
}

// A credential is what one request carries.
type credential interface {
	// auth returns the credential as hooks see it. part counts the connectors of a
	// Join from 0; other credentials ignore part.
	auth(part int) Secret
	// rejected reports whether resp rejects the credential. rejected sees every
	// response.
	rejected(resp *http.Response) bool
	// replace returns nil once requests carry another credential.
	replace(ctx context.Context) error
	// replaceLater starts replace and does not wait for the outcome. An error says
	// why nothing was started.
	replaceLater(ctx context.Context) error
	// rejectedAgain notes that the credential was rejected right after its renewal,
	// and returns why there is no other credential for now, or nil.
	rejectedAgain() error
}

// fixed is a credential without a renewal.
type fixed struct{ secret Secret } // as hooks see the credential

// composed is a fixed credential with secrets in it, which no error shows.
type composed struct {
	fixed
	parts []string
}

// errNotRenewable is the error of a credential without a renewal. With OAuth1, the
// store may get another token later.
var errNotRenewable = errors.New("connectorauth: this credential cannot be renewed")

// errSentOnce is why a rejected request is not sent again.
var errSentOnce = errors.New("connectorauth: the credential was rejected, and the body of the request cannot be sent again; the credential is being renewed for later requests")

func (f *fixed) auth(int) Secret                  { return f.secret }
func (*fixed) rejected(*http.Response) bool       { return false }
func (*fixed) replace(context.Context) error      { return errNotRenewable }
func (*fixed) replaceLater(context.Context) error { return errNotRenewable }
func (*fixed) rejectedAgain() error               { return nil }

// core is the part that all connectors of this package have in common.
type core struct {
	scheme scheme
	hosts  origin.Set // where the credential may go
	header string     // the name of the header that scheme sets, as the header goes out, or empty
	hooks  []hook
}

// newCore returns the core of a connector.
func newCore(s scheme, hosts origin.Set) hidden {
	return (&core{scheme: s, hosts: hosts, header: s.places().header}).hide()
}

// hidden leads to the core of a connector. A program that walks memory by
// reflection, as the diffs of testify do, finds the address of a function, and
// nothing behind the address.
type hidden func() *core

func (c *core) hide() hidden { return func() *core { return c } }

// get returns the core, or nil for a connector that no constructor has made.
func (h hidden) get() *core {
	if h == nil {
		return nil
	}
	return h()
}

// parseHosts reads the Hosts of a config.
func parseHosts(problems *check.List, hosts []string) origin.Set {
	set, err := origin.Parse(hosts)
	problems.Field("Hosts", err)
	return set
}

// wrap returns the RoundTripper of a connector.
func (h hidden) wrap(base http.RoundTripper) http.RoundTripper {
	t := &transport{core: h}
	if c := h.get(); c != nil {
		t.hooks = slices.DeleteFunc(slices.Clone(c.hooks), func(h hook) bool { return !h.sees() })
		t.open, t.exact, t.alter = len(t.hooks) > 0 || isOpen(c.scheme), c.isExact(), c.scheme.places().alter
		_, t.signs = c.scheme.(*oauth1Scheme)
		base = c.through(base)
		if s, ok := c.scheme.(connecting); ok && s.transport() != nil {
			t.own = c.through(s.transport())
		}
	}
	if t.base = base; base == nil {
		t.base = http.DefaultTransport
	}
	return t
}

// connecting is a scheme that may have a transport for requests with credentials.
type connecting interface{ transport() http.RoundTripper }

// transport is the one RoundTripper of the library. It decides whether the
// credential may go out, lets the scheme add the credential to a private copy of
// the request, and sends a request with a rejected credential once more.
type transport struct {
	core  hidden
	base  http.RoundTripper
	own   http.RoundTripper // sends requests with credentials; nil: base
	hooks []hook            // that see messages
	open  bool              // code of the program may change requests
	exact bool              // the name of a header is not the canonical name
	alter bool              // the credential goes into the URL or into the body
	signs bool              // OAuth1 signs the requests
}

// RoundTrip implements http.RoundTripper. RoundTrip never modifies req, and closes
// the body on every path.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c := t.core()
	switch reach, err := c.reach(req); reach {
	case origin.Refused:
		closeBody(req.Body)
		return nil, err
	case origin.WithoutCredentials:
		return t.exchange(req, req, nil)
	}
	resp, sent, err := t.send(c, req, req.Body)
	if resp == nil || !isRejected(sent, resp, err) {
		return settle(resp, err)
	}
	return t.replay(req, resp, err, sent, false)
}

// isRejected reports whether another credential may help a request with the
// response resp. hookErr is the error of a hook that saw resp.
func isRejected(sent credential, resp *http.Response, hookErr error) bool {
	return sent.rejected(resp) || hookErr != nil && errors.Is(hookErr, ErrCredentialRejected)
}

// settle returns what the caller gets: resp, or the error of a hook that saw resp.
func settle(resp *http.Response, hookErr error) (*http.Response, error) {
	if resp != nil && hookErr != nil {
		discard(resp)
		return nil, hookErr
	}
	return resp, hookErr
}

// send sends a copy of req with body and the credential, and returns the
// credential. An error together with a response comes from a hook that saw the
// response.
func (t *transport) send(c *core, req *http.Request, body io.ReadCloser) (resp *http.Response, sent credential, err error) {
	out, room, seen := t.private(req, c.header)
	out.Body = body
	origin.ASCII(out)
	if sent, err = c.scheme.authenticate(out, room); err != nil {
		closeBody(out.Body)
		return nil, nil, err
	}
	var hooked exchanges
	if len(t.hooks) > 0 && !endpoint.IsUnhooked(req.Context()) {
		if hooked, err = runBefore(t.hooks, seen, out, sent); err != nil {
			closeBody(out.Body)
			return nil, nil, err
		}
	}
	if t.open {
		if err = prove(out, sent); err != nil {
			closeBody(out.Body)
			return nil, nil, err
		}
	}
	if out.URL != req.URL && (t.open || isElsewhere(out.URL, req.URL)) {
		if err := c.hosts.Allows(out.URL, req.URL); err != nil {
			closeBody(out.Body)
			return nil, nil, fmt.Errorf("%w: %w", ErrHostNotAllowed, err)
		}
	}
	if len(c.hooks) > 0 {
		if err := c.narrow(req.Context(), out.URL); err != nil { // which a renewal may have changed since
			closeBody(out.Body)
			return nil, nil, err
		}
	}
	origin.Resolve(out)
	if t.exact {
		out = c.respelled(out) // a copy, because hooks keep theirs
	}
	if resp, err = t.exchange(req, out, sent); err != nil {
		return nil, nil, err
	}
	if len(hooked.seen) > 0 { // a call copies hooked
		err = hooked.after(resp)
	}
	return resp, sent, err
}

// exchange sends out, which carries sent, through the base. The Request of the
// response is req, the caller's request: out would show an injected query parameter.
func (t *transport) exchange(req, out *http.Request, sent credential) (*http.Response, error) {
	base := t.base
	if sent != nil && t.own != nil {
		base = t.own
	}
	resp, err := base.RoundTrip(out)
	switch {
	case err != nil:
		return nil, scrub.Error(err, req.URL, out.URL, secrets(sent)...)
	case resp == nil:
		return nil, errors.New("connectorauth: the base RoundTripper returned neither a response nor an error")
	case resp.Body == nil: // http.Client accepts this too
		resp.Body = http.NoBody
	}
	resp.Request = req
	if out.URL != req.URL && resp.Header["Location"] != nil {
		if err := scrub.Redirect(resp.Header, req.URL, out.URL, secrets(sent)...); err != nil && resp.StatusCode/100 == 3 {
			discard(resp)
			return nil, err
		}
	}
	return resp, nil
}

// secrets returns what no error shows of c, which may be nil: what hooks see, and
// the parts. The parts of a Join are credentials of their own.
func secrets(c credential) (list []string) {
	switch c := c.(type) {
	case nil:
		return nil
	case *joinedCredential:
		for _, part := range c.parts {
			list = append(list, secrets(part)...)
		}
		return list
	case *composed:
		list = c.parts
	case *customCredential:
		return c.secrets()
	}
	return append(slices.Clip(list), string(c.auth(0)))
}

// replay sends a request once more after the rejection of its credential, if there
// is another credential and the body can be sent again. Otherwise the caller gets
// the rejection. hookErr is the error of a hook that saw the rejection. A request whose
// proof of possession was rejected before, and whose token is rejected now, or the other
// way round, is sent for the last time.
func (t *transport) replay(req *http.Request, rejected *http.Response, hookErr error, sent credential, last bool) (*http.Response, error) {
	if err := refused(sent, rejected); err != nil {
		discard(rejected)
		return nil, err
	}
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return unrenewed(rejected, hookErr, cmp.Or(sent.replaceLater(req.Context()), errSentOnce))
	}
	if err := sent.replace(req.Context()); err != nil {
		if req.Context().Err() == nil && !isFinal(err) {
			return unrenewed(rejected, hookErr, err)
		}
		discard(rejected)
		return nil, err
	}
	var body io.ReadCloser
	if req.GetBody != nil {
		var err error
		if body, err = req.GetBody(); err != nil {
			return unrenewed(rejected, hookErr, fmt.Errorf("connectorauth: the credential was rejected, and the body of the request cannot be sent again: %w", err))
		}
	}
	discard(rejected)
	resp, again, err := t.send(t.core(), req, body)
	switch {
	case resp == nil || !isRejected(again, resp, err):
		return settle(resp, err)
	case !last && asksProof(again) != asksProof(sent), refused(again, resp) != nil:
		return t.replay(req, resp, err, again, true)
	}
	return unrenewed(resp, err, again.rejectedAgain())
}

// Format prints the same for every verb: the base may hold secrets of its own.
func (transport) Format(f fmt.State, _ rune) { io.WriteString(f, "connectorauth.transport") }

// CloseIdleConnections closes the idle connections of the base, for the method of
// http.Client with the same name.
func (t *transport) CloseIdleConnections() {
	for _, base := range []http.RoundTripper{t.base, t.own} {
		if base, ok := base.(interface{ CloseIdleConnections() }); ok {
			base.CloseIdleConnections()
		}
	}
}

// isFinal reports whether trying again is useless.
func isFinal(err error) bool {
	if errors.Is(err, ErrReauthRequired) {
		return true
	}
	var failed *TokenError
	return errors.As(err, &failed) && !failed.Temporary()
}

func closeBody(body io.Closer) {
	if body != nil {
		body.Close()
	}
}

// discard ends a response that nobody will see.
func discard(resp *http.Response) { wire.Discard(resp) }
