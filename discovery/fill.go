package discovery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// Fill completes a config for the authorization server. What the config has, stays:
//
//   - TokenURL, RevokeURL, and AuthURL of the AuthorizationCode grant, which is also the
//     Grant of a config without one. DeviceURL of the DeviceCode grant. With the client
//     authentication ClientAuthTLS or ClientAuthSelfSignedTLS, the endpoints for certificates
//     (RFC 8705 section 5).
//   - PushedAuthorizationRequestURL of the AuthorizationCode grant, if the server requires
//     pushed authorization requests of all clients (RFC 9126 section 5). A server may require
//     them of one client: then the program sets the URL.
//   - Issuer of the grant, the Issuer of the metadata. IssuerOptional unless the server
//     promises to name itself in each callback (RFC 9207 section 3).
//   - ClientAuth of a client with a secret: ClientSecretBasic if the server takes that
//     method or names none (RFC 8414 section 2), else ClientSecretPost. A server that takes
//     neither needs a ClientAuth of the program's, as from package assertion. A config
//     without a secret is a public client: ClientAuthNone.
//   - HTTPClient, that of the Finder, so the token requests reach no other addresses
//     than the Finder.
//   - Scopes stay as they are, without offline_access if the server lists scopes and not
//     that one.
//
// Fill returns an error if the metadata exclude the config: another response type or grant
// type, or code challenge methods without S256. RFC 9700 section 2.1.1 wants a code
// challenge, so Fill also refuses DisablePKCE where the server knows S256. Where the
// metadata name no code challenge methods, the connector sends a code challenge all the
// same. A program that must refuse such servers, as MCP clients must, looks at
// CodeChallengeMethodsSupported.
//
// After an error, the config is as before.
func (s *Server) Fill(config *connectorauth.OAuth2Config) error {
	var problems check.List
	c := *config
	certificate := c.ClientAuth == connectorauth.ClientAuthTLS || c.ClientAuth == connectorauth.ClientAuthSelfSignedTLS
	at := func(name, endpoint string) string {
		if alias := s.MTLSEndpointAliases[name]; certificate && alias != "" {
			return alias
		}
		return endpoint
	}
	c.TokenURL = cmp.Or(c.TokenURL, at("token_endpoint", s.TokenEndpoint))
	c.RevokeURL = cmp.Or(c.RevokeURL, at("revocation_endpoint", s.RevocationEndpoint))
	if c.TokenURL == "" {
		problems.Add("TokenURL: the server names no token_endpoint")
	}
	if c.Grant == nil {
		c.Grant = connectorauth.AuthorizationCode{}
	}
	switch grant := c.Grant.(type) {
	case connectorauth.AuthorizationCode:
		s.fillGrant(&problems, &grant)
		if s.RequirePushedAuthorizationRequests {
			grant.PushedAuthorizationRequestURL = cmp.Or(grant.PushedAuthorizationRequestURL, at("pushed_authorization_request_endpoint", s.PushedAuthorizationRequestEndpoint))
			if grant.PushedAuthorizationRequestURL == "" {
				problems.Add("Grant: the server requires pushed authorization requests, and names no pushed_authorization_request_endpoint")
			}
		}
		c.Grant = grant
	case connectorauth.DeviceCode:
		grant.DeviceURL = cmp.Or(grant.DeviceURL, at("device_authorization_endpoint", s.DeviceAuthorizationEndpoint))
		if grant.DeviceURL == "" {
			problems.Add("Grant: the server names no device_authorization_endpoint")
		}
		c.Grant = grant
	}
	problems.NilPointer("Grant", c.Grant)
	if kinds := s.GrantTypesSupported; kinds != nil && !check.IsNil(c.Grant) && !slices.Contains(kinds, c.Grant.GrantType()) {
		problems.Add("Grant: the server does not list %s in grant_types_supported", c.Grant.GrantType())
	}
	if c.ClientAuth == nil {
		method, err := s.clientAuth(c.ClientSecret != "")
		problems.Field("ClientAuth", err)
		c.ClientAuth = method
	}
	if s.ScopesSupported != nil && !slices.Contains(s.ScopesSupported, offlineAccess) {
		c.Scopes = slices.DeleteFunc(slices.Clone(c.Scopes), func(scope string) bool { return scope == offlineAccess })
	}
	if c.HTTPClient == nil {
		c.HTTPClient = s.client
	}
	if err := problems.Err("metadata of " + s.Issuer); err != nil {
		return err
	}
	*config = c
	return nil
}

// offlineAccess is the scope of OpenID Connect for a refresh token.
const offlineAccess = "offline_access"

// fillGrant completes a grant.
func (s *Server) fillGrant(problems *check.List, code *connectorauth.AuthorizationCode) {
	code.AuthURL = cmp.Or(code.AuthURL, s.AuthorizationEndpoint)
	if code.AuthURL == "" {
		problems.Add("Grant: the server names no authorization_endpoint")
	}
	if code.Issuer == "" {
		code.Issuer, code.IssuerOptional = s.Issuer, !s.IssParameterSupported
	}
	if kinds := s.ResponseTypesSupported; kinds != nil && !slices.Contains(kinds, "code") {
		problems.Add("Grant: the server does not list code in response_types_supported")
	}
	methods := s.CodeChallengeMethodsSupported
	switch s256 := slices.Contains(methods, "S256"); {
	case s256 && code.DisablePKCE:
		problems.Add("Grant: remove DisablePKCE: the server takes code challenges by S256 (RFC 9700 section 2.1.1)")
	case methods != nil && !s256 && !code.DisablePKCE:
		problems.Add("Grant: the server takes no code challenges by S256 (RFC 7636 section 4.2)")
	}
}

// clientAuth chooses a client authentication.
func (s *Server) clientAuth(secret bool) (connectorauth.ClientAuth, error) {
	if !secret {
		return connectorauth.ClientAuthNone, nil
	}
	return choose(s.TokenEndpointAuthMethodsSupported, connectorauth.ClientSecretBasic, connectorauth.ClientSecretPost)
}

// choose returns the first of wanted that the server supports. A server that says nothing
// supports ClientSecretBasic (RFC 8414 section 2), and public clients.
func choose(supported []string, wanted ...connectorauth.ClientAuthMethod) (connectorauth.ClientAuthMethod, error) {
	for _, method := range wanted {
		if slices.Contains(supported, string(method)) || supported == nil && method != connectorauth.ClientSecretPost {
			return method, nil
		}
	}
	return "", fmt.Errorf("the server takes %s only; give a ClientAuth that does so, as package assertion has", scrub.Text(strings.Join(supported, ", "), 200))
}
