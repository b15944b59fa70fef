package discovery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// A request is for metadata, or about a registration.
type request struct {
	method, to string
	token      connectorauth.Secret // a Bearer token; empty: none
	body       []byte               // a JSON object; nil: none
	secrets    []string             // in the body
}

// call makes a request. Only a JSON object with a status of success is a response, or
// status 204. An error is an *Error.
func (f *Finder) call(ctx context.Context, r request) (*endpoint.Response, error) {
	call := endpoint.Call{Base: f.client.Transport, Build: func(ctx context.Context) (*http.Request, []string, error) {
		req, err := http.NewRequestWithContext(ctx, r.method, r.to, nil)
		if err != nil {
			return nil, nil, err
		}
		req.Header.Set("Accept", "application/json")
		if r.body != nil {
			req.Header.Set("Content-Type", "application/json")
			req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(r.body)), int64(len(r.body))
		}
		if r.token != "" {
			req.Header.Set("Authorization", "Bearer "+string(r.token))
		}
		return req, scrub.Spellings(append(r.secrets, string(r.token))...), nil
	}}
	resp, err := call.Do(ctx)
	switch {
	case err != nil:
		return nil, errorOf(r.to, err)
	case resp.StatusCode == http.StatusNoContent:
		return resp, nil
	}
	failed := &Error{URL: scrub.WithoutQuery(r.to), StatusCode: resp.StatusCode, RetryAfter: endpoint.RetryAfter(resp.Header)}
	kind := wire.MediaType(resp.Header.Get("Content-Type"))
	switch {
	case !resp.Granted():
		var refusal struct {
			Code        string `json:"error"`
			Description string `json:"error_description"`
		}
		if decode(resp.Text(), &refusal) == nil {
			failed.Code = scrub.Text(refusal.Code, 64, resp.Secrets...)
			failed.Description = scrub.Text(refusal.Description, 200, resp.Secrets...)
		}
		return nil, failed
	case kind != "application/json" && !strings.HasSuffix(kind, "+json"):
		failed.cause = fmt.Errorf("the Content-Type is %q, not application/json", scrub.Text(kind, 64, resp.Secrets...))
		return nil, failed
	}
	return resp, nil
}

// errorOf returns the Error of a call to a URL without a usable response.
func errorOf(to string, err error) *Error {
	failed := &Error{URL: scrub.WithoutQuery(to), cause: err}
	if lost := new(endpoint.Failure); errors.As(err, &lost) {
		failed.StatusCode, failed.RetryAfter, failed.cause = lost.StatusCode, lost.RetryAfter, lost.Cause
	}
	return failed
}
