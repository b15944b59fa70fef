package fapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// algorithms are those of section 5.4.1.
var algorithms = []string{"PS256", "ES256", "EdDSA"}

// A signed is a compact JWS (RFC 7515 section 7.1), as far as Check reads one.
type signed struct {
	algorithm string
	audience  json.RawMessage // as written; empty if absent
	bits      int             // of the signature, which are those of an RSA key
}

// parse reads text, and reports whether text is a JWS.
func parse(text string) (s signed, ok bool) {
	parts := strings.SplitN(text, ".", 4)
	if len(parts) != 3 {
		return s, false
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	var claims struct {
		Audience json.RawMessage `json:"aud"`
	}
	for i, into := range []any{&header, &claims} {
		part, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(part, into) != nil {
			return s, false
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	return signed{header.Algorithm, claims.Audience, 8 * len(signature)}, err == nil
}

// signature checks how s was signed. supported is what the server lists under member.
func (c *check) signature(s signed, field, member string, supported []string) {
	if !slices.Contains(algorithms, s.algorithm) {
		c.add("5.4.1", field, fmt.Sprintf("signs by %.20q", s.algorithm), "use a key for ES256, PS256 or EdDSA")
	} else if c.server != nil && supported != nil && !slices.Contains(supported, s.algorithm) {
		c.add("5.4.1", field, fmt.Sprintf("signs by %.20q, which the server does not list in %s", s.algorithm, member), "use one of "+strings.Join(supported, ", "))
	}
	if strings.HasPrefix(s.algorithm, "PS") || strings.HasPrefix(s.algorithm, "RS") {
		if s.bits < 2048 {
			c.add("5.4.1", field, fmt.Sprintf("signs with an RSA key of %d bits", s.bits), "use an RSA key of 2048 bits or more")
		}
	}
}

// clientAuth checks the client authentication.
func (c *check) clientAuth(ctx context.Context) error {
	const advice = "use assertion.NewClientAuth with a private key, ClientAuthTLS or ClientAuthSelfSignedTLS"
	var sent url.Values
	method, words := c.config.ClientAuth.(connectorauth.ClientAuthMethod)
	switch {
	case method == connectorauth.ClientAuthTLS, method == connectorauth.ClientAuthSelfSignedTLS:
		c.listed(string(method))
		return nil
	case c.config.ClientAuth == nil, words:
	default:
		r := &connectorauth.TokenRequest{Endpoint: c.config.TokenURL, Issuer: c.code.Issuer, ClientID: c.config.ClientID, ClientSecret: c.config.ClientSecret,
			Params: url.Values{}, Header: http.Header{}}
		if err := c.config.ClientAuth.Authenticate(ctx, r); err != nil {
			return fmt.Errorf("fapi: the client authentication: %w", scrub.Withhold(err, endpoint.Secrets(r.Params, r.Header, r.ClientID, string(r.ClientSecret))...))
		}
		sent = r.Params
	}
	s, ok := parse(sent.Get("client_assertion"))
	switch {
	case !ok:
		c.add("5.3.3.1", "ClientAuth", "is neither private_key_jwt nor a client certificate", advice)
		return nil
	case strings.HasPrefix(s.algorithm, "HS"):
		c.add("5.3.3.1", "ClientAuth", "signs with a secret, which is client_secret_jwt", advice)
		return nil
	}
	c.listed("private_key_jwt")
	var supported []string
	if c.server != nil {
		supported = c.server.TokenEndpointAuthSigningAlgorithms
	}
	c.signature(s, "ClientAuth", "token_endpoint_auth_signing_alg_values_supported", supported)
	c.audience(s)
	return nil
}

// listed checks that the server takes a method of client authentication.
func (c *check) listed(method string) {
	if c.server != nil && !slices.Contains(c.server.TokenEndpointAuthMethodsSupported, method) {
		c.add("5.3.3.1", "ClientAuth", "is "+method+", which the server does not list in token_endpoint_auth_methods_supported",
			"use a method that both the server and the profile know")
	}
}

// audience checks that an assertion is for the issuer, and for nobody else.
func (c *check) audience(s signed) {
	issuer := c.code.Issuer
	if c.server != nil {
		issuer = c.server.Issuer
	}
	var one string
	if json.Unmarshal(s.audience, &one) != nil || bytes.Equal(s.audience, []byte("null")) {
		c.add("5.3.3.1", "ClientAuth", "has no single string as the audience of its assertions", "set the issuer identifier as Claims.Audience")
	} else if issuer != "" && one != issuer || one == c.config.TokenURL {
		c.add("5.3.3.1", "ClientAuth", "does not have the issuer identifier as the audience of its assertions", "set the issuer identifier as Claims.Audience")
	}
}

// proof checks that tokens are bound to a key or to a certificate.
func (c *check) proof() error {
	const advice = "use assertion.NewDPoP"
	proof := c.config.Proof
	switch {
	case proof == nil && !c.certificate:
		c.add("5.3.3.1", "Proof", "is empty, so whoever steals a token can use the token", advice+", or a client certificate")
		return nil
	case proof == nil:
		if c.server != nil && !c.server.CertificateBoundAccessTokens {
			c.add("5.3.3.1", "Proof", "is empty, and the server does not bind tokens to certificates (tls_client_certificate_bound_access_tokens)", advice)
		}
		return nil
	}
	if slices.ContainsFunc(proof.TokenTypes(), func(t string) bool { return strings.EqualFold(t, "Bearer") }) {
		c.add("5.3.3.1", "Proof", "accepts Bearer tokens, which are bound to no key", "remove AllowBearer")
	}
	key, err := proof.NewKey()
	if err != nil {
		return fmt.Errorf("fapi: the proof of possession: %w", err)
	}
	req, err := http.NewRequest(http.MethodPost, c.config.TokenURL, nil)
	if err != nil {
		return err
	}
	if err := proof.Prove(req, key, ""); err != nil {
		return fmt.Errorf("fapi: the proof of possession: %w", scrub.Withhold(err, scrub.Spellings(string(key))...))
	}
	s, ok := parse(req.Header.Get("DPoP"))
	if !ok {
		c.add("5.3.3.1", "Proof", "sends no proof in the header DPoP (RFC 9449 section 4)", advice)
		return nil
	}
	var supported []string
	if c.server != nil {
		supported = c.server.DPoPSigningAlgorithms
	}
	c.signature(s, "Proof", "dpop_signing_alg_values_supported", supported)
	return nil
}
