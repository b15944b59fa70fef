package discovery

import (
	"context"
	"net/http"

	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// Challenge asks an API what the API wants of clients without a token: one GET request to the
// URL resource, without credentials. The response is for [Finder.Resource]. The body is not read,
// because an API may respond with a stream without an end. Challenge follows no redirect, and
// returns a response with any status.
func (f *Finder) Challenge(ctx context.Context, resource string) (*http.Response, error) {
	u, err := parse(resource)
	if err != nil {
		return nil, err
	}
	call := endpoint.Call{Base: f.client.Transport, HeaderOnly: true, Build: func(ctx context.Context) (*http.Request, []string, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, nil, err
		}
		req.Header.Set("Accept", "application/json")
		return req, scrub.Spellings(u.RawQuery), nil
	}}
	resp, err := call.Do(ctx)
	if err != nil {
		return nil, errorOf(resource, err)
	}
	return &http.Response{StatusCode: resp.StatusCode, Header: resp.Header, Body: http.NoBody}, nil
}
