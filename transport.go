package connectorauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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

// A renewal is a scheme whose credentials can be replaced after a rejection.
type renewal interface {
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
	if err != nil || t.renewal == nil || !t.renewal.rejected(resp) {
		return resp, err
	}
	return t.replay(req, resp, sent)
}

// send sends a copy of req with the given body and the credentials added, and
// returns what it carried.
func (t *transport) send(req *http.Request, body io.ReadCloser) (resp *http.Response, sent any, err error) {
	out := new(http.Request)
	*out = *req
	out.Body = body
	out.Header = copyHeader(req.Header, t.header)
	if sent, err = t.scheme.authenticate(out); err != nil {
		closeBody(out.Body)
		return nil, nil, err
	}
	if out.URL != req.URL {
		if err := t.hosts.Allows(out.URL, req.URL); err != nil {
			closeBody(out.Body)
			return nil, nil, fmt.Errorf("%w: %w", ErrHostNotAllowed, err)
		}
	}
	resp, err = t.exchange(req, out)
	if err == nil && t.receiver != nil {
		err = t.receiver.receive(resp)
	}
	return resp, sent, err
}

// exchange sends out through the base. The response answers req, the caller's
// request: through its own copy, an injected query parameter would leak.
func (t *transport) exchange(req, out *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(out)
	if err != nil {
		return nil, hideURL(err, req, out)
	}
	resp.Request = req
	return resp, nil
}

// replay answers a rejected request with that of a second attempt, if another
// credential is to be had and the body can be sent again.
func (t *transport) replay(req *http.Request, rejected *http.Response, sent any) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		t.renewal.renewLater(req.Context(), sent) // for the requests to come
		return rejected, nil
	}
	if err := t.renewal.replace(req.Context(), sent); err != nil {
		if req.Context().Err() == nil && !isFinal(err) {
			return rejected, nil
		}
		discard(rejected)
		return nil, err
	}
	var body io.ReadCloser
	if req.GetBody != nil {
		var err error
		if body, err = req.GetBody(); err != nil {
			return rejected, nil
		}
	}
	discard(rejected)
	resp, sent, err := t.send(req, body)
	if err == nil && t.renewal.rejected(resp) {
		t.renewal.contest(sent)
	}
	return resp, err
}

// CloseIdleConnections closes those of the base, as http.Client's method of
// that name expects.
func (t *transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// copyHeader copies h without the header called except, however it is cased,
// and leaves room for one more. The values are shared.
func copyHeader(h http.Header, except string) http.Header {
	out := make(http.Header, len(h)+1)
	for name, values := range h {
		if len(name) != len(except) || !strings.EqualFold(name, except) {
			out[name] = values
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
	io.CopyN(io.Discard, resp.Body, 4<<10)
	resp.Body.Close()
}

// hideURL puts the caller's URL into an error of a base that names the URL with
// the credentials.
func hideURL(err error, req, out *http.Request) error {
	wrapped := (*url.Error)(nil)
	if out.URL == req.URL || !errors.As(err, &wrapped) {
		return err
	}
	return &url.Error{Op: wrapped.Op, URL: req.URL.Redacted(), Err: wrapped.Err}
}
