package discovery

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/scrub"
)

// A Server is the metadata of an authorization server (RFC 8414 section 2), or of an OpenID
// provider. Members that are not listed here are left out. A list that is nil was absent.
// A Server is shared by all who asked: do not change a Server.
type Server struct {
	// Issuer is the issuer identifier as the metadata have it.
	Issuer string `json:"issuer"`

	// Endpoints. Empty means that the server names none. Each is an https URL, or an http URL
	// on loopback if the issuer is on loopback.
	AuthorizationEndpoint              string `json:"authorization_endpoint,omitempty"`
	TokenEndpoint                      string `json:"token_endpoint,omitempty"`
	RevocationEndpoint                 string `json:"revocation_endpoint,omitempty"`
	RegistrationEndpoint               string `json:"registration_endpoint,omitempty"`
	PushedAuthorizationRequestEndpoint string `json:"pushed_authorization_request_endpoint,omitempty"` // RFC 9126
	DeviceAuthorizationEndpoint        string `json:"device_authorization_endpoint,omitempty"`         // RFC 8628
	UserinfoEndpoint                   string `json:"userinfo_endpoint,omitempty"`                     // OpenID Connect
	JWKSURI                            string `json:"jwks_uri,omitempty"`
	// MTLSEndpointAliases are the endpoints for clients with a certificate, by the names of
	// the members above (RFC 8705 section 5).
	MTLSEndpointAliases map[string]string `json:"mtls_endpoint_aliases,omitempty"`

	ScopesSupported                    []string `json:"scopes_supported,omitzero"`
	ResponseTypesSupported             []string `json:"response_types_supported,omitzero"`
	ResponseModesSupported             []string `json:"response_modes_supported,omitzero"`
	GrantTypesSupported                []string `json:"grant_types_supported,omitzero"`
	CodeChallengeMethodsSupported      []string `json:"code_challenge_methods_supported,omitzero"`
	TokenEndpointAuthMethodsSupported  []string `json:"token_endpoint_auth_methods_supported,omitzero"`
	TokenEndpointAuthSigningAlgorithms []string `json:"token_endpoint_auth_signing_alg_values_supported,omitzero"`
	DPoPSigningAlgorithms              []string `json:"dpop_signing_alg_values_supported,omitzero"` // RFC 9449
	PromptValuesSupported              []string `json:"prompt_values_supported,omitzero"`

	// IssParameterSupported: each callback has iss (RFC 9207 section 3).
	IssParameterSupported bool `json:"authorization_response_iss_parameter_supported,omitempty"`
	// RequirePushedAuthorizationRequests: an authorization request must be pushed (RFC 9126).
	RequirePushedAuthorizationRequests bool `json:"require_pushed_authorization_requests,omitempty"`
	// CertificateBoundAccessTokens: access tokens can be bound to a client certificate (RFC
	// 8705 section 3.3).
	CertificateBoundAccessTokens bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	// ClientIDMetadataDocumentSupported: the client_id may be the URL of a [ClientDocument].
	ClientIDMetadataDocumentSupported bool `json:"client_id_metadata_document_supported,omitempty"`

	client *http.Client // of the Finder
}

// check checks metadata that were found for issuer.
func (s *Server) check(issuer string) error {
	if !sameIssuer(s.Issuer, issuer) {
		return fmt.Errorf("the metadata are those of the issuer %q, not of %q (RFC 8414 section 3.3)", scrub.Text(s.Issuer, 200), issuer)
	}
	from, err := parseIssuer(s.Issuer)
	if err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	endpoints := map[string]string{
		"authorization_endpoint": s.AuthorizationEndpoint, "token_endpoint": s.TokenEndpoint, "revocation_endpoint": s.RevocationEndpoint,
		"registration_endpoint": s.RegistrationEndpoint, "pushed_authorization_request_endpoint": s.PushedAuthorizationRequestEndpoint,
		"device_authorization_endpoint": s.DeviceAuthorizationEndpoint, "userinfo_endpoint": s.UserinfoEndpoint, "jwks_uri": s.JWKSURI,
	}
	for name, alias := range s.MTLSEndpointAliases {
		endpoints["mtls_endpoint_aliases."+name] = alias
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		if endpoints[name] != "" && len(problems) < 10 {
			if err := checkEndpoint(from, endpoints[name]); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", scrub.Text(name, 64), err))
			}
		}
	}
	return errors.Join(problems...)
}

// IsOf reports whether the metadata are those of an issuer: see [Finder.Server].
func (s *Server) IsOf(issuer string) bool { return sameIssuer(s.Issuer, issuer) }

// sameIssuer compares issuer identifiers to the letter, but for a lone slash as the path:
// some servers write https://accounts.example in one place and https://accounts.example/ in
// another.
func sameIssuer(a, b string) bool {
	if a == b {
		return true
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	u, err := url.Parse(a)
	return err == nil && a+"/" == b && u.Host != "" && u.Path == "" && !strings.ContainsAny(a, "?#")
}
