package zitadel_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
)

const (
	jwtBearer   = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	exchange    = "urn:ietf:params:oauth:grant-type:token-exchange"
	impersonate = "custom_scope:impersonate:"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	rsaKey = must(rsa.GenerateKey(rand.Reader, 2048))
	// signers are keys for the algorithms that zitadel takes.
	signers = map[assertion.Algorithm]crypto.Signer{
		assertion.RS256: rsaKey, assertion.PS256: rsaKey, assertion.ES256: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
	}
)

func keyFor(algorithm assertion.Algorithm) *assertion.Key {
	return must(assertion.NewKey(assertion.KeyConfig{Signer: signers[algorithm], Algorithm: algorithm, ID: string(algorithm)}))
}

// each runs a test with both of zitadel's interfaces.
func each(t *testing.T, test func(*testing.T, *provider)) {
	for name, newer := range map[string]bool{"Provider": false, "Server": true} {
		t.Run(name, func(t *testing.T) { test(t, start(t, newer)) })
	}
}

// bearer is the config of a service, here the admin, that signs an assertion.
func (p *provider) bearer(key *assertion.Key, audience string) connectorauth.OAuth2Config {
	config := p.config(must(assertion.NewJWTBearer(assertion.JWTBearerConfig{
		Key: key, Claims: assertion.Claims{Issuer: admin, Subject: admin, Audience: audience},
	})), "openid")
	config.ClientID, config.ClientSecret, config.ClientAuth = admin, "", assertion.NoClientAuth{}
	return config
}

// signed is config, of the client that signs.
func (p *provider) signed(key *assertion.Key, config connectorauth.OAuth2Config) connectorauth.OAuth2Config {
	config.ClientID, config.ClientSecret = signingClient, ""
	config.ClientAuth = must(assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: p.issuer}}))
	return config
}

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
	each(t, func(t *testing.T, p *provider) {
		for algorithm := range signers {
			t.Run(string(algorithm), func(t *testing.T) {
				before := len(p.sent(jwtBearer, "assertion"))
				c := newOAuth2(t, p.bearer(keyFor(algorithm), p.issuer))
				for range 3 {
					assert.Equal(t, admin, p.whoami(t, c))
					p.end(t, admin, "")
				}
				requireNew(t, p.sent(jwtBearer, "assertion")[before:], 3)
			})
		}
	})
}

func TestPrivateKeyJWT(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		for algorithm := range signers {
			t.Run(string(algorithm), func(t *testing.T) {
				before := len(p.sent("refresh_token", "client_assertion"))
				code := connectorauth.AuthorizationCode{AuthURL: p.issuer + "auth"}
				c := p.connect(t, p.signed(keyFor(algorithm), p.config(code, "openid", "offline_access")))
				for range 2 {
					assert.Equal(t, admin, p.whoami(t, c))
					require.NoError(t, c.Renew(t.Context()))
				}
				assert.Equal(t, admin, p.whoami(t, c))
				requireNew(t, p.sent("refresh_token", "refresh_token")[before:], 2)
				requireNew(t, p.sent("refresh_token", "client_assertion")[before:], 2)

				token, err := c.Token(t.Context())
				require.NoError(t, err)
				require.NoError(t, c.Revoke(t.Context()))
				assert.NotEqual(t, http.StatusOK, p.status(t, token.AccessToken), "the revocation was authenticated too")
			})
		}
	})
}

func TestAssertionsThatZitadelRefuses(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		stranger := must(assertion.NewKey(assertion.KeyConfig{Signer: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), ID: "ES256"}))
		for name, config := range map[string]connectorauth.OAuth2Config{
			"key":      p.bearer(stranger, p.issuer),
			"audience": p.bearer(keyFor(assertion.ES256), "https://another.example/"),
		} {
			_, err := newOAuth2(t, config).Token(t.Context())
			var refused *connectorauth.TokenError
			require.ErrorAs(t, err, &refused, name)
			assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired, "no person can help")
		}
	})
}

// token returns the tokens of a connector as tokens to exchange, and counts.
func token(c *connectorauth.OAuth2, count *int) func(context.Context) (assertion.Token, error) {
	return func(ctx context.Context) (assertion.Token, error) {
		*count++
		token, err := c.Token(ctx)
		if err != nil {
			return assertion.Token{}, err
		}
		return assertion.Token{Value: connectorauth.Secret(token.AccessToken), Type: assertion.TypeAccessToken}, nil
	}
}

// The admin's token is exchanged for one of another user, again and again.
func TestTokenExchange(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		service := newOAuth2(t, p.bearer(keyFor(assertion.RS256), p.issuer))
		count := 0
		grant := must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{
			Subject: token(service, &count), RequestedType: assertion.TypeAccessToken,
			Audiences: []string{"one", "two"}, Resources: []string{"https://api.example/v1"}, Name: user,
		}))
		c := newOAuth2(t, p.config(grant, "openid", impersonate+user))
		for range 3 {
			assert.Equal(t, user, p.whoami(t, c))
			p.end(t, user, webClient)
		}
		assert.Equal(t, 3, count, "the token of the subject is read anew")
		assert.Len(t, p.sent(exchange, "subject_token"), 3)
		assert.Empty(t, p.sent("refresh_token", "refresh_token"))
		got, err := c.Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, assertion.TypeAccessToken, got.Extra("issued_token_type"))
	})
}

// An exchange for a refresh token is renewed by the refresh token.
func TestTokenExchangeWithARefreshToken(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		count := 0
		grant := must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{
			Subject: token(newOAuth2(t, p.bearer(keyFor(assertion.ES256), p.issuer)), &count), RequestedType: assertion.TypeRefreshToken,
		}))
		c := newOAuth2(t, p.config(grant, "openid", impersonate+user))
		for range 2 {
			assert.Equal(t, user, p.whoami(t, c))
			require.NoError(t, c.Renew(t.Context()))
		}
		assert.Equal(t, user, p.whoami(t, c))
		assert.Equal(t, 1, count)
		requireNew(t, p.sent("refresh_token", "refresh_token"), 2)
	})
}

// An ID token has the token_type N_A. FromConnector passes the ID token on, to be exchanged
// in turn, with an actor.
func TestTokenExchangeForAnIDToken(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		count := 0
		grant := must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{
			Subject: token(newOAuth2(t, p.bearer(keyFor(assertion.ES256), p.issuer)), &count), RequestedType: assertion.TypeIDToken,
		}))
		config := p.config(grant, "openid", impersonate+user)
		get := assertion.FromConnector(newOAuth2(t, config))
		first, err := get(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 2, strings.Count(string(first), "."), "a JWT")

		second := must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{
			Subject: func(context.Context) (assertion.Token, error) {
				return assertion.Token{Value: first, Type: assertion.TypeIDToken}, nil
			},
			Actor: token(newOAuth2(t, p.bearer(keyFor(assertion.PS256), p.issuer)), &count), RequestedType: assertion.TypeAccessToken,
		}))
		assert.Equal(t, user, p.whoami(t, newOAuth2(t, p.config(second, "openid"))))
		assert.Equal(t, 2, count)
		assert.Equal(t, []string{"", assertion.TypeAccessToken}, p.sent(exchange, "actor_token_type"))
	})
}

// Only the newer interface authenticates the client of an exchange by a key.
func TestTokenExchangeOfAClientThatSigns(t *testing.T) {
	p := start(t, true)
	count := 0
	grant := must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{
		Subject: token(newOAuth2(t, p.bearer(keyFor(assertion.RS256), p.issuer)), &count), RequestedType: assertion.TypeAccessToken,
	}))
	c := newOAuth2(t, p.signed(keyFor(assertion.PS256), p.config(grant, "openid", impersonate+user)))
	for range 2 {
		assert.Equal(t, user, p.whoami(t, c))
		p.end(t, user, signingClient)
	}
	requireNew(t, p.sent(exchange, "client_assertion"), 2)
}

func TestExchangeThatZitadelRefuses(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		grant := must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{
			Subject: func(context.Context) (assertion.Token, error) {
				return assertion.Token{Value: "secret-word", Type: assertion.TypeAccessToken}, nil
			},
		}))
		_, err := newOAuth2(t, p.config(grant, "openid")).Token(t.Context())
		var refused *connectorauth.TokenError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, "invalid_request", refused.Code)
		assert.NotContains(t, err.Error(), "secret-word")
		assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
	})
}
