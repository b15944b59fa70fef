package serve

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"

	"github.com/connectorauth/connectorauth"
)

// A responder passes the statuses and headers of a service on to a program.
type responder struct {
	http.ResponseWriter
	request *http.Request
}

// WriteHeader leaves 100 Continue to the server, which sends the status once the body of the
// request is read: the program would get two. A client of HTTP/1.0 takes any status for the last
// one (RFC 9110 section 15.2). A body whose type the service does not say has no type.
func (w responder) WriteHeader(status int) {
	switch {
	case status == http.StatusContinue:
		return
	case status < 200 && !w.request.ProtoAtLeast(1, 1):
		clear(w.Header())
		return
	case status >= 200 && w.Header()["Content-Type"] == nil:
		w.Header()["Content-Type"] = nil // or the server guesses
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w responder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// RoundTrip sends the request with the credential of the account.
func (c *call) RoundTrip(r *http.Request) (*http.Response, error) {
	return c.client.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, header textproto.MIMEHeader) error {
			h := http.Header(header)
			for name := range strings.SplitSeq(strings.Join(h["Connection"], ","), ",") { // RFC 9110 section 7.6.1
				h.Del(strings.TrimSpace(name))
			}
			h.Del("Connection")
			withhold(h)
			return nil
		},
	})))
}

// withhold removes from a response of a service what is not for programs. All services have
// the same host here, so a cookie of one service would go to the others; a cookie is also a
// credential of many services. No page of a browser may read a response.
func withhold(h http.Header) {
	for name := range h {
		switch {
		case name == "Set-Cookie", name == "Set-Cookie2", name == "Alt-Svc", name == errorHeader, strings.HasPrefix(name, "Access-Control-"):
			delete(h, name)
		}
	}
}

// adapt makes the response of the service one of this server.
func (c *call) adapt(resp *http.Response) error {
	if err := connectorauth.RenewalError(resp); err != nil {
		c.log.Warn("serve: the credential was rejected, and cannot be renewed for now", "service", c.service, "error", err)
	}
	withhold(resp.Header)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		withhold(resp.Trailer) // the names that the service has announced
		resp.Body = &trailing{resp.Body, resp}
	}
	location := resp.Header.Get("Location")
	if location == "" {
		return nil
	}
	u, err := c.to.Parse(location)
	if err != nil {
		return nil
	}
	if path, ok := c.local(c.base, u); ok {
		resp.Header.Set("Location", path)
	} else if u.Host != "" {
		resp.Header.Set("Location", u.String()) // a relative URL would lead to this server
	}
	return nil
}

// A trailing is the body of a response, whose trailers are known at its end.
type trailing struct {
	io.ReadCloser
	response *http.Response
}

// Read removes the trailers that are not for programs.
func (b *trailing) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		withhold(b.response.Trailer)
	}
	return n, err
}
