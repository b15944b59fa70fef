package connectorauth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
)

// CustomConfig is a way of authenticating that the other connectors do not
// cover, written in Go.
type CustomConfig struct {
	// Authenticate adds the credentials to a request. Required. The request is a
	// copy whose URL and header may be changed; to change the body, replace
	// it together with ContentLength and GetBody, and close the former one. A
	// changed URL must stay on the origin of the request, or within Hosts. It is
	// called once for each time a request is sent, from several goroutines.
	Authenticate func(*http.Request) error
	// Renew is called when the API answered rejected with 401; afterwards the
	// request is authenticated and sent once more, if its body can be. However
	// many requests are rejected, it runs once at a time and once for the requests
	// that were authenticated before. The context is bounded and outlives the
	// caller's. An error that matches [ErrReauthRequired] is returned to the
	// callers, for a minute without another call; after another one they get the
	// API's 401. Empty means that a rejection is final.
	Renew func(ctx context.Context, rejected *http.Request) error
	// Hosts are the places that may see the credentials: see [APIKeyConfig].
	Hosts []string
}

// NewCustom returns a connector made of functions. It keeps them to the same
// rules as all others: they see no request to a foreign host and no redirect
// that has left, and they work on a copy of the caller's request.
func NewCustom(config CustomConfig) (Connector, error) {
	var missing error
	if config.Authenticate == nil {
		missing = errors.New("Authenticate: is required")
	}
	fixed := &customScheme{config.Authenticate}
	var s scheme = fixed
	if config.Renew != nil {
		renewing := &renewingCustom{customScheme: fixed, renew: config.Renew}
		renewing.engine = renew.New(renewing, nil, "", 0)
		renewing.engine.Set(context.Background(), &struct{}{}) // in memory: cannot fail
		s = renewing
	}
	g, err := newGuarded(s, "", config.Hosts)
	if err := configError("CustomConfig", missing, err); err != nil {
		return nil, err
	}
	return &custom{g}, nil
}

type custom struct{ *guarded }

func (*custom) AuthType() AuthType { return AuthTypeCustom }

// customScheme authenticates by the importer's function.
type customScheme struct {
	add func(*http.Request) error
}

func (c *customScheme) authenticate(req *http.Request) (sent any, err error) {
	u, host := *req.URL, req.URL.Host
	req.URL = &u
	req.Header = req.Header.Clone()
	if err := c.add(req); err != nil {
		return nil, err
	}
	if req.URL.Host != host && req.Host == host {
		req.Host = "" // the one in the URL
	}
	return nil, nil
}

// renewingCustom is a customScheme that has a Renew function too. Its engine
// keeps no value: a generation only says which renewal a request came after.
type renewingCustom struct {
	*customScheme
	renew  func(ctx context.Context, rejected *http.Request) error
	engine *renew.Engine[struct{}]
}

// customSent is what a request carried, and the request itself for Renew.
type customSent struct {
	generation *renew.Generation[struct{}]
	request    *http.Request
}

// rejectedKey is the context key of the request that Renew is told about.
type rejectedKey struct{}

func (c *renewingCustom) authenticate(req *http.Request) (sent any, err error) {
	g, err := c.engine.Get(req.Context())
	if err != nil {
		return nil, err
	}
	_, err = c.customScheme.authenticate(req)
	return customSent{g, req}, err
}

func (c *renewingCustom) rejected(resp *http.Response) bool {
	return resp.StatusCode == http.StatusUnauthorized
}

func (c *renewingCustom) replace(ctx context.Context, sent any) error {
	s := sent.(customSent)
	_, err := c.engine.Replace(context.WithValue(ctx, rejectedKey{}, s.request), s.generation)
	return err
}

func (c *renewingCustom) renewLater(ctx context.Context, sent any) {
	s := sent.(customSent)
	c.engine.Renew(context.WithValue(ctx, rejectedKey{}, s.request), s.generation)
}

func (c *renewingCustom) contest(sent any) { c.engine.Contest(sent.(customSent).generation) }

// The methods of renew.Scheme.

func (c *renewingCustom) Renew(ctx context.Context, old *struct{}) (*struct{}, error) {
	if err := c.renew(ctx, ctx.Value(rejectedKey{}).(*http.Request)); err != nil {
		return nil, err
	}
	return &struct{}{}, nil
}

// Verdict never says Dead: only Authenticate sees when the account owner has
// been back, so that Renew has to be asked again some time.
func (c *renewingCustom) Verdict(err error) renew.Verdict {
	if errors.Is(err, ErrReauthRequired) {
		return renew.Verdict{Kind: renew.Refused}
	}
	return renew.Verdict{}
}

func (*renewingCustom) Expiry(*struct{}) (issued, expiry time.Time) { return }
func (*renewingCustom) Encode(*struct{}) ([]byte, error)            { return nil, nil }
func (*renewingCustom) Decode([]byte) (*struct{}, error)            { return nil, nil }
func (*renewingCustom) Observe(renew.Event[struct{}])               {}
