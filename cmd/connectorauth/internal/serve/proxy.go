package serve

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/accounts"
)

// maxReplay is the length in bytes of the longest body that is kept, so the request can be
// sent again after a rejection of the credential. Longer bodies are streamed.
const maxReplay = 64 << 10

// A call is a request of a program for a service.
type call struct {
	*Server
	target
	account  accounts.Account
	base, to *url.URL // to is below base
	client   http.RoundTripper
}

// proxy passes a request on to a service, and returns why the request was not passed on, or
// nil.
func (s *Server) proxy(w http.ResponseWriter, r *http.Request) *failure {
	if f := s.admit(r); f != nil {
		return f
	}
	t, err := parseTarget(r.RequestURI)
	if err != nil {
		return &failure{status: http.StatusBadRequest, Code: "bad_path", Message: err.Error()}
	}
	c := &call{Server: s, target: t}
	if f := c.open(r.Context()); f != nil {
		return f
	}
	if err := keepShort(r); err != nil {
		return &failure{status: http.StatusBadRequest, Code: "bad_body", Message: "the body of the request did not arrive"}
	}
	// A program may send while the service responds. A server of another protocol than
	// HTTP/1.1 can do so without being told.
	_ = http.NewResponseController(w).EnableFullDuplex()
	proxy := &httputil.ReverseProxy{
		Rewrite: c.rewrite, Transport: c, ModifyResponse: c.adapt, ErrorHandler: c.failed,
		FlushInterval: -1, ErrorLog: s.errorLog,
	}
	proxy.ServeHTTP(responder{w, r}, r)
	return nil
}

// open finds the account, and where the request goes.
func (c *call) open(ctx context.Context) (f *failure) {
	if c.account, f = c.Server.account(ctx, c.service); f != nil {
		return f
	}
	connected, err := c.config.Registry.Connected(ctx, c.account.ID)
	if err != nil {
		return c.explain(err, c.account, internal)
	}
	if f := c.checkBase(); f != nil {
		return f
	}
	base, err := connected.BaseURL(ctx, c.target.base)
	if err != nil {
		return c.explain(err, c.account, internal)
	}
	client, err := c.config.Registry.Client(ctx, c.account.ID)
	if err != nil {
		return c.explain(err, c.account, internal)
	}
	c.client = client.Transport // which follows no redirect, and has no limit of time
	if c.base, err = url.Parse(base); err == nil {
		c.to, err = c.upstream(c.base)
	}
	if err != nil {
		return c.explain(err, c.account, internal)
	}
	return nil
}

// checkBase returns why the definition has no base URL with the name of the target, or nil.
func (c *call) checkBase() *failure {
	if c.target.base == "" {
		return nil
	}
	var known []string
	if d, err := c.config.Registry.Definitions().Lookup(c.account.Definition); err == nil {
		known = slices.Sorted(maps.Keys(d.BaseURLs))
	}
	if slices.Contains(known, c.target.base) {
		return nil
	}
	return &failure{
		status: http.StatusNotFound, Code: "unknown_base_url", Near: known,
		Message: fmt.Sprintf("%s has no base URL with the name %q", c.account.Definition, c.target.base),
	}
}

// keepShort reads a short body, so the request can be sent again. A program that waits for
// 100 Continue (RFC 9110 section 10.1.1) wants to hear the service first.
func keepShort(r *http.Request) error {
	if r.ContentLength <= 0 || r.ContentLength > maxReplay || r.Header.Get("Expect") != "" {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, err = r.GetBody()
	return err
}

// rewrite makes the request for the service.
func (c *call) rewrite(p *httputil.ProxyRequest) {
	p.Out.URL, p.Out.Host = c.to, ""
	p.Out.Trailer = p.In.Trailer // the values come with the end of the body
	// A cookie jar knows no ports, and so has cookies of other servers of this machine.
	p.Out.Header.Del("Cookie")
	if strings.EqualFold(p.Out.Header.Get("Upgrade"), "h2c") {
		// The offer is for this server, and no request in HTTP/2 may have it (RFC 9113 section 8.2.2).
		p.Out.Header.Del("Upgrade")
		p.Out.Header.Del("Connection")
	}
	if p.Out.Header["Accept-Encoding"] == nil {
		// Otherwise http.Transport asks for gzip, and decodes the body.
		p.Out.Header.Set("Accept-Encoding", "identity")
	}
}

// failed tells the program why there is no response of the service.
func (c *call) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the program is gone, or the server ends
	}
	f := c.explain(err, c.account, failure{status: http.StatusBadGateway, Code: "unreachable"})
	c.log.Warn("serve: no response", "service", c.service, "code", f.Code, "error", err)
	f.write(w)
}
