package definition

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/origin"
)

// An Issuer is an authorization server whose metadata (RFC 8414, OpenID Connect Discovery)
// name the endpoints that a method leaves out. Discover reads the metadata. In a document, a
// text is an Issuer with a URL alone.
type Issuer struct {
	// URL is the template of the issuer identifier. Required.
	URL string
	// Origins are the templates of further origins where endpoints may be, such as
	// "https://oauth2.googleapis.com". Metadata that name an endpoint elsewhere are refused,
	// because whoever has changed the metadata would get codes and client secrets. Empty means
	// the origin of URL alone.
	Origins []string
}

func (i *Issuer) short(text string) { i.URL = text }

func (i *Issuer) check(c *checker, p *path) {
	if i.URL == "" {
		c.add(p, "has no url")
	}
	c.url(p, i.URL)
	if u := c.d.urls[i.URL]; u != nil && strings.Contains(u.rest, "?") {
		c.add(p, "an issuer has no query (RFC 8414 section 2)")
	}
	for n, s := range i.Origins {
		at := p.member("origins").element(n)
		c.url(at, s)
		if u := c.d.urls[s]; s == "" || u != nil && u.rest != "" {
			c.add(at, "want an origin: scheme and host, without a path")
		}
	}
}

// issuer returns the Issuer of the method's first credential, or nil.
func (m *Method) issuer() *Issuer {
	if s, ok := m.Scheme.(*OAuth2); ok {
		return s.Issuer
	}
	return nil
}

// Discover returns the metadata of the issuer of a method, for Connection.Server, and nil if
// the method has no Issuer. The finder reads the metadata, unless the finder remembers them.
// If an input may lead to any host (Limits.AnyHost), the finder must be Guarded. Errors are
// those of discovery.Finder.Server, and those of Connect with these metadata.
//
// Discover belongs to the first Connect of an account, and to a new consent.
// Connected.Account keeps the metadata for all later ones, so no renewal and no restart
// depends on what the issuer says then.
func (d *Definition) Discover(ctx context.Context, finder *discovery.Finder, connection Connection) (*discovery.Server, error) {
	m, err := d.Method(connection.Method)
	if err != nil || m.issuer() == nil {
		return nil, err
	}
	b, _, err := d.builder(&connection)
	if err != nil {
		return nil, err
	}
	at := b.url(m.issuer().URL)
	if err := b.err(); err != nil {
		return nil, err
	}
	if err := m.checkFinder(d, finder); err != nil {
		return nil, fmt.Errorf("definition: %s: method %s: %w", d.Name, m.Name, err)
	}
	server, err := finder.Server(ctx, at)
	if err != nil {
		return nil, err
	}
	connection.Server = server
	if _, err := d.Connect(connection); err != nil {
		return nil, err
	}
	return server, nil
}

// checkFinder reports whether a finder can read the metadata of the method's Issuer.
func (m *Method) checkFinder(d *Definition, finder *discovery.Finder) error {
	switch {
	case m.issuer() == nil:
		return nil
	case finder == nil:
		return errors.New("the method has an issuer, and there is no Finder to read its metadata; package accounts has Config.Finder")
	case m.guard(d) != nil && !finder.Guarded():
		return fmt.Errorf("the Finder: %w", errUnguarded)
	}
	return nil
}

// Discover is Definition.Discover for a stored account: see Set.Connect.
func (s *Set) Discover(ctx context.Context, finder *discovery.Finder, a Account, connection Connection) (*discovery.Server, error) {
	d, err := s.stored(a, &connection)
	if err != nil {
		return nil, err
	}
	return d.Discover(ctx, finder, connection)
}

// complete completes the config of an account by the metadata of the issuer.
func (i *Issuer) complete(b *builder, config *connectorauth.OAuth2Config) {
	issuer, server := b.url(i.URL), b.c.Server
	sample := sampleServer(issuer)
	switch {
	case b.c.trial:
		server = sample
	case server == nil && b.c.stored && complete(config):
		return // the account is older than the issuer
	case server == nil && b.c.stored, server != nil && b.c.older && !server.IsOf(issuer):
		b.mistakes.Add("the account is older than the issuer %s: %w", issuer, connectorauth.ErrReauthRequired)
		server = sample
	case server == nil:
		b.mistakes.Add("Connection.Server: is missing; Discover returns the metadata of the issuer %s", issuer)
		server = sample
	case !server.IsOf(issuer):
		b.mistakes.Add("Connection.Server: has the metadata of another issuer than %s; Discover returns those of the issuer", issuer)
		server = sample
	default:
		b.account.server = server
	}
	before, client := endpoints(config), config.HTTPClient
	if err := server.Fill(config); err != nil {
		b.mistakes.Custom(err)
		b.mistakes.Custom(sample.Fill(config)) // or the constructor would list what is missing
	}
	i.confine(b, issuer, before, endpoints(config))
	config.HTTPClient = client // of the Connection, as without metadata
}

// complete reports whether a config has the endpoints that it needs.
func complete(config *connectorauth.OAuth2Config) bool {
	switch grant := config.Grant.(type) {
	case connectorauth.AuthorizationCode:
		return config.TokenURL != "" && grant.AuthURL != ""
	case connectorauth.DeviceCode:
		return config.TokenURL != "" && grant.DeviceURL != ""
	}
	return config.TokenURL != ""
}

// confine lists the endpoints of metadata that are elsewhere than the definition says.
func (i *Issuer) confine(b *builder, issuer string, before, after map[string]string) {
	declared := []string{issuer}
	for _, s := range i.Origins {
		declared = append(declared, b.url(s))
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		u, err := origin.Endpoint(after[name])
		if before[name] != "" || err != nil { // which the constructor lists
			continue
		}
		if !slices.ContainsFunc(declared, func(s string) bool {
			known, err := origin.Endpoint(s)
			return err == nil && origin.Same(known, u)
		}) {
			b.mistakes.Add("the metadata of %s name the %s %s, which is at no origin of the definition; if the provider documents the origin, add the origin to origins of the issuer", issuer, name, shown(after[name]))
		}
	}
}

// endpoints returns the endpoints of a config that metadata can name.
func endpoints(config *connectorauth.OAuth2Config) map[string]string {
	all := map[string]string{"token endpoint": config.TokenURL, "revocation endpoint": config.RevokeURL}
	switch grant := config.Grant.(type) {
	case connectorauth.AuthorizationCode:
		all["authorization endpoint"], all["endpoint for pushed requests"] = grant.AuthURL, grant.PushedAuthorizationRequestURL
	case connectorauth.DeviceCode:
		all["device authorization endpoint"] = grant.DeviceURL
	}
	maps.DeleteFunc(all, func(_, endpoint string) bool { return endpoint == "" })
	return all
}

// sampleServer returns metadata that an issuer could have.
func sampleServer(issuer string) *discovery.Server {
	at := strings.TrimSuffix(issuer, "/")
	return &discovery.Server{
		Issuer: issuer, AuthorizationEndpoint: at + "/a", TokenEndpoint: at + "/t", DeviceAuthorizationEndpoint: at + "/d",
	}
}
