package fapi_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/fapi"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

const issuer = "https://bank.example.com"

var (
	ecKey  = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	rsaKey = must(rsa.GenerateKey(rand.Reader, 2048))
)

// keyOf returns a key for an algorithm.
func keyOf(private crypto.Signer, a assertion.Algorithm) *assertion.Key {
	der := must(x509.MarshalPKCS8PrivateKey(private))
	return must(assertion.NewKey(assertion.KeyConfig{Private: connectorauth.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), Algorithm: a}))
}

// signs returns the client authentication by private_key_jwt.
func signs(key *assertion.Key, audience string) connectorauth.ClientAuth {
	return must(assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: audience}}))
}

// proves returns a Proof.
func proves(config assertion.DPoPConfig) connectorauth.Proof { return must(assertion.NewDPoP(config)) }

// certified returns a client that presents a certificate.
func certified() *http.Client {
	return &http.Client{Transport: must(assertion.NewCertificateTransport(assertion.CertificateConfig{
		Certificate: func(context.Context) (*tls.Certificate, error) { return nil, errors.New("not asked for") },
	}))}
}

// good returns a config and metadata without a finding.
func good() (connectorauth.OAuth2Config, *discovery.Server) {
	return connectorauth.OAuth2Config{
			ClientID: "client", TokenURL: issuer + "/token", RevokeURL: issuer + "/revoke", Hosts: []string{"api.bank.example.com"},
			Grant: connectorauth.AuthorizationCode{
				AuthURL: issuer + "/authorize", PushedAuthorizationRequestURL: issuer + "/par", Issuer: issuer,
			},
			ClientAuth: signs(keyOf(ecKey, assertion.ES256), issuer), Proof: proves(assertion.DPoPConfig{}),
		}, &discovery.Server{
			Issuer: issuer, AuthorizationEndpoint: issuer + "/authorize", TokenEndpoint: issuer + "/token",
			RevocationEndpoint: issuer + "/revoke", PushedAuthorizationRequestEndpoint: issuer + "/par",
			MTLSEndpointAliases:                map[string]string{"token_endpoint": "https://mtls.bank.example.com/token"},
			CodeChallengeMethodsSupported:      []string{"S256"},
			TokenEndpointAuthMethodsSupported:  []string{"private_key_jwt", "tls_client_auth"},
			TokenEndpointAuthSigningAlgorithms: []string{"ES256", "PS256"},
			DPoPSigningAlgorithms:              []string{"ES256"},
			IssParameterSupported:              true,
		}
}

func TestConfigThatMeetsTheProfile(t *testing.T) {
	config, server := good()
	for _, s := range []*discovery.Server{server, nil} {
		found, err := fapi.Check(t.Context(), config, s)
		require.NoError(t, err)
		assert.Empty(t, found)
	}
	config.ClientAuth = signs(keyOf(rsaKey, assertion.PS256), issuer)
	found, err := fapi.Check(t.Context(), config, server)
	require.NoError(t, err)
	assert.Empty(t, found)

	// Certificates authenticate the client, and tokens are bound to the certificate.
	config.ClientAuth, config.Proof, config.HTTPClient = connectorauth.ClientAuthTLS, nil, certified()
	config.TokenURL, server.CertificateBoundAccessTokens = server.MTLSEndpointAliases["token_endpoint"], true
	found, err = fapi.Check(t.Context(), config, server)
	require.NoError(t, err)
	assert.Empty(t, found)

	// Without an account owner, nothing is asked of a consent.
	config, server = good()
	config.Grant = connectorauth.ClientCredentials{}
	found, err = fapi.Check(t.Context(), config, server)
	require.NoError(t, err)
	assert.Empty(t, found)

	// The words of a dialect may say what is so without the words.
	config, _ = good()
	config.Proof, config.HTTPClient, config.ClientAuth = nil, certified(), connectorauth.ClientAuthSelfSignedTLS
	config.Dialect = dialect.OAuth2{TokenEncoding: dialect.EncodeForm, Placement: dialect.Placement{In: dialect.InHeader, Name: "authorization", Prefix: "Bearer "}, AuthNames: map[string]string{"scope": "scopes"}}
	found, err = fapi.Check(t.Context(), config, nil)
	require.NoError(t, err)
	assert.Empty(t, found)
}

// assertionOf is a ClientAuth of another module, which sends text.
type assertionOf string

func (a assertionOf) Authenticate(_ context.Context, r *connectorauth.TokenRequest) error {
	if strings.HasPrefix(string(a), "error") {
		r.Params.Set("client_assertion", "secret-of-a-vault")
		return errors.New(string(a) + " secret-of-a-vault")
	}
	r.Params.Set("client_assertion", string(a))
	return nil
}

// jwt returns a JWS with a signature of some bits.
func jwt(header, claims string, bits int) assertionOf {
	encode := base64.RawURLEncoding.EncodeToString
	return assertionOf(encode([]byte(header)) + "." + encode([]byte(claims)) + "." + encode(make([]byte, bits/8)))
}

// proofOf is a Proof of another module.
type proofOf struct {
	connectorauth.Proof
	key, prove error
}

func (p proofOf) NewKey() (connectorauth.Secret, error) { return "proof-key", p.key }
func (p proofOf) Prove(req *http.Request, key, _ connectorauth.Secret) error {
	req.Header.Set("X-Proof", string(key))
	return p.prove
}

func TestFindings(t *testing.T) {
	type config = connectorauth.OAuth2Config
	code := func(change func(*connectorauth.AuthorizationCode)) func(*config, *discovery.Server) {
		return func(c *config, _ *discovery.Server) {
			grant := c.Grant.(connectorauth.AuthorizationCode)
			change(&grant)
			c.Grant = grant
		}
	}
	secret := must(assertion.NewKey(assertion.KeyConfig{Secret: "a secret of thirty-two bytes or more"}))
	for name, test := range map[string]struct {
		change func(*config, *discovery.Server)
		want   []string
	}{
		"no PAR":          {code(func(g *connectorauth.AuthorizationCode) { g.PushedAuthorizationRequestURL = "" }), []string{"5.3.3.2 Grant: PushedAuthorizationRequestURL is empty"}},
		"a query":         {code(func(g *connectorauth.AuthorizationCode) { g.AuthURL += "?tenant=a" }), []string{"5.3.3.1 Grant: AuthURL is not the endpoint", "5.3.3.2 Grant: AuthURL has a query"}},
		"no PKCE":         {code(func(g *connectorauth.AuthorizationCode) { g.DisablePKCE = true }), []string{"5.3.3.2 Grant: DisablePKCE leaves out"}},
		"no issuer":       {code(func(g *connectorauth.AuthorizationCode) { g.Issuer = "" }), []string{"5.3.3.2 Grant: Issuer is empty"}},
		"another issuer":  {code(func(g *connectorauth.AuthorizationCode) { g.Issuer += "/" }), []string{"5.3.3.1 Grant: Issuer is not the issuer"}},
		"iss optional":    {code(func(g *connectorauth.AuthorizationCode) { g.IssuerOptional = true }), []string{"5.3.3.2 Grant: IssuerOptional accepts"}},
		"no iss promised": {func(_ *config, s *discovery.Server) { s.IssParameterSupported = false }, []string{"5.3.2.2 Metadata: authorization_response_iss_parameter_supported is not true"}},
		"S256 not listed": {func(_ *config, s *discovery.Server) { s.CodeChallengeMethodsSupported = nil }, []string{"5.3.2.2 Metadata: code_challenge_methods_supported do not have S256"}},
		"password": {func(c *config, _ *discovery.Server) {
			c.Grant = connectorauth.PasswordCredentials{Username: "u", Password: "p"}
		}, []string{"5.3.2.1 Grant sends the account owner's password"}},
		"device": {func(c *config, _ *discovery.Server) {
			c.Grant = connectorauth.DeviceCode{DeviceURL: issuer + "/device"}
		}, []string{`5.3.3.2 Grant obtains tokens by "urn:ietf:params:oauth:grant-type:device_code"`}},
		"http on loopback":   {func(c *config, _ *discovery.Server) { c.RevokeURL = "http://127.0.0.1/revoke" }, []string{"5.2.1 RevokeURL is no https URL", "5.3.3.1 RevokeURL is not the endpoint"}},
		"http for refreshes": {func(c *config, _ *discovery.Server) { c.Dialect.RefreshURL = "http://localhost/refresh" }, []string{"5.2.1 Dialect: RefreshURL is no https URL"}},
		"an API over http":   {func(c *config, _ *discovery.Server) { c.Hosts = append(c.Hosts, "HTTP://api.bank.example.com") }, []string{`5.2.1 Hosts "HTTP://api.bank.example.com" is no https origin`}},
		"another token URL":  {func(c *config, _ *discovery.Server) { c.TokenURL = "https://other.example.com/token" }, []string{"5.3.3.1 TokenURL is not the endpoint"}},
		"an old TLS": {func(c *config, _ *discovery.Server) {
			c.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS11}}}
		}, []string{"5.2.1 HTTPClient allows TLS 1.1"}},
		"nobody verified": {func(c *config, _ *discovery.Server) {
			c.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		}, []string{"5.2.1 HTTPClient does not verify"}},
		"a verified server": {func(c *config, _ *discovery.Server) {
			c.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}}
		}, nil},
		"a secret": {func(c *config, _ *discovery.Server) { c.ClientAuth, c.ClientSecret = nil, "s" }, []string{"5.3.3.1 ClientAuth is neither"}},
		"a secret in Basic": {func(c *config, _ *discovery.Server) {
			c.ClientAuth, c.ClientSecret = connectorauth.ClientSecretBasic, "s"
		}, []string{"5.3.3.1 ClientAuth is neither"}},
		"a public client":   {func(c *config, _ *discovery.Server) { c.ClientAuth = connectorauth.ClientAuthNone }, []string{"5.3.3.1 ClientAuth is neither"}},
		"client_secret_jwt": {func(c *config, _ *discovery.Server) { c.ClientAuth = signs(secret, issuer) }, []string{"5.3.3.1 ClientAuth signs with a secret"}},
		"RS256":             {func(c *config, _ *discovery.Server) { c.ClientAuth = signs(keyOf(rsaKey, assertion.RS256), issuer) }, []string{`5.4.1 ClientAuth signs by "RS256"`}},
		"not listed":        {func(_ *config, s *discovery.Server) { s.TokenEndpointAuthSigningAlgorithms = []string{"PS256"} }, []string{`5.4.1 ClientAuth signs by "ES256", which the server does not list`}},
		"method not listed": {func(_ *config, s *discovery.Server) {
			s.TokenEndpointAuthMethodsSupported = []string{"tls_client_auth"}
		}, []string{"5.3.3.1 ClientAuth is private_key_jwt, which the server does not list"}},
		"the token URL": {func(c *config, _ *discovery.Server) { c.ClientAuth = signs(keyOf(ecKey, assertion.ES256), c.TokenURL) }, []string{"5.3.3.1 ClientAuth does not have the issuer"}},
		"two audiences": {func(c *config, _ *discovery.Server) {
			c.ClientAuth = jwt(`{"alg":"ES256"}`, `{"aud":["`+issuer+`"]}`, 512)
		}, []string{"5.3.3.1 ClientAuth has no single string"}},
		"no audience":     {func(c *config, _ *discovery.Server) { c.ClientAuth = jwt(`{"alg":"ES256"}`, `{}`, 512) }, []string{"5.3.3.1 ClientAuth has no single string"}},
		"a null audience": {func(c *config, _ *discovery.Server) { c.ClientAuth = jwt(`{"alg":"ES256"}`, `{"aud":null}`, 512) }, []string{"5.3.3.1 ClientAuth has no single string"}},
		"alg none":        {func(c *config, _ *discovery.Server) { c.ClientAuth = jwt(`{"alg":"none"}`, `{"aud":"`+issuer+`"}`, 0) }, []string{`5.4.1 ClientAuth signs by "none"`}},
		"a short key": {func(c *config, _ *discovery.Server) {
			c.ClientAuth = jwt(`{"alg":"PS256"}`, `{"aud":"`+issuer+`"}`, 1024)
		}, []string{"5.4.1 ClientAuth signs with an RSA key of 1024 bits"}},
		"no JWS":         {func(c *config, _ *discovery.Server) { c.ClientAuth = assertionOf("a.b.c") }, []string{"5.3.3.1 ClientAuth is neither"}},
		"Bearer":         {func(c *config, _ *discovery.Server) { c.Proof = nil }, []string{"5.3.3.1 Proof is empty, so whoever"}},
		"Bearer allowed": {func(c *config, _ *discovery.Server) { c.Proof = proves(assertion.DPoPConfig{AllowBearer: true}) }, []string{"5.3.3.1 Proof accepts Bearer"}},
		"a proof by ES384": {func(c *config, _ *discovery.Server) {
			c.Proof = proves(assertion.DPoPConfig{Algorithm: assertion.ES384})
		}, []string{`5.4.1 Proof signs by "ES384"`}},
		"a proof, not listed": {func(c *config, _ *discovery.Server) {
			c.Proof = proves(assertion.DPoPConfig{Algorithm: assertion.EdDSA})
		}, []string{`5.4.1 Proof signs by "EdDSA", which the server does not list`}},
		"another proof":       {func(c *config, _ *discovery.Server) { c.Proof = proofOf{Proof: proves(assertion.DPoPConfig{})} }, []string{"5.3.3.1 Proof sends no proof"}},
		"a certificate alone": {func(c *config, _ *discovery.Server) { c.Proof, c.HTTPClient = nil, certified() }, []string{"5.3.3.1 TokenURL is not the endpoint", "5.3.3.1 Proof is empty, and the server does not bind"}},
		"a token in the query": {func(c *config, _ *discovery.Server) {
			c.Proof, c.HTTPClient, c.TokenURL = nil, certified(), "https://mtls.bank.example.com/token"
			c.Dialect.Placement = dialect.Placement{In: dialect.InQuery, Name: "access_token"}
		}, []string{"5.3.3.1 Proof is empty, and", "5.3.3.1 Dialect: Placement sends"}},
		"a token without a scheme": {func(c *config, s *discovery.Server) {
			c.Proof, c.HTTPClient, c.TokenURL, s.CertificateBoundAccessTokens = nil, certified(), "https://mtls.bank.example.com/token", true
			c.Dialect.Placement = dialect.Placement{In: dialect.InHeader, Name: "Authorization"}
		}, []string{"5.3.3.1 Dialect: Placement sends"}},
		"a GET": {func(c *config, _ *discovery.Server) { c.Dialect.TokenEncoding = dialect.EncodeGet }, []string{"5.3.3.2 Dialect: TokenEncoding sends token requests by get"}},
		"other names": {func(c *config, _ *discovery.Server) {
			c.Dialect.AuthNames, c.Dialect.TokenNames = map[string]string{"response_type": ""}, map[string]string{"code_verifier": "verifier"}
		}, []string{"5.3.3.2 Dialect: AuthNames rename or leave out response_type", "5.3.3.2 Dialect: TokenNames rename or leave out code_verifier"}},
	} {
		t.Run(name, func(t *testing.T) {
			config, server := good()
			test.change(&config, server)
			found, err := fapi.Check(t.Context(), config, server)
			require.NoError(t, err)
			require.Len(t, found, len(test.want), "%v", found)
			for i, want := range test.want {
				f := found[i]
				assert.Contains(t, f.Clause+" "+f.Field+" "+f.Problem, want)
				assert.NotEmpty(t, f.Advice)
				assert.Equal(t, fmt.Sprintf("%s: %s (FAPI 2.0 section %s); %s", f.Field, f.Problem, f.Clause, f.Advice), f.String())
			}
		})
	}
}

func TestWithoutMetadataTheTokenURLIsNoIssuer(t *testing.T) {
	config, _ := good()
	config.Grant = connectorauth.ClientCredentials{}
	config.ClientAuth = signs(keyOf(ecKey, assertion.ES256), config.TokenURL)
	found, err := fapi.Check(t.Context(), config, nil)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, "ClientAuth", found[0].Field)
}

func TestConfigsThatCannotBeChecked(t *testing.T) {
	config, server := good()
	config.ClientID = ""
	_, err := fapi.Check(t.Context(), config, server)
	require.ErrorContains(t, err, "ClientID: is empty")

	config, _ = good()
	config.ClientAuth = assertionOf("error: the vault is closed:")
	_, err = fapi.Check(t.Context(), config, server)
	require.ErrorContains(t, err, "the client authentication")
	assert.NotContains(t, err.Error(), "secret-of-a-vault")

	config, _ = good()
	down := errors.New("the KMS is down")
	config.Proof = proofOf{Proof: proves(assertion.DPoPConfig{}), key: down}
	_, err = fapi.Check(t.Context(), config, server)
	require.ErrorIs(t, err, down)
	config.Proof = proofOf{Proof: proves(assertion.DPoPConfig{}), prove: errors.New("cannot sign with proof-key")}
	_, err = fapi.Check(t.Context(), config, server)
	require.ErrorContains(t, err, "the proof of possession")
	assert.NotContains(t, err.Error(), "proof-key")
}

// unreached is a base that no request may reach.
type unreached struct{ t *testing.T }

func (u unreached) RoundTrip(req *http.Request) (*http.Response, error) {
	u.t.Error("a request to " + req.URL.Host)
	return nil, errors.New("no network")
}

func TestCheckMakesNoRequestAndChangesNothing(t *testing.T) {
	config, server := good()
	config.HTTPClient = &http.Client{Transport: unreached{t}}
	grant := config.Grant.(connectorauth.AuthorizationCode)
	grant.Params = url.Values{"prompt": {"login"}}
	config.Grant = grant
	found, err := fapi.Check(t.Context(), config, server)
	require.NoError(t, err)
	assert.Empty(t, found)
	assert.Equal(t, url.Values{"prompt": {"login"}}, config.Grant.(connectorauth.AuthorizationCode).Params)
}

// Token requests of a config without an HTTPClient go through http.DefaultTransport.
func TestTransportOfTheProgramIsChecked(t *testing.T) {
	before := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = before })
	http.DefaultTransport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	for name, client := range map[string]*http.Client{"no client": nil, "a client without a Transport": {}} {
		config, server := good()
		config.HTTPClient = client
		findings, err := fapi.Check(t.Context(), config, server)
		require.NoError(t, err)
		require.Len(t, findings, 1, name)
		assert.Contains(t, findings[0].String(), "InsecureSkipVerify", name)
	}
}
