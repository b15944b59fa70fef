package fosite_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
)

const (
	signingClient = "robot"
	issuer        = "https://issuer.example"
	jwtBearer     = "urn:ietf:params:oauth:grant-type:jwt-bearer"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	rsaKey  = must(rsa.GenerateKey(rand.Reader, 2048))
	signers = map[assertion.Algorithm]crypto.Signer{
		assertion.RS256: rsaKey, assertion.RS384: rsaKey, assertion.RS512: rsaKey,
		assertion.PS256: rsaKey, assertion.PS384: rsaKey, assertion.PS512: rsaKey,
		assertion.ES256: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		assertion.ES384: must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		assertion.ES512: must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)),
		assertion.EdDSA: ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes, fixed")[:32]),
	}
)

// register makes the server know a key: of the issuer for the owner, and of the client.
func (s *server) register(t *testing.T, algorithm assertion.Algorithm) *assertion.Key {
	t.Helper()
	public := jose.JSONWebKey{Key: signers[algorithm].Public(), KeyID: "k1", Algorithm: string(algorithm), Use: "sig"}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.IssuerPublicKeys[issuer] = storage.IssuerPublicKeys{Issuer: issuer, KeysBySub: map[string]storage.SubjectPublicKeys{
		owner: {Subject: owner, Keys: map[string]storage.PublicKeyScopes{"k1": {Key: &public, Scopes: []string{"orders"}}}},
	}}
	s.store.Clients[signingClient] = &fosite.DefaultOpenIDConnectClient{
		DefaultClient: &fosite.DefaultClient{
			ID: signingClient, RedirectURIs: []string{redirectURL}, ResponseTypes: []string{"code"},
			GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials", jwtBearer}, Scopes: []string{"offline", "orders"},
		},
		JSONWebKeys:             &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}},
		TokenEndpointAuthMethod: "private_key_jwt", TokenEndpointAuthSigningAlgorithm: string(algorithm),
	}
	return must(assertion.NewKey(assertion.KeyConfig{Signer: signers[algorithm], Algorithm: algorithm, ID: "k1"}))
}

// bearer is the grant with an assertion of the issuer about the owner.
func (s *server) bearer(key *assertion.Key) *assertion.JWTBearer {
	return must(assertion.NewJWTBearer(assertion.JWTBearerConfig{
		Key: key, Claims: assertion.Claims{Issuer: issuer, Subject: owner, Audience: s.URL + "/token"},
	}))
}

// signed is the config of the client that signs.
func (s *server) signed(key *assertion.Key, grant connectorauth.Grant) connectorauth.OAuth2Config {
	config := s.config(grant)
	config.ClientID, config.ClientSecret, config.RevokeURL = signingClient, "", s.URL+"/revoke"
	config.ClientAuth = must(assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: s.URL + "/token"}}))
	return config
}

// requireNew checks that a parameter was sent a number of times, each time with another
// value.
func requireNew(t *testing.T, values []string, times int) {
	t.Helper()
	require.Len(t, values, times)
	different := map[string]bool{}
	for _, value := range values {
		require.NotEmpty(t, value)
		different[value] = true
	}
	require.Len(t, different, times, "an assertion was sent twice")
}

func TestJWTBearerGrant(t *testing.T) {
	for algorithm := range signers {
		t.Run(string(algorithm), func(t *testing.T) {
			s := newServer(t, settings{anonymous: true})
			config := s.config(s.bearer(s.register(t, algorithm)))
			config.ClientID, config.ClientSecret, config.ClientAuth, config.Scopes = issuer, "", assertion.NoClientAuth{}, []string{"orders"}
			c := newOAuth2(t, config)
			for range 3 {
				assert.Equal(t, answer{User: owner, Scopes: []string{"orders"}}, s.call(t, c))
				s.dropAccessTokens(t)
			}
			requireNew(t, s.sent(jwtBearer, "assertion"), 3)
			assert.Equal(t, []string{"", "", ""}, s.sent(jwtBearer, "client_id"))
		})
	}
}

func TestJWTBearerGrantOfAClientThatSigns(t *testing.T) {
	s := newServer(t, settings{})
	key := s.register(t, assertion.ES256)
	config := s.signed(key, s.bearer(key))
	config.Scopes = []string{"orders"}
	c := newOAuth2(t, config)
	for range 2 {
		assert.Equal(t, answer{Client: signingClient, User: owner, Scopes: []string{"orders"}}, s.call(t, c))
		s.dropAccessTokens(t)
	}
	requireNew(t, append(s.sent(jwtBearer, "assertion"), s.sent(jwtBearer, "client_assertion")...), 4)
}

func TestPrivateKeyJWT(t *testing.T) {
	for algorithm := range signers {
		if algorithm == assertion.EdDSA {
			continue // fosite takes no EdDSA of a client
		}
		t.Run(string(algorithm), func(t *testing.T) {
			s := newServer(t, settings{})
			key := s.register(t, algorithm)
			machine := newOAuth2(t, s.signed(key, connectorauth.ClientCredentials{}))
			for range 2 {
				assert.Equal(t, signingClient, s.call(t, machine).Client)
				s.dropAccessTokens(t)
			}
			requireNew(t, s.sent("client_credentials", "client_assertion"), 2)

			person := newOAuth2(t, s.signed(key, s.code()))
			s.connect(t, person)
			for range 2 {
				assert.Equal(t, answer{Client: signingClient, User: owner, Scopes: []string{"offline", "orders"}}, s.call(t, person))
				s.dropAccessTokens(t)
			}
			s.call(t, person)
			requireUsedOnce(t, s, 2)
			requireNew(t, s.sent("refresh_token", "client_assertion"), 2)

			token, err := person.Token(t.Context())
			require.NoError(t, err)
			require.NoError(t, person.Revoke(t.Context()))
			s.mu.Lock()
			defer s.mu.Unlock()
			_, _, err = s.provider.IntrospectToken(t.Context(), token.AccessToken, fosite.AccessToken, session())
			assert.Error(t, err, "the revocation was authenticated too")
		})
	}
}

func TestAssertionsThatFositeRefuses(t *testing.T) {
	s := newServer(t, settings{anonymous: true})
	key := s.register(t, assertion.ES256)
	stranger := must(assertion.NewKey(assertion.KeyConfig{Signer: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), ID: "k1"}))
	elsewhere := must(assertion.NewJWTBearer(assertion.JWTBearerConfig{
		Key: key, Claims: assertion.Claims{Issuer: issuer, Subject: owner, Audience: "https://another.example/token"},
	}))
	parameters := &connectorauth.TokenRequest{Params: map[string][]string{}}
	require.NoError(t, s.bearer(key).Parameters(t.Context(), parameters))
	repeated := must(assertion.NewJWTBearer(assertion.JWTBearerConfig{Assertion: func(context.Context) (connectorauth.Secret, error) {
		return connectorauth.Secret(parameters.Params.Get("assertion")), nil
	}, Subject: owner}))
	anonymous := func(grant connectorauth.Grant, scopes ...string) connectorauth.OAuth2Config {
		config := s.config(grant)
		config.ClientSecret, config.ClientAuth, config.Scopes = "", assertion.NoClientAuth{}, scopes
		return config
	}
	s.call(t, newOAuth2(t, anonymous(repeated, "orders")))
	for _, test := range []struct {
		name   string
		config connectorauth.OAuth2Config
		code   string
	}{
		{"key of the issuer", anonymous(s.bearer(stranger), "orders"), "invalid_grant"},
		{"audience", anonymous(elsewhere, "orders"), "invalid_grant"},
		{"scope", anonymous(s.bearer(key), "offline"), "invalid_scope"},
		{"assertion that comes again", anonymous(repeated, "orders"), "jti_known"},
		{"key of the client", s.signed(stranger, connectorauth.ClientCredentials{}), "invalid_client"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := s.fails(t, newOAuth2(t, test.config))
			var refused *connectorauth.TokenError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, test.code, refused.Code)
			assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired, "no person can help")
		})
	}
}
