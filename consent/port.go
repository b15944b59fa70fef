package consent

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
)

// loopbackURL returns the URL of the callback on a loopback port, or nil if no
// browser can reach the program at redirectURL.
func loopbackURL(redirectURL string) (*url.URL, error) {
	if redirectURL == "oob" || pending.Native(redirectURL) {
		return nil, nil
	}
	u, err := origin.Endpoint(cmp.Or(redirectURL, "http://127.0.0.1/callback"))
	if err != nil || u.Scheme == "https" {
		return nil, err
	}
	return u, nil
}

// serve receives the callback at u, and sets the redirect URL of l. The function end
// closes the port after the browser has received the page, or after two seconds.
func (l *loopback) serve(u *url.URL) (end func(), err error) {
	listeners, err := listen(l.ctx, u.Hostname(), cmp.Or(u.Port(), "0"))
	if err != nil && l.redirect == "" { // a machine without IPv4
		u.Host = "[::1]"
		listeners, err = listen(l.ctx, "::1", "0")
	}
	if err != nil {
		return nil, err
	}
	if port := u.Port(); port == "" || port == "0" {
		_, free, _ := net.SplitHostPort(listeners[0].Addr().String())
		u.Host = net.JoinHostPort(u.Hostname(), free)
		l.redirect = u.String()
	}
	l.host, l.path = u.Host, cmp.Or(u.Path, "/")
	var spare spareConns
	server := &http.Server{Handler: l, ConnState: spare.watch, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, MaxHeaderBytes: 2 * maxCallback}
	var served sync.WaitGroup
	for _, listener := range listeners {
		served.Go(func() { server.Serve(listener) })
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), 2*time.Second)
		defer cancel()
		spare.close()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
		served.Wait()
	}, nil
}

// spareConns are the connections that a browser has opened and sent nothing on. Shutdown would
// wait for them.
type spareConns struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	ended bool
}

// watch is the ConnState of a Server.
func (s *spareConns) watch(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(s.conns, c)
	case s.ended:
		c.Close()
	case s.conns == nil:
		s.conns = map[net.Conn]struct{}{c: {}}
	default:
		s.conns[c] = struct{}{}
	}
}

// close closes the connections, and those that come later.
func (s *spareConns) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
	s.conns, s.ended = nil, true
}

// listen listens at a port of a loopback host. The name localhost, and each name below
// localhost, is never looked up, because the name can be configured to mean another
// machine (RFC 8252 section 8.3). Such a name has both addresses, or the one that the
// machine has: a browser may try either, and a foreign program must not have the other
// one. Port 0 means any free port.
func listen(ctx context.Context, host, port string) (listeners []net.Listener, err error) {
	var config net.ListenConfig
	addresses := []string{host}
	if _, err := netip.ParseAddr(host); err != nil { // localhost, or a name below localhost
		addresses = nil
		for _, address := range []string{"127.0.0.1", "::1"} {
			if probe, err := config.Listen(ctx, "tcp", net.JoinHostPort(address, "0")); err == nil {
				probe.Close()
				addresses = append(addresses, address)
			}
		}
		if addresses == nil {
			return nil, errors.New("the machine has no loopback address")
		}
	}
	for range 10 { // a port that is free at one address need not be free at the other
		listeners, err = listenAt(ctx, config, addresses, port)
		if err == nil || port != "0" {
			break
		}
	}
	return listeners, err
}

// listenAt listens at one port of all addresses.
func listenAt(ctx context.Context, config net.ListenConfig, addresses []string, port string) (listeners []net.Listener, err error) {
	for _, address := range addresses {
		listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(address, port))
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
			return nil, err
		}
		listeners = append(listeners, listener)
		_, port, _ = net.SplitHostPort(listener.Addr().String())
	}
	return listeners, nil
}

// ServeHTTP receives the callback. A website can make its own host name resolve to
// 127.0.0.1 (DNS rebinding). The check of the Host header refuses these requests.
func (l *loopback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if spelled(r.Host) != spelled(l.host) || r.URL.Path != l.path {
		http.NotFound(w, r)
		return
	}
	if !allow(w, r, http.MethodGet, http.MethodPost) {
		return
	}
	rawQuery := r.URL.RawQuery
	if r.Method == http.MethodPost {
		form, status, err := readForm(w, r)
		if err != nil {
			http.Error(w, err.Error(), status)
			return
		}
		rawQuery = form
	}
	query, err := parseCallback(rawQuery)
	failed, over := fail(ReasonInvalid, err), false
	if err == nil {
		failed, over = l.take(query, false)
	}
	if failed.isUnbound() && navigates(r) {
		over = l.giveUp()
	}
	subject, status := connected, http.StatusOK
	if failed != nil {
		subject, status = string(failed.Reason), failed.status()
	}
	if over {
		l.ended <- failed // before the page, which the browser may never read
	}
	w.Header().Set("Connection", "close")
	l.look.send(w, l.look.page(subject, l.look.choose("", r), l.service, prompt{}), "", status)
}

// spelled returns a host and port as browsers write them: in lower case, and an address
// in its shortest form. Without a port, the port is 80.
func spelled(hostport string) string {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		host, port = strings.Trim(hostport, "[]"), "80"
	}
	if address, err := netip.ParseAddr(host); err == nil {
		host = address.String()
	}
	return net.JoinHostPort(strings.ToLower(host), port)
}

// navigates reports whether the person's window goes to the callback, and no page
// loads the callback in the background. Old browsers do not tell.
func navigates(r *http.Request) bool {
	mode, destination := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	return (mode == "" || mode == "navigate") && (destination == "" || destination == "document")
}
