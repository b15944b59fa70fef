package egress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A guard decides about the addresses of connections.
type guard struct {
	dialer   net.Dialer
	prefixes []netip.Prefix // allowed
	refused  []netip.Prefix
	hosts    map[string]bool
	ports    []uint16
}

const (
	adviseHost     = "to reach a host of your own, allow the name by Hosts of egress.Config, or the address by Prefixes"
	adviseMetadata = "only a prefix of this single address among Prefixes of egress.Config allows a metadata service"
	adviseRefused  = "Refused of egress.Config has the address"
	advisePort     = "add the port to Ports of egress.Config"
	adviseSpelling = "write the host in the usual form"
)

// newGuard returns the guard of a config.
func newGuard(config Config) (*guard, error) {
	if err := config.problems(); err != nil {
		return nil, err
	}
	g := &guard{
		dialer:   net.Dialer{Timeout: cmp.Or(config.ConnectTimeout, 30*time.Second), Resolver: config.Resolver},
		prefixes: slices.Clone(config.Prefixes), refused: slices.Clone(config.Refused), hosts: map[string]bool{}, ports: slices.Clone(config.Ports),
	}
	for _, host := range config.Hosts {
		g.hosts[normal(host)] = true
	}
	return g, nil
}

// dial connects to an address that the guard allows.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("egress: %w", err)
	}
	dialer := g.dialer
	dialer.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return &Error{Host: host, Reason: "leads to what is no address", advice: adviseSpelling}
		}
		return g.check(host, to.Addr(), to.Port())
	}
	conn, err := dialer.DialContext(ctx, network, address)
	var refused *Error
	var unknown *net.DNSError
	switch {
	case errors.As(err, &refused):
		return nil, refused // without the text of net, which shows the address
	case errors.As(err, &unknown):
		lookup := *unknown
		lookup.Server = "" // an address of the program's network, mostly
		return nil, &lookup
	}
	return conn, err
}

// check says why a connection to an address of host is refused.
func (g *guard) check(host string, to netip.Addr, port uint16) error {
	if err := g.checkPort(host, port); err != nil {
		return err
	}
	to = to.Unmap().WithZone("")
	for _, p := range g.refused {
		if p.Contains(to) || (nat64.Contains(to) || localNAT64.Contains(to)) && p.Contains(embedded(to)) {
			return &Error{Host: host, Addr: to, Reason: "leads to an address that the program refuses", advice: adviseRefused}
		}
	}
	reason := refusal(to)
	if reason == "" {
		return nil
	}
	isMetadata, advice := metadata(to), adviseHost
	if isMetadata {
		advice = adviseMetadata
	}
	for _, p := range g.prefixes {
		if p.Contains(to) && (p.IsSingleIP() || !isMetadata) {
			return nil
		}
	}
	if g.hosts[normal(host)] && !isMetadata {
		return nil
	}
	return &Error{Host: host, Addr: to, Reason: "leads to " + reason, advice: advice}
}

func (g *guard) checkPort(host string, port uint16) error {
	if len(g.ports) > 0 && !slices.Contains(g.ports, port) {
		return &Error{Host: host, Reason: fmt.Sprintf("has the port %d, which is not allowed", port), advice: advisePort}
	}
	return nil
}

// checkTarget says why a request must not go to a proxy, as far as the name tells. A
// proxy gets a request over plain http with the Host of the request.
func (g *guard) checkTarget(req *http.Request) error {
	targets := []string{req.URL.Host}
	if req.URL.Scheme == "http" {
		if req.URL.Opaque != "" { // which the proxy would get in place of the host
			return &Error{Host: req.URL.Hostname(), Reason: "is in an opaque URL, which may name another host to a proxy", advice: "use Path and RawPath in place of Opaque"}
		}
		if req.Host != "" {
			targets = append(targets, req.Host)
		}
	}
	for _, target := range targets {
		u := url.URL{Host: target}
		port, err := strconv.ParseUint(cmp.Or(u.Port(), map[string]string{"http": "80"}[req.URL.Scheme], "443"), 10, 16)
		if err != nil {
			return &Error{Host: u.Hostname(), Reason: "has a port that is none", advice: adviseSpelling}
		}
		if err := g.checkName(u.Hostname(), uint16(port)); err != nil {
			return err
		}
	}
	return nil
}

// checkName says why a name, which a proxy resolves, is refused.
func (g *guard) checkName(host string, port uint16) error {
	name := normal(host)
	if addr, err := netip.ParseAddr(name); err == nil {
		return g.check(host, addr, port)
	}
	switch {
	case !isName(name):
		return &Error{Host: host, Reason: "is not a name in ASCII", advice: "write the ASCII form of the name"}
	case isAddress(name):
		return &Error{Host: host, Reason: "is an address in an unusual spelling", advice: adviseSpelling}
	case isLocal(name) && !g.hosts[name]:
		return &Error{Host: host, Reason: "is a name of this machine or of a local network", advice: "to reach a host of your own, allow the name by Config.Hosts"}
	}
	return g.checkPort(host, port)
}

// normal returns the form in which names are compared.
func normal(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// isName reports whether a name is a dotted list of letters, digits, hyphens and
// underscores.
func isName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" {
			return false
		}
		for _, c := range []byte(label) {
			if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return true
}

// isAddress reports whether a resolver may read a name as an IPv4 address: the last label is
// a number, decimal or hexadecimal (URL Standard, "ends in a number").
func isAddress(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	digits := "0123456789"
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		last, digits = hex, "0123456789abcdef"
	}
	return strings.Trim(last, digits) == ""
}

// isLocal reports whether a name is one of this machine or of a local network: without a
// dot, or below a name for such use (RFC 6761, RFC 6762, RFC 8375, and internal, which ICANN
// has reserved).
func isLocal(name string) bool {
	if !strings.Contains(name, ".") {
		return true
	}
	return slices.ContainsFunc([]string{".localhost", ".local", ".internal", ".home.arpa"}, func(below string) bool { return strings.HasSuffix(name, below) })
}
