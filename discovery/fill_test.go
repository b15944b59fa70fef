package discovery_test

import (
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// metadata are those of a server that has everything.
func metadata() discovery.Server {
	return discovery.Server{
		Issuer: "https://a.example", AuthorizationEndpoint: "https://a.example/auth", TokenEndpoint: "https://a.example/token",
		RevocationEndpoint: "https://a.example/revoke", PushedAuthorizationRequestEndpoint: "https://a.example/par",
		DeviceAuthorizationEndpoint: "https://a.example/device", CodeChallengeMethodsSupported: []string{"plain", "S256"},
		ResponseTypesSupported: []string{"code"}, GrantTypesSupported: []string{"authorization_code", "client_credentials", connectorauth.DeviceCode{}.GrantType()},
		ScopesSupported: []string{"read"}, IssParameterSupported: true,
		MTLSEndpointAliases: map[string]string{
			"token_endpoint": "https://mtls.a.example/token", "pushed_authorization_request_endpoint": "https://mtls.a.example/par",
			"device_authorization_endpoint": "https://mtls.a.example/device",
		},
	}
}

func TestFillCompletesAConfig(t *testing.T) {
	server := metadata()
	scopes := []string{"read", "offline_access", "other"}
	config := connectorauth.OAuth2Config{ClientID: "id", ClientSecret: "secret", Scopes: scopes}
	require.NoError(t, server.Fill(&config))
	assert.Equal(t, "https://a.example/token", config.TokenURL)
	assert.Equal(t, "https://a.example/revoke", config.RevokeURL)
	assert.Equal(t, connectorauth.AuthorizationCode{AuthURL: "https://a.example/auth", Issuer: "https://a.example"}, config.Grant)
	assert.Equal(t, connectorauth.ClientSecretBasic, config.ClientAuth)
	assert.Equal(t, []string{"read", "other"}, config.Scopes, "the server does not list offline_access")
	assert.Equal(t, []string{"read", "offline_access", "other"}, scopes, "the list is the caller's")
	_, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)

	own := connectorauth.OAuth2Config{
		ClientID: "id", TokenURL: "https://b.example/token", RevokeURL: "https://b.example/revoke", ClientAuth: connectorauth.ClientSecretUser,
		Grant: connectorauth.AuthorizationCode{AuthURL: "https://b.example/auth", Issuer: "https://b.example"}, HTTPClient: http.DefaultClient,
	}
	want := own
	require.NoError(t, server.Fill(&own))
	assert.Equal(t, want.TokenURL, own.TokenURL)
	assert.Equal(t, want.RevokeURL, own.RevokeURL)
	assert.Equal(t, want.Grant, own.Grant)
	assert.Equal(t, want.ClientAuth, own.ClientAuth)
	assert.Same(t, want.HTTPClient, own.HTTPClient)
}

// offline_access is a scope of the config's as any other, unless the server lists scopes without it.
func TestFillKeepsOfflineAccess(t *testing.T) {
	for name, test := range map[string]struct{ supported, want []string }{
		"no list":    {nil, []string{"read", "offline_access"}},
		"listed":     {[]string{"offline_access"}, []string{"read", "offline_access"}},
		"not listed": {[]string{"read"}, []string{"read"}},
		"empty list": {[]string{}, []string{"read"}},
	} {
		server := metadata()
		server.ScopesSupported = test.supported
		config := connectorauth.OAuth2Config{Scopes: []string{"read", "offline_access"}}
		require.NoError(t, server.Fill(&config), name)
		assert.Equal(t, test.want, config.Scopes, name)
	}
}

// What follows from one member of the metadata.
func TestFillChooses(t *testing.T) {
	clientAuth := must(assertion.NewClientAuth(assertion.ClientAuthConfig{Assertion: assertion.FromFile("token")}))
	for name, test := range map[string]struct {
		server func(*discovery.Server)
		config connectorauth.OAuth2Config
		auth   connectorauth.ClientAuth
		grant  connectorauth.AuthorizationCode
		token  string
		want   string // of an error
	}{
		"basic by default":   {auth: connectorauth.ClientSecretBasic, config: connectorauth.OAuth2Config{ClientSecret: "s"}},
		"basic before post":  {server: methods("client_secret_post", "client_secret_basic"), auth: connectorauth.ClientSecretBasic, config: connectorauth.OAuth2Config{ClientSecret: "s"}},
		"post":               {server: methods("private_key_jwt", "client_secret_post"), auth: connectorauth.ClientSecretPost, config: connectorauth.OAuth2Config{ClientSecret: "s"}},
		"neither":            {server: methods("private_key_jwt", "tls_client_auth"), want: "takes private_key_jwt, tls_client_auth only", config: connectorauth.OAuth2Config{ClientSecret: "s"}},
		"key of the program": {server: methods("private_key_jwt"), auth: clientAuth, config: connectorauth.OAuth2Config{ClientAuth: clientAuth}},
		"public":             {server: methods("client_secret_basic"), auth: connectorauth.ClientAuthNone},
		"certificate": {
			server: methods("tls_client_auth"), auth: connectorauth.ClientAuthTLS, config: connectorauth.OAuth2Config{ClientAuth: connectorauth.ClientAuthTLS},
			token: "https://mtls.a.example/token",
		},
		"iss is not promised": {
			server: func(s *discovery.Server) { s.IssParameterSupported = false }, auth: connectorauth.ClientAuthNone,
			grant: connectorauth.AuthorizationCode{IssuerOptional: true},
		},
		"requests must be pushed": {
			server: pushed, auth: connectorauth.ClientAuthNone,
			grant: connectorauth.AuthorizationCode{PushedAuthorizationRequestURL: "https://a.example/par"},
		},
		"requests must be pushed, with a certificate": {
			server: pushed, auth: connectorauth.ClientAuthTLS, config: connectorauth.OAuth2Config{ClientAuth: connectorauth.ClientAuthTLS},
			grant: connectorauth.AuthorizationCode{PushedAuthorizationRequestURL: "https://mtls.a.example/par"},
		},
		"requests are pushed elsewhere": {
			server: pushed, auth: connectorauth.ClientAuthNone,
			config: connectorauth.OAuth2Config{Grant: connectorauth.AuthorizationCode{PushedAuthorizationRequestURL: "https://b.example/par"}},
			grant:  connectorauth.AuthorizationCode{PushedAuthorizationRequestURL: "https://b.example/par"},
		},
		"requests must be pushed, nobody knows where": {
			server: func(s *discovery.Server) {
				pushed(s)
				s.PushedAuthorizationRequestEndpoint = ""
			},
			want: "no pushed_authorization_request_endpoint",
		},
		"requests may be pushed": {
			server: func(s *discovery.Server) { s.PushedAuthorizationRequestEndpoint = "https://a.example/par" }, auth: connectorauth.ClientAuthNone,
		},
		"no code challenge methods": {server: func(s *discovery.Server) { s.CodeChallengeMethodsSupported = nil }, auth: connectorauth.ClientAuthNone},
		"plain only":                {server: func(s *discovery.Server) { s.CodeChallengeMethodsSupported = []string{"plain"} }, want: "by S256"},
		"plain only, without PKCE": {
			server: func(s *discovery.Server) { s.CodeChallengeMethodsSupported = []string{"plain"} }, auth: connectorauth.ClientAuthNone,
			config: connectorauth.OAuth2Config{Grant: connectorauth.AuthorizationCode{DisablePKCE: true}}, grant: connectorauth.AuthorizationCode{DisablePKCE: true},
		},
		"PKCE refused by the program": {config: connectorauth.OAuth2Config{Grant: connectorauth.AuthorizationCode{DisablePKCE: true}}, want: "remove DisablePKCE"},
		"no codes":                    {server: func(s *discovery.Server) { s.ResponseTypesSupported = []string{"id_token"} }, want: "response_types_supported"},
		"no token endpoint":           {server: func(s *discovery.Server) { s.TokenEndpoint = "" }, want: "no token_endpoint"},
		"no authorization endpoint":   {server: func(s *discovery.Server) { s.AuthorizationEndpoint = "" }, want: "no authorization_endpoint"},
		"another grant":               {config: connectorauth.OAuth2Config{Grant: connectorauth.PasswordCredentials{}}, want: "does not list password"},
		"code is not listed":          {server: func(s *discovery.Server) { s.GrantTypesSupported = []string{"implicit"} }, want: "does not list authorization_code"},
	} {
		t.Run(name, func(t *testing.T) {
			server, config := metadata(), test.config
			if test.server != nil {
				test.server(&server)
			}
			err := server.Fill(&config)
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				require.ErrorContains(t, err, "https://a.example")
				assert.Empty(t, config.TokenURL, "the config is as before")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.auth, config.ClientAuth)
			test.grant.AuthURL, test.grant.Issuer = server.AuthorizationEndpoint, server.Issuer
			assert.Equal(t, test.grant, config.Grant)
			if test.token != "" {
				assert.Equal(t, test.token, config.TokenURL)
			}
		})
	}
	server := metadata()
	server.AuthorizationEndpoint = ""
	config := connectorauth.OAuth2Config{ClientSecret: "s", Grant: connectorauth.ClientCredentials{}}
	require.NoError(t, server.Fill(&config), "no browser is needed")
}

func TestFillCompletesADeviceGrant(t *testing.T) {
	for name, test := range map[string]struct {
		config connectorauth.OAuth2Config
		want   string
	}{
		"metadata":    {want: "https://a.example/device"},
		"certificate": {config: connectorauth.OAuth2Config{ClientAuth: connectorauth.ClientAuthTLS}, want: "https://mtls.a.example/device"},
		"program":     {config: connectorauth.OAuth2Config{Grant: connectorauth.DeviceCode{DeviceURL: "https://b.example/device"}}, want: "https://b.example/device"},
	} {
		t.Run(name, func(t *testing.T) {
			server, config := metadata(), test.config
			config.ClientID = "id"
			if config.Grant == nil {
				config.Grant = connectorauth.DeviceCode{}
			}
			require.NoError(t, server.Fill(&config))
			assert.Equal(t, connectorauth.DeviceCode{DeviceURL: test.want}, config.Grant)
		})
	}
	server := metadata()
	server.DeviceAuthorizationEndpoint = ""
	config := connectorauth.OAuth2Config{Grant: connectorauth.DeviceCode{}}
	require.ErrorContains(t, server.Fill(&config), "no device_authorization_endpoint")
}

func pushed(s *discovery.Server) { s.RequirePushedAuthorizationRequests = true }

func methods(list ...string) func(*discovery.Server) {
	return func(s *discovery.Server) { s.TokenEndpointAuthMethodsSupported = list }
}
