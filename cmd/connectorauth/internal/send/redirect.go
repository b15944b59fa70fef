package send

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/origin"
)

// plainHeaders are headers of the command line that say nothing of the person.
var plainHeaders = []string{"Accept", "Accept-Language", "Content-Type", "User-Agent"}

// Redirect returns a CheckRedirect of http.Client that takes the headers of the command line out of
// a chain of redirects that has left the origin of the service: a header such as X-Org-Key may be a
// credential, and package http knows Authorization and Cookie alone, and no ports. next is asked
// afterwards. Nil means at most ten requests, as with package http.
func (r Request) Redirect(next func(req *http.Request, via []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		left := func(hop *http.Request) bool { return !origin.Same(via[0].URL, hop.URL) }
		if left(req) || slices.ContainsFunc(via, left) {
			for _, line := range r.Headers {
				name, _, _ := strings.Cut(line, ":")
				if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); !slices.Contains(plainHeaders, name) {
					req.Header.Del(name)
				}
			}
		}
		switch {
		case next != nil:
			return next(req, via)
		case len(via) >= 10:
			return errors.New("stopped after 10 redirects")
		}
		return nil
	}
}
