package fapi

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/endpoint"
)

// endpoints checks the URLs of the config.
func (c *check) endpoints() {
	for _, e := range []struct{ field, url, member string }{
		{"TokenURL", c.config.TokenURL, "token_endpoint"},
		{"RevokeURL", c.config.RevokeURL, "revocation_endpoint"},
		{"Grant: AuthURL", c.code.AuthURL, "authorization_endpoint"},
		{"Grant: PushedAuthorizationRequestURL", c.code.PushedAuthorizationRequestURL, "pushed_authorization_request_endpoint"},
		{"Dialect: RefreshURL", c.config.Dialect.RefreshURL, ""},
		{"Dialect: LongLived: URL", c.config.Dialect.LongLived.URL, ""},
		{"Dialect: Extend: URL", c.config.Dialect.Extend.URL, ""},
	} {
		if e.url == "" {
			continue
		}
		if u, err := url.Parse(e.url); err != nil || u.Scheme != "https" {
			c.add("5.2.1", e.field, "is no https URL", "use https, on loopback too")
		}
		if c.server != nil && e.member != "" {
			c.compare(e.field, e.url, e.member)
		}
	}
	for _, host := range c.config.Hosts {
		if strings.HasPrefix(strings.ToLower(host), "http://") {
			c.add("5.2.1", "Hosts", fmt.Sprintf("%q is no https origin", host), "use https for the API")
		}
	}
}

// compare checks that an endpoint is that of the metadata.
func (c *check) compare(field, used, member string) {
	s := c.server
	named := map[string]string{
		"token_endpoint": s.TokenEndpoint, "revocation_endpoint": s.RevocationEndpoint,
		"authorization_endpoint": s.AuthorizationEndpoint, "pushed_authorization_request_endpoint": s.PushedAuthorizationRequestEndpoint,
	}[member]
	advice := "use " + member + " of the metadata: see discovery.Server.Fill"
	if alias := s.MTLSEndpointAliases[member]; alias != "" && c.certificate && member != "authorization_endpoint" {
		named, advice = alias, "use "+member+" of mtls_endpoint_aliases (RFC 8705 section 5)"
	}
	if used != named {
		c.add("5.3.3.1", field, "is not the endpoint that the server's metadata name", advice)
	}
}

// connections checks what is known of the connections to the provider.
func (c *check) connections() {
	t, ok := endpoint.TransportOf(c.config.HTTPClient).(*http.Transport)
	if !ok || t.TLSClientConfig == nil {
		return
	}
	if t.TLSClientConfig.InsecureSkipVerify {
		c.add("5.2.1", "HTTPClient", "does not verify the server's certificate", "remove InsecureSkipVerify; a private authority belongs in RootCAs")
	}
	if v := t.TLSClientConfig.MinVersion; v != 0 && v < tls.VersionTLS12 {
		c.add("5.2.1", "HTTPClient", "allows "+tls.VersionName(v), "set MinVersion to TLS 1.2 or newer")
	}
}

// grant checks the grant.
func (c *check) grant() {
	if !c.consent {
		switch kind := c.config.Grant.GrantType(); {
		case kind == (connectorauth.ClientCredentials{}).GrantType():
		case kind == (connectorauth.PasswordCredentials{}).GrantType():
			c.add("5.3.2.1", "Grant", "sends the account owner's password", "use AuthorizationCode")
		default:
			c.add("5.3.3.2", "Grant", fmt.Sprintf("obtains tokens by %q", kind), "use AuthorizationCode")
		}
		return
	}
	if c.code.PushedAuthorizationRequestURL == "" {
		c.add("5.3.3.2", "Grant: PushedAuthorizationRequestURL", "is empty, so the browser carries the authorization request",
			"set the provider's endpoint for pushed authorization requests (RFC 9126)")
	}
	if u, err := url.Parse(c.code.AuthURL); err == nil && u.RawQuery != "" {
		c.add("5.3.3.2", "Grant: AuthURL", "has a query, which the browser carries beside client_id and request_uri",
			"move the parameters to Params, which are pushed")
	}
	if c.code.DisablePKCE {
		c.add("5.3.3.2", "Grant: DisablePKCE", "leaves out the code challenge", "remove DisablePKCE")
	} else if c.server != nil && !slices.Contains(c.server.CodeChallengeMethodsSupported, "S256") {
		c.add("5.3.2.2", "Metadata: code_challenge_methods_supported", "do not have S256", "ask the provider whether the server checks code challenges (RFC 7636)")
	}
	c.issuer()
}

// issuer checks that each callback must name the server.
func (c *check) issuer() {
	const advice = "set the issuer identifier of the metadata: see discovery.Server.Fill"
	switch {
	case c.code.Issuer == "":
		c.add("5.3.3.2", "Grant: Issuer", "is empty, so a callback without iss is accepted", advice)
	case c.server != nil && c.code.Issuer != c.server.Issuer:
		c.add("5.3.3.1", "Grant: Issuer", "is not the issuer of the metadata", advice)
	}
	if c.code.Issuer != "" && c.code.IssuerOptional {
		c.add("5.3.3.2", "Grant: IssuerOptional", "accepts a callback without iss (RFC 9207)", "remove IssuerOptional")
	}
	if c.server != nil && !c.server.IssParameterSupported {
		c.add("5.3.2.2", "Metadata: authorization_response_iss_parameter_supported", "is not true, so the server may leave out iss",
			"ask the provider for iss in callbacks (RFC 9207)")
	}
}

// protecting are the parameters of requests on which the profile relies.
var protecting = []string{"response_type", "state", "redirect_uri", "code_challenge", "code_challenge_method", "code", "code_verifier"}

// dialect checks how the provider departs from the standards.
func (c *check) dialect() {
	d := c.config.Dialect
	if d.Placement != (dialect.Placement{}) && !asBearer(d.Placement) {
		c.add("5.3.3.1", "Dialect: Placement", "sends the access token otherwise than RFC 6750 section 2.1 says", "remove Placement")
	}
	if d.TokenEncoding != "" && d.TokenEncoding != dialect.EncodeForm {
		c.add("5.3.3.2", "Dialect: TokenEncoding", "sends token requests by "+string(d.TokenEncoding), "remove TokenEncoding: token requests are POST requests with a form (RFC 6749 section 3.2)")
	}
	for _, name := range protecting {
		if sent, changed := d.AuthNames[name]; changed && sent != name {
			c.add("5.3.3.2", "Dialect: AuthNames", "rename or leave out "+name, "remove "+name)
		}
		if sent, changed := d.TokenNames[name]; changed && sent != name {
			c.add("5.3.3.2", "Dialect: TokenNames", "rename or leave out "+name, "remove "+name)
		}
	}
}

// asBearer reports whether p spells out where a token goes without a Placement.
func asBearer(p dialect.Placement) bool {
	return cmp.Or(p.In, dialect.InHeader) == dialect.InHeader && strings.EqualFold(cmp.Or(p.Name, "Authorization"), "Authorization") && strings.EqualFold(p.Prefix, "Bearer ")
}
