package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/connectorauth/connectorauth/internal/origin"
)

// A trace is what happens below a request.
type trace struct {
	mu                  sync.Mutex
	resolve, dial, hand span // name resolution, connections, and the TLS handshake
	addrs               []string
	resolveErr          error
	dials               []dialed
	state               *tls.ConnectionState
	handErr             error
}

// A span is when something began and ended. Zero means not.
type span struct{ begin, end time.Time }

func (s span) took() time.Duration {
	if s.begin.IsZero() || s.end.IsZero() {
		return 0
	}
	return s.end.Sub(s.begin)
}

// A dialed is an attempt to connect.
type dialed struct {
	addr string
	err  error
}

// with returns a context whose request t sees.
func (t *trace) with(ctx context.Context) context.Context {
	locked := func(f func()) {
		t.mu.Lock()
		defer t.mu.Unlock()
		f()
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { locked(func() { t.resolve.begin = time.Now() }) },
		DNSDone: func(info httptrace.DNSDoneInfo) {
			locked(func() {
				t.resolve.end, t.resolveErr = time.Now(), info.Err
				for _, a := range info.Addrs {
					t.addrs = append(t.addrs, a.String())
				}
			})
		},
		ConnectStart: func(string, string) {
			locked(func() {
				if t.dial.begin.IsZero() {
					t.dial.begin = time.Now()
				}
			})
		},
		ConnectDone: func(_, addr string, err error) {
			locked(func() { t.dial.end, t.dials = time.Now(), append(t.dials, dialed{addr, err}) })
		},
		TLSHandshakeStart: func() { locked(func() { t.hand.begin = time.Now() }) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			locked(func() {
				t.hand.end, t.handErr = time.Now(), err
				if err == nil {
					t.state = &state
				}
			})
		},
	})
}

// A visit is a request without credentials to a host, and what is known of the way there.
type visit struct {
	target
	exchange
	trace *trace
	proxy string // host and port; empty means none
	// tunnel is the status of a proxy's refusal to lead to the host. 0 means none.
	tunnel int
}

// probePath is where no API has anything. A service answers with 404, and a portal with the
// page of every path.
const probePath = "/connectorauth-doctor"

// visit makes a request without credentials. No redirect is followed.
func (x *examination) visit(ctx context.Context, to target) *visit {
	ctx, cancel := context.WithTimeout(ctx, hostTime)
	defer cancel()
	v := &visit{target: to, trace: new(trace)}
	at := *to.url
	at.Path, at.RawPath, at.RawQuery, at.Fragment, at.User = probePath, "", "", "", nil
	req, err := http.NewRequestWithContext(v.trace.with(ctx), http.MethodGet, at.String(), nil)
	if err != nil {
		v.err = err
		return v
	}
	req.Header.Set("User-Agent", userAgent)
	origin.Resolve(req) // as the library does, so no resolver is asked for a name below localhost
	base := x.observer.base
	if t, ok := base.(*http.Transport); ok {
		t = t.Clone()
		defer t.CloseIdleConnections()
		if t.Proxy != nil {
			if u, err := t.Proxy(req); err == nil && u != nil {
				v.proxy = hostPort(u)
			}
		}
		t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				v.trace.mu.Lock()
				defer v.trace.mu.Unlock()
				v.tunnel = resp.StatusCode
			}
			return nil
		}
		base = t
	}
	own := &observer{base: base, mask: x.mask, now: x.now}
	resp, err := own.RoundTrip(req)
	if err == nil {
		resp.Body.Close()
	}
	v.exchange = own.exchanges(0)[0]
	return v
}

// families returns the failures and the addresses of success.
func families(dials []dialed) (bad []dialed, good []string) {
	for _, d := range dials {
		switch {
		case d.err == nil:
			good = append(good, d.addr)
		case isCanceled(d.err): // another address was faster
		default:
			bad = append(bad, d)
		}
	}
	return bad, good
}

// isIPv6 reports whether an address with a port is an IPv6 address.
func isIPv6(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return ip != nil && ip.To4() == nil
}

// noRoute reports whether this machine has no way to an address.
func noRoute(err error) bool {
	return errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL)
}
