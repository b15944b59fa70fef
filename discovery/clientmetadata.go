package discovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
)

// ClientMetadata are what a client says of itself (RFC 7591 section 2), at a registration
// and in a [ClientDocument]. An empty field is left out, unless its comment says otherwise.
type ClientMetadata struct {
	// RedirectURIs are where the server may send the browser: see connectorauth.OAuth2.Begin.
	// Required. A client that needs none, as with the grant DeviceCode alone, gives a URL on
	// loopback, such as http://127.0.0.1/callback.
	RedirectURIs []string `json:"redirect_uris,omitempty"`
	// TokenEndpointAuthMethod is the client authentication. Empty, at a registration, means
	// what the server supports: of a program on a web server client_secret_basic,
	// client_secret_post or none, in this order; of another program none first. Empty, in a
	// ClientDocument, means none.
	TokenEndpointAuthMethod connectorauth.ClientAuthMethod `json:"token_endpoint_auth_method,omitempty"`
	// GrantTypes are the grant types. Empty means authorization_code, and refresh_token
	// unless the server lists grant types without refresh_token.
	GrantTypes []string `json:"grant_types,omitempty"`
	// ResponseTypes are the response types. Empty means code.
	ResponseTypes []string `json:"response_types,omitempty"`
	// ApplicationType is native or web (OpenID Connect Registration section 2). Empty means
	// web if the first of RedirectURIs is an https URL and not on loopback, else native.
	ApplicationType string `json:"application_type,omitempty"`
	// Scope are the scopes that the client may ask for, with a space between two.
	Scope string `json:"scope,omitempty"`

	// For people, on the pages of the server.
	ClientName string   `json:"client_name,omitempty"`
	ClientURI  string   `json:"client_uri,omitempty"`
	LogoURI    string   `json:"logo_uri,omitempty"`
	TOSURI     string   `json:"tos_uri,omitempty"`
	PolicyURI  string   `json:"policy_uri,omitempty"`
	Contacts   []string `json:"contacts,omitempty"`

	// JWKSURI or JWKS are the public keys of private_key_jwt (RFC 7517).
	JWKSURI         string          `json:"jwks_uri,omitempty"`
	JWKS            json.RawMessage `json:"jwks,omitempty"`
	SoftwareID      string          `json:"software_id,omitempty"`
	SoftwareVersion string          `json:"software_version,omitempty"`

	// Further are other members, such as "client_name#de", by name. A member above wins.
	Further map[string]any `json:"-"`
}

// members returns the members of m.
func (m ClientMetadata) members() map[string]any {
	type plain ClientMetadata
	members := maps.Clone(m.Further)
	if members == nil {
		members = map[string]any{}
	}
	text, _ := json.Marshal(plain(m)) // check has read JWKS: cannot fail
	var own map[string]any
	json.Unmarshal(text, &own)
	maps.Copy(members, own)
	return members
}

// check lists what is wrong with m.
func (m ClientMetadata) check(problems *check.List) {
	if len(m.RedirectURIs) == 0 {
		problems.Add("RedirectURIs: is empty; a client that needs none gives a URL on loopback, such as http://127.0.0.1/callback")
	}
	for _, redirect := range m.RedirectURIs {
		if !pending.Native(redirect) {
			_, err := origin.Endpoint(redirect)
			problems.Field("RedirectURIs", err)
		}
	}
	for _, page := range []struct{ field, url string }{
		{"ClientURI", m.ClientURI}, {"LogoURI", m.LogoURI}, {"TOSURI", m.TOSURI}, {"PolicyURI", m.PolicyURI}, {"JWKSURI", m.JWKSURI},
	} {
		if page.url != "" {
			_, err := origin.Endpoint(page.url)
			problems.Field(page.field, err)
		}
	}
	if m.JWKSURI != "" && m.JWKS != nil {
		problems.Add("JWKS: exclude JWKSURI (RFC 7591 section 2)")
	}
	problems.Field("JWKS", checkPublic(m.JWKS))
	if set, ok := m.Further["jwks"]; ok {
		text, _ := json.Marshal(set) // the loop below names what cannot be written
		problems.Field("Further: jwks", checkPublic(text))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Further)) {
		if _, err := json.Marshal(m.Further[name]); err != nil || name == "" || strings.Contains(name, "secret") {
			problems.Add("Further: %q is no member of client metadata", name)
		}
	}
}

// checkPublic refuses a JWK Set with anything but public keys: whoever sees the client
// metadata sees the keys.
func checkPublic(set json.RawMessage) error {
	if set == nil {
		return nil
	}
	var jwks struct {
		Keys []map[string]any `json:"keys"`
	}
	if decode(set, &jwks) != nil || len(jwks.Keys) == 0 {
		return errors.New("is no JWK Set with keys (RFC 7517 section 5)")
	}
	for i, key := range jwks.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if key[private] != nil {
				return fmt.Errorf("keys[%d] has the member %s of a private or secret key; give the public key", i, private)
			}
		}
	}
	return nil
}

// native reports whether m is of a program that is not on a web server.
func (m ClientMetadata) native() bool {
	u, err := url.Parse(m.RedirectURIs[0])
	return err != nil || u.Scheme != "https" || loopback(u)
}

// withDefaults returns m with the fields that a registration at s needs.
func (m ClientMetadata) withDefaults(s *Server) (ClientMetadata, error) {
	if m.ApplicationType == "" {
		m.ApplicationType = "web"
		if m.native() {
			m.ApplicationType = "native"
		}
	}
	if m.ResponseTypes == nil {
		m.ResponseTypes = []string{"code"}
	}
	if m.GrantTypes == nil {
		m.GrantTypes = []string{"authorization_code"}
		if s.GrantTypesSupported == nil || slices.Contains(s.GrantTypesSupported, "refresh_token") {
			m.GrantTypes = append(m.GrantTypes, "refresh_token")
		}
	}
	if m.TokenEndpointAuthMethod != "" {
		return m, nil
	}
	order := []connectorauth.ClientAuthMethod{connectorauth.ClientSecretBasic, connectorauth.ClientSecretPost, connectorauth.ClientAuthNone}
	if m.ApplicationType == "native" {
		order = append(order[2:], order[:2]...)
	}
	method, err := choose(s.TokenEndpointAuthMethodsSupported, order...)
	m.TokenEndpointAuthMethod = method
	return m, err
}
