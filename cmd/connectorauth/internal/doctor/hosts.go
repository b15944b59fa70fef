package doctor

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/connectorauth/connectorauth/egress"
)

// hosts visits the hosts of the account at the same time, and tells of each in turn.
func (x *examination) hosts(ctx context.Context) bool {
	bounded, cancel := context.WithTimeout(ctx, accountMax)
	defer cancel()
	targets := x.targets(bounded)
	x.visits = make([]*visit, len(targets))
	var all sync.WaitGroup
	for i, to := range targets {
		all.Go(func() { x.visits[i] = x.visit(ctx, to) })
	}
	all.Wait()
	if ctx.Err() != nil {
		return false
	}
	if len(targets) == 0 {
		x.step(Step{Name: "name resolution", Outcome: Skipped, Detail: "no host is known before the token endpoint has said where the API is"})
	}
	for _, v := range x.visits {
		if x.resolved(v) && x.dialed(v) && x.handshake(v) {
			x.answered(v)
		}
	}
	return true
}

// where returns the name of the host in steps.
func (v *visit) where() string { return hostPort(v.url) + " (" + v.role + ")" }

// unseen reports whether there is a response, and nothing was seen of the way: a connection was
// there already, or the base makes connections in a way of its own. The lock of the trace is held.
func (v *visit) unseen() bool { return v.status != 0 && len(v.trace.dials) == 0 }

// worst returns the outcome of an unreachable host.
func (v *visit) worst() Outcome {
	if v.later {
		return Warning
	}
	return Fault
}

// resolved tells of the name resolution.
func (x *examination) resolved(v *visit) bool {
	t := v.trace
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Step{Name: "name resolution", Target: v.where(), Outcome: OK, Duration: t.resolve.took()}
	host := v.url.Hostname()
	if v.proxy != "" {
		host, _, _ = net.SplitHostPort(v.proxy)
		s.Detail = "the proxy " + v.proxy + " resolves names; "
	}
	var refused *egress.Error
	var unknown *net.DNSError
	switch {
	case errors.As(v.err, &refused):
		s.Outcome, s.Cause, s.Detail = v.worst(), CauseRefused, s.Detail+refused.Error()
		s.advice = "Check the address that the account owner gave, because " + host + " is at a private or special address, which accounts may not reach"
	case t.resolveErr != nil:
		s.Outcome, s.Cause, s.Detail = v.worst(), CauseDNS, s.Detail+t.resolveErr.Error()
		s.advice = "Check the host name " + host + " in the definition and in what was typed, and the DNS of this network, because the name has no address"
		if errors.As(t.resolveErr, &unknown) && !unknown.IsNotFound {
			s.advice = "Check the network connection and the DNS server of this machine, because nobody answers what the address of " + host + " is"
		}
	case v.unseen():
		s.Outcome, s.Detail = Skipped, s.Detail+"the host answers over a connection from before"
	case net.ParseIP(host) != nil:
		s.Outcome, s.Detail = Skipped, s.Detail+host+" is an address"
	case len(t.addrs) > 0:
		s.Detail += host + " is " + strings.Join(t.addrs, ", ")
	case len(t.dials) > 0:
		s.Detail += host + " has an address"
	default:
		s.Outcome, s.Cause = v.worst(), CauseDNS
		s.Detail += fmt.Sprintf("no answer within %s: %v", hostTime, v.err)
		s.advice = "Check the network connection and the DNS server of this machine, because nobody answers what the address of " + host + " is"
	}
	x.step(s)
	return s.Cause == ""
}

// dialed tells of the connections.
func (x *examination) dialed(v *visit) bool {
	t := v.trace
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Step{Name: "connection", Target: v.where(), Outcome: OK, Duration: t.dial.took()}
	bad, good := families(t.dials)
	to, proxied := hostPort(v.url), ""
	if v.proxy != "" {
		to, proxied = "the proxy "+v.proxy, "proxy and the "
	}
	switch {
	case v.tunnel != 0:
		s.Outcome = v.worst()
		s.Cause, s.Detail, s.advice = ofTunnel(v)
	case len(good) > 0 && slices.ContainsFunc(bad, func(d dialed) bool { return isIPv6(d.addr) }):
		s.Outcome, s.Cause = Warning, CauseIPv6
		s.Detail = fmt.Sprintf("%s works, and %s does not: %v", good[0], bad[0].addr, bad[0].err)
		s.advice = "Mend or switch off IPv6 in this network, because the IPv6 address of " + to + " cannot be reached and each new connection loses time"
	case v.unseen():
		s.Outcome, s.Detail = Skipped, "the host answers over a connection from before"
	case len(good) > 0:
		s.Detail = "connected to " + good[0]
	case len(bad) > 0 && !slices.ContainsFunc(bad, func(d dialed) bool { return !isIPv6(d.addr) || !noRoute(d.err) }):
		s.Outcome, s.Cause, s.Detail = v.worst(), CauseIPv6, bad[0].err.Error()
		s.advice = fmt.Sprintf("Use a network with IPv6, or a proxy, because %s has IPv6 addresses only and this machine has no route to IPv6", to)
	case len(bad) > 0:
		s.Outcome, s.Cause = v.worst(), CauseUnreachable
		s.Detail = bad[0].err.Error()
		s.advice = fmt.Sprintf("Check the %saddress and the port in the definition, firewalls and the network, because %s cannot be reached", proxied, to)
	default:
		s.Outcome, s.Cause, s.Detail = v.worst(), CauseUnreachable, fmt.Sprintf("no connection within %s: %v", hostTime, v.err)
		s.advice = fmt.Sprintf("Check the %saddress and the port in the definition, firewalls and the network, because %s does not answer", proxied, to)
	}
	x.step(s)
	return (len(good) > 0 || v.unseen()) && v.tunnel == 0
}

// handshake tells of TLS.
func (x *examination) handshake(v *visit) bool {
	t := v.trace
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Step{Name: "tls", Target: v.where(), Outcome: OK, Duration: t.hand.took()}
	failure := t.handErr
	if failure == nil && v.status == 0 {
		failure = v.err
	}
	switch {
	case v.url.Scheme == "http":
		s.Outcome, s.Detail = Skipped, "plain http, which is for this machine alone"
	case v.unseen():
		s.Outcome, s.Detail = Skipped, "the host answers over a connection from before"
	case t.state != nil && t.handErr == nil && len(t.state.PeerCertificates) > 0:
		leaf := t.state.PeerCertificates[0]
		s.Detail = fmt.Sprintf("%s, certificate from %s, valid until %s", tls.VersionName(t.state.Version), issuer(leaf), day(leaf.NotAfter))
	default:
		s.Outcome = v.worst()
		s.Cause, s.advice = x.ofTLS(v, failure)
		s.Detail = fmt.Sprint(failure)
		if leaf := unverified(failure); leaf != nil {
			s.Detail = fmt.Sprintf("%v; the certificate is from %s, valid from %s until %s, for %s",
				failure, issuer(leaf), day(leaf.NotBefore), day(leaf.NotAfter), cmp.Or(strings.Join(leaf.DNSNames, ", "), "no name"))
		}
	}
	x.step(s)
	return s.Cause == ""
}

// issuer names who has signed a certificate.
func issuer(c *x509.Certificate) string {
	name := cmp.Or(c.Issuer.CommonName, "nobody named")
	if len(c.Issuer.Organization) > 0 && c.Issuer.Organization[0] != name {
		name += " of " + c.Issuer.Organization[0]
	}
	return fmt.Sprintf("%q", name)
}

// unverified returns the refused certificate, or nil.
func unverified(err error) *x509.Certificate {
	var failed *tls.CertificateVerificationError
	if errors.As(err, &failed) && len(failed.UnverifiedCertificates) > 0 {
		return failed.UnverifiedCertificates[0]
	}
	return nil
}

// selfSigned reports whether a server has signed its own certificate.
func selfSigned(c *x509.Certificate) bool {
	return c != nil && bytes.Equal(c.RawIssuer, c.RawSubject)
}

// ofTLS returns why a handshake failed, and what to do.
func (x *examination) ofTLS(v *visit, err error) (Cause, string) {
	host := v.url.Hostname()
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var plain tls.RecordHeaderError
	if advice := ofClientCertificate(hostPort(v.url), err); advice != "" {
		return CauseCertificate, advice
	}
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && x.now().Before(invalid.Cert.NotBefore):
		return CauseClock, fmt.Sprintf("Set the clock of this machine, which says %s, because the certificate of %s begins only on %s", day(x.now()), host, day(invalid.Cert.NotBefore))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return CauseExpired, fmt.Sprintf("Ask whoever runs %s for a new certificate, because the present one ended on %s and the clock of this machine says %s", host, day(invalid.Cert.NotAfter), day(x.now()))
	case errors.As(err, &name):
		return CauseName, "Check the host name in the definition and whether this network makes you sign in, because the certificate at " + host + " is that of another host"
	case errors.As(err, &unknown) && selfSigned(unverified(err)):
		return CauseAuthority, fmt.Sprintf("If you run %s, add its certificate to the authorities of this machine, and otherwise check the host name and leave this network, because %[1]s has signed its certificate itself", host)
	case errors.As(err, &unknown):
		by := "an authority"
		if leaf := unverified(err); leaf != nil {
			by = issuer(leaf)
		}
		return CauseAuthority, fmt.Sprintf("If a proxy of your company inspects traffic, add its root certificate to the authorities of this machine, and otherwise leave this network, because the certificate of %s comes from %s that this machine does not trust", host, by)
	case errors.As(err, &plain):
		return CauseBaseURL, "Check the base URL, the port and the proxy, because " + hostPort(v.url) + " does not speak TLS"
	case errors.Is(err, context.DeadlineExceeded):
		return CauseUnreachable, "Check firewalls and proxies, because " + hostPort(v.url) + " accepts connections and does not answer"
	}
	if _, ok := remoteAlert(err); ok {
		return CauseTLS, "Check whether " + hostPort(v.url) + " demands a client certificate or another version of TLS, because the server breaks the handshake off"
	}
	return CauseTLS, "Check the base URL, and proxies that inspect traffic, because no TLS connection to " + hostPort(v.url) + " comes about"
}

// answered tells of no response, and of the response of a proxy. The step is absent otherwise:
// what is at probePath says nothing of the API.
func (x *examination) answered(v *visit) {
	s := Step{Name: "response", Target: v.where(), Outcome: v.worst(), Duration: v.received.Sub(v.sent)}
	certificate := ofClientCertificate(hostPort(v.url), v.err)
	var reset streamReset
	switch who := proxyOf(v.exchange); {
	case certificate != "":
		s.Cause, s.Detail, s.advice = CauseCertificate, fmt.Sprintf("no response: %v", v.err), certificate
	case errors.As(v.err, &reset):
		s.Cause, s.Detail = CauseOutage, fmt.Sprintf("no response: %v", v.err)
		s.advice = fmt.Sprintf("Try again later, or tell whoever runs %s, because the server breaks requests off (HTTP/2 error code %d)", hostPort(v.url), reset.Code)
	case v.status == 0:
		s.Cause, s.Detail = CauseUnreachable, fmt.Sprintf("no response: %v", v.err)
		s.advice = "Check firewalls and proxies, because " + hostPort(v.url) + " accepts connections and does not answer"
	case who != "":
		s.Cause, s.Detail = CauseProxy, x.said(v.exchange)
		s.advice = proxyAdvice(hostPort(v.url), who)
	default:
		return
	}
	x.step(s)
}

// ofTunnel returns why a proxy does not lead to a host.
func ofTunnel(v *visit) (Cause, string, string) {
	detail := fmt.Sprintf("the proxy %s answers with status %d", v.proxy, v.tunnel)
	if v.tunnel == 407 {
		return CauseProxy, detail, "Give the proxy " + v.proxy + " its user name and password, as in HTTPS_PROXY=http://user:password@host:port, because the proxy wants a sign-in"
	}
	return CauseProxy, detail, fmt.Sprintf("Check HTTPS_PROXY and NO_PROXY, or ask whoever runs the proxy %s, because the proxy does not lead to %s", v.proxy, hostPort(v.url))
}
