package doctor

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/connectorauth/connectorauth/internal/lazy"
)

// proxyServer matches the header Server of proxies with error pages of their own.
var proxyServer = lazy.Regexp(`(?i)squid|zscaler|bluecoat|blue coat|websense|forcepoint|mcafee web|fortiproxy|tinyproxy|privoxy`)

// proxyOf says how a response gives a proxy away that answers in place of a service. Empty means
// nothing is certain.
func proxyOf(e exchange) string {
	switch {
	case e.status == http.StatusNetworkAuthenticationRequired: // RFC 6585 section 6
		return "the network wants a sign-in first (status 511)"
	case e.status == http.StatusProxyAuthRequired:
		return "the proxy wants a user name and a password (status 407)"
	case e.status < 400:
		return ""
	case e.header.Get("X-Squid-Error") != "" || e.header.Get("Proxy-Authenticate") != "" || e.header.Get("Proxy-Connection") != "":
		return fmt.Sprintf("a proxy refuses the request (status %d)", e.status)
	case proxyServer().MatchString(e.header.Get("Server")):
		return fmt.Sprintf("a proxy refuses the request (status %d)", e.status)
	}
	return ""
}

// proxyAdvice says what to do about a proxy.
func proxyAdvice(host, how string) string {
	return fmt.Sprintf("Sign in to this network, or set HTTPS_PROXY and NO_PROXY for the proxy in use, because something between here and %s answers in place of the service: %s", host, how)
}

// stands says how an unexpected response to a request of the account gives something else away
// that answers in place of the service. others are the answers at a place where the service has
// nothing.
func (x *examination) stands(e exchange) string {
	if how := proxyOf(e); how != "" {
		return how
	}
	to, moved := x.led(e)
	switch {
	case moved && to.Scheme == "http" && e.req.URL.Scheme == "https", moved && isPrivate(to.Hostname()) && !isPrivate(e.req.URL.Hostname()):
		return "requests are led to " + originOf(to.String())
	case !moved && !e.isHTML():
		return ""
	}
	for _, v := range x.visits {
		if v.status == 0 || v.url.Scheme != e.req.URL.Scheme || hostPort(v.url) != hostPort(e.req.URL) {
			continue
		}
		there, away := another(v.url, v.header.Get("Location"))
		switch {
		case moved && away && there.Host == to.Host:
			return "all requests are led to " + originOf(to.String())
		case !moved && v.isHTML() && v.status == e.status && (v.status < 300 || isGateway(v.status) && v.proxy != ""):
			return fmt.Sprintf("every path has a page with status %d", e.status)
		}
	}
	return ""
}

// isGateway reports whether gateways answer with the status.
func isGateway(status int) bool { return status >= 502 && status <= 504 }

// isPrivate reports whether address or name of a host belong to a local network.
func isPrivate(host string) bool {
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".lan")
}

// title matches the title of a page.
var title = lazy.Regexp(`(?is)<title[^>]*>(.*?)</title>`)

// said describes a response: its status, its kind, and the beginning of a plain text.
func (x *examination) said(e exchange) string {
	text := fmt.Sprintf("status %d", e.status)
	if kind := e.header.Get("Content-Type"); kind != "" {
		text += ", " + kind
	}
	if at := e.header.Get("Location"); at != "" {
		text += ", redirect to " + originOf(at)
	}
	for _, name := range []string{"Www-Authenticate", "Retry-After", "Via", "Server", "X-Request-Id"} {
		if v := e.header.Get(name); v != "" {
			text += ", " + name + ": " + v
		}
	}
	switch found := title().FindSubmatch(e.body); {
	case e.isHTML() && found != nil:
		text += ": a page with the title " + fmt.Sprintf("%q", x.mask.text(string(found[1]), 100))
	case !e.isHTML() && e.status >= 400 && len(e.body) > 0:
		text += ": " + x.mask.text(string(e.body), 300)
	}
	return text
}
