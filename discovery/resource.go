package discovery

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// A Resource is the metadata of an API, the protected resource of RFC 9728 section 2.
// Members that are not listed here are left out. A list that is nil was absent. A Resource
// is shared by all who asked: do not change a Resource.
type Resource struct {
	// Resource is the resource identifier, for the parameter resource of RFC 8707.
	Resource string `json:"resource"`
	// AuthorizationServers are issuers, for [Finder.Server]. The program chooses one. What a
	// client has of one issuer, such as a registration or a token, is for that issuer alone.
	AuthorizationServers []string `json:"authorization_servers,omitzero"`

	ScopesSupported        []string `json:"scopes_supported,omitzero"`
	BearerMethodsSupported []string `json:"bearer_methods_supported,omitzero"` // header, body or query
	DPoPSigningAlgorithms  []string `json:"dpop_signing_alg_values_supported,omitzero"`
	Name                   string   `json:"resource_name,omitempty"` // for people
	// DPoPRequired: access tokens must be bound to a key (RFC 9449).
	DPoPRequired bool `json:"dpop_bound_access_tokens_required,omitempty"`
	// CertificateRequired: access tokens are bound to a client certificate (RFC 8705).
	CertificateRequired bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`
}

// check checks metadata that were found for the API at the URL at.
func (r *Resource) check(at string) error {
	u, err := url.Parse(at)
	if err != nil {
		return err
	}
	is, err := parse(r.Resource)
	if err != nil {
		return fmt.Errorf("resource: %w", err)
	}
	if !origin.Covers(is, u) {
		return fmt.Errorf("the metadata are those of the resource %q, not of %q (RFC 9728 section 3.3)", scrub.Text(scrub.WithoutQuery(r.Resource), 200), scrub.WithoutQuery(at))
	}
	for _, issuer := range r.AuthorizationServers {
		_, err := parseIssuer(issuer)
		if err == nil {
			err = checkEndpoint(is, issuer)
		}
		if err != nil {
			return fmt.Errorf("authorization_servers: %w", err)
		}
	}
	return nil
}

// Fill completes a config for the API: Hosts are the origin of the API, and Scopes are
// those that the metadata name, each unless the config has some. RFC 6750 section 3 lets
// a 401 ask for scopes, which are better than those of the metadata.
func (r *Resource) Fill(config *connectorauth.OAuth2Config) {
	if len(config.Hosts) == 0 {
		u, err := url.Parse(r.Resource)
		if err == nil {
			config.Hosts = []string{u.Scheme + "://" + u.Host}
		}
	}
	if len(config.Scopes) == 0 {
		config.Scopes = slices.Clone(r.ScopesSupported)
	}
}
