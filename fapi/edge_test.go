package fapi_test

import (
	"context"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/fapi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// toIssuer is a ClientAuth of another module, whose assertions are for the issuer of the
// token request.
type toIssuer struct{}

func (toIssuer) Authenticate(ctx context.Context, r *connectorauth.TokenRequest) error {
	return jwt(`{"alg":"ES256"}`, `{"aud":"`+r.Issuer+`"}`, 512).Authenticate(ctx, r)
}

// typed is a Proof of another module with other token types.
type typed struct {
	connectorauth.Proof
	types []string
}

func (p typed) TokenTypes() []string { return p.types }

// Of two findings that are near each other, each is found, and neither is found for the other.
func TestFindingsThatAreNear(t *testing.T) {
	type config = connectorauth.OAuth2Config
	plain := jwt(`{"alg":"ES256"}`, `{"aud":"`+issuer+`"}`, 512)
	code := func(c *config, change func(*connectorauth.AuthorizationCode)) {
		grant := c.Grant.(connectorauth.AuthorizationCode)
		change(&grant)
		c.Grant = grant
	}
	for name, test := range map[string]struct {
		change func(*config, *discovery.Server)
		want   []string
	}{
		"an assertion for the issuer of the request": {func(c *config, _ *discovery.Server) { c.ClientAuth = toIssuer{} }, nil},
		"a server that lists no algorithms": {func(_ *config, s *discovery.Server) {
			s.TokenEndpointAuthSigningAlgorithms, s.DPoPSigningAlgorithms = nil, nil
		}, nil},
		"an alias of the page for the browser": {func(c *config, s *discovery.Server) {
			c.ClientAuth, c.HTTPClient = connectorauth.ClientAuthTLS, certified()
			s.MTLSEndpointAliases = map[string]string{"authorization_endpoint": "https://mtls.bank.example.com/authorize"}
		}, nil},
		"a placement in other words": {func(c *config, s *discovery.Server) {
			c.ClientAuth, c.HTTPClient, c.Proof = connectorauth.ClientAuthTLS, certified(), nil
			s.MTLSEndpointAliases, s.CertificateBoundAccessTokens = nil, true
			c.Dialect.Placement = dialect.Placement{Prefix: "bearer ", Name: "Authorization"}
		}, nil},
		"a short key for RS256": {func(c *config, _ *discovery.Server) {
			c.ClientAuth = jwt(`{"alg":"RS256"}`, `{"aud":"`+issuer+`"}`, 1024)
		}, []string{`ClientAuth: signs by "RS256"`, "ClientAuth: signs with an RSA key of 1024 bits"}},
		"four parts":              {func(c *config, _ *discovery.Server) { c.ClientAuth = plain + ".x" }, []string{"ClientAuth: is neither"}},
		"a signature of no bytes": {func(c *config, _ *discovery.Server) { c.ClientAuth = plain + "!" }, []string{"ClientAuth: is neither"}},
		"a small letter": {func(c *config, _ *discovery.Server) {
			c.Proof = typed{proves(assertion.DPoPConfig{}), []string{"DPoP", "bearer"}}
		}, []string{"Proof: accepts Bearer"}},
		"no issuer, which may be left out": {func(c *config, _ *discovery.Server) {
			code(c, func(g *connectorauth.AuthorizationCode) { g.Issuer, g.IssuerOptional = "", true })
		}, []string{"Grant: Issuer: is empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			config, server := good()
			test.change(&config, server)
			found, err := fapi.Check(t.Context(), config, server)
			require.NoError(t, err)
			require.Len(t, found, len(test.want), "%v", found)
			for i, want := range test.want {
				assert.Contains(t, found[i].String(), want)
			}
		})
	}
}

// Where neither the config nor metadata name the issuer, nothing is said of the audience.
func TestAudienceOfAnUnknownIssuer(t *testing.T) {
	config, _ := good()
	grant := config.Grant.(connectorauth.AuthorizationCode)
	grant.Issuer = ""
	config.Grant = grant
	found, err := fapi.Check(t.Context(), config, nil)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, "Grant: Issuer", found[0].Field)
}
