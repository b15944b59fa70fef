package connectorauth

import (
	"net/http"
	"slices"
)

// WithBase returns a connector like c whose requests go through what choose returns. choose
// gets the base of [Connector.Wrap], which may be nil, and returns the base itself, a
// RoundTripper over the base, or another one. A nil result means http.DefaultTransport. The
// Transport of a [CustomConfig] passes through choose as well. Token requests do not: see
// OAuth2Config.HTTPClient. Wrap calls choose, perhaps in several goroutines.
//
// A connector of this package keeps its type, and keeps choose in a [Join] and under
// [WithHooks]. A WithBase of the result chooses before choose. So a connector whose requests
// may lead anywhere can insist on a guard, such as that of package egress.
func WithBase(c Connector, choose func(base http.RoundTripper) http.RoundTripper) Connector {
	return changed(c, func(inner *core) *core {
		based := *inner
		based.hooks = append(slices.Clip(inner.hooks), hook{base: choose, part: inner.everyPart()})
		return &based
	})
}

// through returns the RoundTripper that takes the place of base.
func (c *core) through(base http.RoundTripper) http.RoundTripper {
	for _, h := range slices.Backward(c.hooks) {
		if h.base != nil {
			base = h.base(base)
		}
	}
	return base
}

// Unwrap returns the RoundTripper of all requests, for a guard that looks beneath, such as
// egress.Guards. nil means that there are two.
func (t *transport) Unwrap() http.RoundTripper {
	if t.own != nil {
		return nil
	}
	return t.base
}
