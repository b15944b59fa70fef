package connectorauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/connectorauth/connectorauth/internal/origin"
)

// A scheme adds one account's credentials to requests.
type scheme interface {
	// authenticate adds the credentials to req, a private copy: its URL may be
	// replaced but not changed, and its header map is its own, though not the
	// values in it. The copy's body is the caller's; a scheme that closes it puts
	// another in its place or none. It returns what the request carries, for
	// renewal.
	authenticate(req *http.Request) (sent any, err error)
}

// A renewable is a scheme whose credentials can be replaced after a rejection.
type renewable interface {
	scheme
	// rejected reports whether resp says that the credential is no longer good.
	rejected(resp *http.Response) bool
	// replace returns nil once requests carry another credential than sent.
	replace(ctx context.Context, sent any) error
	// renewLater starts to replace sent without waiting for it.
	renewLater(ctx context.Context, sent any)
	// contest notes that sent, which replace had just got, was rejected too.
	contest(sent any)
}

// A refusalWatcher is what authenticate returned, if it wants to see a refusal of
// the request that carries it.
type refusalWatcher interface {
	answered(resp *http.Response)
}

// A receiver is a scheme that looks at responses before the caller does. On an
// error it has closed the body.
type receiver interface {
	receive(resp *http.Response) error
}

// transport is the one RoundTripper of the library: it decides whether the
// credentials may go out, has the scheme add them to a private copy of the
// request, and replays a request whose credential was rejected.
type transport struct {
	*guarded
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper. It never modifies req, and closes its
// body on every path.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	switch reach, err := t.hosts.Check(req); reach {
	case origin.Refused:
		closeBody(req.Body)
		return nil, fmt.Errorf("%w: %w", ErrHostNotAllowed, err)
	case origin.Bare:
		return t.exchange(req, req)
	}
	resp, sent, err := t.send(req, req.Body)
	if resp == nil || !t.rejected(resp, err) {
		return settle(resp, err)
	}
	return t.replay(req, resp, err, sent)
}

// rejected reports whether another credential may help a request that got resp,
// of which a hook said err.
func (t *transport) rejected(resp *http.Response, err error) bool {
	return t.renewal != nil && (t.renewal.rejected(resp) || err != nil && errors.Is(err, ErrCredentialRejected))
}

// settle returns what the caller is to see of a response, of which a hook said err.
func settle(resp *http.Response, err error) (*http.Response, error) {
	if resp != nil && err != nil {
		discard(resp)
		return nil, err
	}
	return resp, err
}

// send sends a copy of req with the given body and the credentials added, and
// returns what it carried. An error together with a response is what a hook said
// of it.
func (t *transport) send(req *http.Request, body io.ReadCloser) (resp *http.Response, sent any, err error) {
	out := new(http.Request)
	*out = *req
	out.Body = body
	out.Header = copyHeader(req.Header, t.header)
	if sent, err = t.scheme.authenticate(out); err != nil {
		closeBody(out.Body)
		return nil, nil, err
	}
	var seen exchanges
	if t.hooks != nil {
		if seen, err = t.before(out, sent); err != nil {
			closeBody(out.Body)
			return nil, nil, err
		}
	}
	if out.URL != req.URL {
		if err := t.hosts.Allows(out.URL, req.URL); err != nil {
			closeBody(out.Body)
			return nil, nil, fmt.Errorf("%w: %w", ErrHostNotAllowed, err)
		}
	}
	if resp, err = t.exchange(req, out); err != nil {
		return nil, nil, err
	}
	if resp.StatusCode >= 400 {
		if sent, ok := sent.(refusalWatcher); ok {
			sent.answered(resp)
		}
	}
	if seen != nil {
		if err = seen.after(resp); err != nil {
			return resp, sent, err
		}
	}
	if t.receiver != nil {
		if err = t.receiver.receive(resp); err != nil {
			return nil, nil, err
		}
	}
	return resp, sent, nil
}

// exchange sends out through the base. The response answers req, the caller's
// request: through its own copy, an injected query parameter would leak.
func (t *transport) exchange(req, out *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(out)
	switch {
	case err != nil:
		return nil, hideURL(err, req.URL, out.URL)
	case resp == nil:
		return nil, errors.New("connectorauth: the base RoundTripper returned neither a response nor an error")
	case resp.Body == nil: // http.Client forgives that too
		resp.Body = http.NoBody
	}
	resp.Request = req
	if out.URL != req.URL && resp.Header.Get("Location") != "" {
		hideEcho(resp.Header, injected(req.URL, out.URL))
	}
	return resp, nil
}

// replay answers a rejected request with that of a second attempt, if another
// credential is to be had and the body can be sent again. why is what a hook said
// of the response.
func (t *transport) replay(req *http.Request, rejected *http.Response, why error, sent any) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		t.renewal.renewLater(req.Context(), sent) // for the requests to come
		return settle(rejected, why)
	}
	if err := t.renewal.replace(req.Context(), sent); err != nil {
		if req.Context().Err() == nil && !isFinal(err) {
			return settle(rejected, why)
		}
		discard(rejected)
		return nil, err
	}
	var body io.ReadCloser
	if req.GetBody != nil {
		var err error
		if body, err = req.GetBody(); err != nil {
			return settle(rejected, why)
		}
	}
	discard(rejected)
	resp, sent, err := t.send(req, body)
	if resp != nil && t.rejected(resp, err) {
		t.renewal.contest(sent)
	}
	return settle(resp, err)
}

// CloseIdleConnections closes those of the base, as http.Client's method of
// that name expects.
func (t *transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// copyHeader copies h without the header called except, however it is cased. The
// values are shared.
func copyHeader(h http.Header, except string) http.Header {
	out := maps.Clone(h) // faster than element by element
	if out == nil {
		return make(http.Header, 1)
	}
	for name := range h {
		if len(name) == len(except) && strings.EqualFold(name, except) {
			delete(out, name)
		}
	}
	return out
}

// isFinal reports whether trying again is of no use.
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

// discard ends a response that nobody will see, reading a short body so that
// the connection can be used again.
func discard(resp *http.Response) {
	if resp.StatusCode == http.StatusSwitchingProtocols { // what follows is no body, and may never end
		resp.Body.Close()
		return
	}
	io.CopyN(io.Discard, resp.Body, 4<<10)
	resp.Body.Close()
}

// peek returns the first bytes of a response's body, most at the most, and the
// error of reading them. To the caller the body is whole all the same.
func peek(resp *http.Response, most int64) (head []byte, err error) {
	head, err = io.ReadAll(io.LimitReader(resp.Body, most))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failing{err}
	}
	resp.Body = putBack{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
	return head, err
}

// putBack is a body of which the beginning was read.
type putBack struct {
	io.Reader
	io.Closer
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
