package authtest

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// tenantsPath is before the tenant in a path.
const tenantsPath = "/tenants/"

// HostURL returns the URL of an endpoint at a tenant, with the tenant in the host, such as
// http://acme.localhost:12345/api/bearer. [Provider.Client] reaches the host, and most
// programs do without TLS, since names below localhost are this machine (RFC 6761 section
// 6.3).
func (p *Provider) HostURL(tenant, endpoint string) string {
	u := p.mustURL(endpoint)
	host := tenant + "." + p.config.Domain
	if port := u.Port(); port != "" {
		host = net.JoinHostPort(host, port)
	}
	u.Host = host
	return u.String()
}

// PathURL returns the URL of an endpoint at a tenant, with the tenant in the path, such as
// http://127.0.0.1:12345/tenants/acme/api/bearer.
func (p *Provider) PathURL(tenant, endpoint string) string {
	p.mustURL(endpoint)
	return p.URL + tenantsPath + tenant + strings.TrimPrefix(endpoint, p.URL)
}

// mustURL parses the URL of an endpoint. The URL comes from a test.
func (p *Provider) mustURL(endpoint string) *url.URL {
	u, err := url.Parse(endpoint)
	if err != nil || !strings.HasPrefix(endpoint, p.URL+"/") {
		panic("authtest: this provider has no such endpoint: use a URL field of the Provider")
	}
	return u
}

// tenant returns the tenant that a request names in the path or in the host, and whether
// the provider has the tenant. A request that names none has the tenant "".
func (p *Provider) tenant(r *http.Request) (name string, known bool) {
	if len(p.owners.tenants) == 0 {
		return "", true
	}
	if rest, found := strings.CutPrefix(r.URL.Path, tenantsPath); found {
		name, _, _ = strings.Cut(rest, "/")
		return name, p.owners.tenants[name]
	}
	if name = p.hostTenant(r.Host); name != "" {
		return name, p.owners.tenants[name]
	}
	return "", true
}

// hostTenant returns the first label of a host below Config.Domain, and else "".
func (p *Provider) hostTenant(host string) string {
	name := strings.ToLower((&url.URL{Host: host}).Hostname())
	labels, below := strings.CutSuffix(name, "."+p.config.Domain)
	if !below {
		return ""
	}
	first, _, _ := strings.Cut(labels, ".")
	return first
}

// noTenant is the page of a host or path that names no tenant.
func noTenant(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writePage(w, http.StatusNotFound, page{Error: "There is no tenant " + name + "."})
	})
}

// elsewhere reports whether a request names another tenant than that of a user.
func (p *Provider) elsewhere(r *http.Request, username string) bool {
	tenant, _ := p.tenant(r)
	owner := p.owners.byName[username]
	return tenant != "" && owner != nil && owner.Tenant != tenant
}

// withoutTenant returns a path without a tenant. path may be escaped.
func withoutTenant(path string) string {
	if rest, found := strings.CutPrefix(path, tenantsPath); found {
		_, rest, _ = strings.Cut(rest, "/")
		return "/" + rest
	}
	return path
}

// ours reports whether a URL leads to this provider, or to a tenant of this provider.
func (p *Provider) ours(u *url.URL) bool {
	own := p.mustURL(p.AuthURL)
	return u.Scheme == own.Scheme && (u.Host == own.Host || u.Port() == own.Port() && p.owners.tenants[p.hostTenant(u.Host)])
}

// dial connects hosts of tenants with the provider, and everything else as net.Dialer
// does.
func (p *Provider) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if len(p.owners.tenants) > 0 && p.hostTenant(address) != "" {
		address = p.server.Listener.Addr().String()
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}
