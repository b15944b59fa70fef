package serve

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// tokenHeader is the header for programs whose Authorization header is taken.
const tokenHeader = "X-Connectorauth-Token"

// random returns 32 random bytes.
func random() []byte {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return b
}

// newSecret returns 32 random bytes as text for headers, URLs and cookies.
func newSecret() string { return base64.RawURLEncoding.EncodeToString(random()) }

// hidden returns a function that returns s.
func hidden(s string) func() string { return func() string { return s } }

// equal compares secrets in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// hostsOf returns the values of the header Host by which programs and browsers reach a port
// of this machine.
func hostsOf(port string) map[string]bool {
	hosts := map[string]bool{}
	for _, host := range []string{"127.0.0.1", "localhost", "::1"} {
		hosts[net.JoinHostPort(host, port)] = true
		if port == "80" {
			hosts[strings.TrimSuffix(net.JoinHostPort(host, port), ":80")] = true
		}
	}
	return hosts
}

// isFromBrowser reports whether a page of a browser has made the request. Browsers send
// Sec-Fetch-Site along with each request to this machine, and Origin along with those that a
// page reads or that change something.
func isFromBrowser(h http.Header) bool { return h["Origin"] != nil || h["Sec-Fetch-Site"] != nil }

// takeToken removes the token from the headers of a request. ok reports whether the token was
// right. The header of programs whose Authorization is taken counts before Authorization.
func (s *Server) takeToken(h http.Header) (ok, sent bool) {
	bearer := false
	if values := h["Authorization"]; len(values) == 1 {
		scheme, token, _ := strings.Cut(values[0], " ")
		bearer = strings.EqualFold(scheme, "Bearer") && equal(strings.TrimSpace(token), s.token())
	}
	if bearer {
		h.Del("Authorization")
	}
	if own := h[tokenHeader]; own != nil {
		h.Del(tokenHeader)
		return len(own) == 1 && equal(own[0], s.token()), true
	}
	return bearer, bearer || h["Authorization"] != nil
}

// hasToken reports whether a program has put the token where the token would go on to the
// service, or into logs: the URL, a header that is none of the two, or the password of a URL.
// Trailers come too late to be looked at, so none of the two is a trailer.
func (s *Server) hasToken(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	places := []string{r.RequestURI, user, password}
	if decoded, err := url.PathUnescape(r.RequestURI); err == nil {
		places = append(places, decoded)
	}
	for _, values := range r.Header {
		places = append(places, values...)
	}
	if slices.ContainsFunc(places, func(text string) bool { return strings.Contains(text, s.token()) }) {
		return true
	}
	_, own := r.Trailer[tokenHeader]
	_, bearer := r.Trailer["Authorization"]
	return own || bearer
}

// admit returns why a request for a service is refused, or nil. admit removes the token.
func (s *Server) admit(r *http.Request) *failure {
	ok, sent := false, false
	switch r.Method {
	case http.MethodTrace, http.MethodConnect: // the response to TRACE would show the credential (RFC 9110 section 9.3.8)
		return &failure{status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "the method " + r.Method + " is not passed on"}
	}
	if isFromBrowser(r.Header) {
		return &failure{status: http.StatusForbidden, Code: "browser", Message: "a page of a browser has made the request (Origin, Sec-Fetch-Site); services are for programs alone"}
	}
	if ok, sent = s.takeToken(r.Header); !ok {
		f := &failure{status: http.StatusUnauthorized, Code: "token_missing", Message: "the request has no token; send the header Authorization: Bearer and the token, or " + tokenHeader + " and the token"}
		if sent {
			f.Code, f.Message = "token_wrong", "the token is not the one of this run; read the token anew, and send the token once"
		}
		return f
	}
	if s.hasToken(r) {
		return &failure{status: http.StatusBadRequest, Code: "token_misplaced", Message: "the token of this run stands in the URL or in another header, too; the service must not see the token"}
	}
	return nil
}
