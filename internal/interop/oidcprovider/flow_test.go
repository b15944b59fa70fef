package oidcprovider_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A flow is a way to connect an account. This library and the reference client go the same
// way, as the same client.
type flow struct {
	Name     string                         `json:"name"` // and the client ID, unless Register
	Auth     connectorauth.ClientAuthMethod `json:"auth"`
	API      string                         `json:"api"`                // the path
	Pushed   bool                           `json:"pushed,omitempty"`   // RFC 9126, which the provider requires of the client
	DPoP     bool                           `json:"dpop,omitempty"`     // RFC 9449, which the provider requires of the client
	Device   bool                           `json:"device,omitempty"`   // RFC 8628
	Resource bool                           `json:"resource,omitempty"` // RFC 8707
	Register bool                           `json:"register,omitempty"` // RFC 7591
	StepUp   bool                           `json:"stepUp,omitempty"`   // RFC 9470
}

const privateKeyJWT connectorauth.ClientAuthMethod = "private_key_jwt"

var flows = []flow{
	{Name: "code", Auth: connectorauth.ClientSecretBasic, API: "/api"},
	{Name: "pushed", Auth: connectorauth.ClientSecretBasic, API: "/api", Pushed: true},
	{Name: "device", Auth: connectorauth.ClientAuthNone, API: "/api", Device: true},
	{Name: "device-dpop", Auth: privateKeyJWT, API: "/me", Device: true, DPoP: true},
	{Name: "dpop", Auth: connectorauth.ClientAuthNone, API: "/me", DPoP: true},
	{Name: "fapi", Auth: privateKeyJWT, API: "/me", Pushed: true, DPoP: true},
	{Name: "resource", Auth: connectorauth.ClientSecretPost, API: "/orders", Resource: true},
	{Name: "register", Auth: connectorauth.ClientSecretBasic, API: "/api", Register: true},
	{Name: "step-up", Auth: connectorauth.ClientSecretBasic, API: "/transfers", StepUp: true},
	{Name: "fapi-step-up", Auth: privateKeyJWT, API: "/me", Pushed: true, DPoP: true, StepUp: true},
}

// scopes are what all flows ask for.
var scopes = []string{"openid", "offline_access"}

// scopes returns what the flow asks for.
func (f flow) scopes() []string {
	if f.Resource {
		return append(slices.Clip(scopes), "orders")
	}
	return scopes
}

// signingKey signs the client assertions of all flows: PKCS#8 in PEM.
var signingKey = sync.OnceValue(func() string {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	der := must(x509.MarshalPKCS8PrivateKey(key))
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
})

// registered are the clients that the provider knows from the start.
func registered() []map[string]any {
	key := must(assertion.NewKey(assertion.KeyConfig{Private: connectorauth.Secret(signingKey()), ID: "k1"}))
	client := func(id string, auth connectorauth.ClientAuthMethod) map[string]any {
		return map[string]any{
			"client_id": id, "client_secret": secret, "token_endpoint_auth_method": auth,
			"grant_types":   []string{"authorization_code", "refresh_token", "client_credentials"},
			"redirect_uris": []string{redirectURL},
		}
	}
	all := append(signers().clients, client(clientID, connectorauth.ClientSecretBasic), client(clientID+"-post", connectorauth.ClientSecretPost))
	for _, f := range flows {
		if f.Register {
			continue
		}
		c := client(f.Name, f.Auth)
		c["grant_types"] = []string{"authorization_code", "refresh_token"}
		switch f.Auth {
		case privateKeyJWT:
			delete(c, "client_secret")
			c["jwks"] = map[string]any{"keys": []json.RawMessage{key.PublicJWK()}}
			c["token_endpoint_auth_signing_alg"] = "ES256"
		case connectorauth.ClientAuthNone:
			delete(c, "client_secret")
		}
		if f.Device {
			c["grant_types"] = []string{connectorauth.DeviceCode{}.GrantType(), "refresh_token"}
			c["response_types"], c["redirect_uris"] = []string{}, []string{}
		}
		c["require_pushed_authorization_requests"], c["dpop_bound_access_tokens"] = f.Pushed, f.DPoP
		all = append(all, c)
	}
	return all
}

// A site is what processes that share accounts have in common.
type site struct {
	Issuer string `json:"issuer"`
	Dir    string `json:"dir"` // of the store
	Key    string `json:"key"` // the signingKey
}

// site returns a site with an empty store.
func (s *server) site(t *testing.T) site {
	t.Helper()
	return site{s.issuer, filepath.Join(t.TempDir(), "store"), signingKey()}
}

// account returns the discovery account of a flow with Register.
func (s site) account(f flow) (*discovery.Account, *discovery.Registrar, *discovery.Finder, error) {
	config, finder, err := s.common(f)
	if err != nil {
		return nil, nil, nil, err
	}
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: config.Store.(*tokenstore.File), Keys: []tokenstore.Key{{ID: "1", Secret: make([]byte, 32)}},
		Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "Acme", TokenEndpointAuthMethod: f.Auth}},
	})
	if err != nil {
		return nil, nil, nil, err
	}
	a, err := discovery.NewAccount(discovery.AccountConfig{Finder: finder, Registrar: registrar, Issuer: s.Issuer, OAuth2: config})
	return a, registrar, finder, err
}

// common returns what the configs of all flows have in common.
func (s site) common(f flow) (config connectorauth.OAuth2Config, finder *discovery.Finder, err error) {
	store, err := tokenstore.NewFile(s.Dir)
	if err != nil {
		return config, nil, err
	}
	finder, err = discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: http.DefaultTransport}}) // on loopback
	return connectorauth.OAuth2Config{
		Scopes: f.scopes(), Grant: connectorauth.AuthorizationCode{Params: url.Values{"prompt": {"consent"}}},
		Store: store, Account: f.Name,
	}, finder, err
}

// open returns the connector of a flow. The metadata of the provider complete the config.
func (s site) open(ctx context.Context, f flow) (*connectorauth.OAuth2, error) {
	if f.Register {
		a, _, _, err := s.account(f)
		if err != nil {
			return nil, err
		}
		return a.Connector(ctx)
	}
	config, finder, err := s.common(f)
	if err != nil {
		return nil, err
	}
	server, err := finder.Server(ctx, s.Issuer)
	if err != nil {
		return nil, err
	}
	config.ClientID, config.ClientAuth = f.Name, f.Auth
	switch f.Auth {
	case privateKeyJWT:
		key, err := assertion.NewKey(assertion.KeyConfig{Private: connectorauth.Secret(s.Key), ID: "k1"})
		if err != nil {
			return nil, err
		}
		config.ClientAuth, err = assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: s.Issuer}})
		if err != nil {
			return nil, err
		}
	case connectorauth.ClientSecretBasic, connectorauth.ClientSecretPost:
		config.ClientSecret = secret
	}
	if f.Device {
		config.Grant = connectorauth.DeviceCode{}
	}
	if f.Pushed {
		code := config.Grant.(connectorauth.AuthorizationCode)
		code.PushedAuthorizationRequestURL = server.PushedAuthorizationRequestEndpoint
		config.Grant = code
	}
	if f.DPoP {
		if config.Proof, err = assertion.NewDPoP(assertion.DPoPConfig{}); err != nil {
			return nil, err
		}
	}
	if f.Resource {
		config.Resources = []string{s.Issuer + f.API}
	}
	if err := server.Fill(&config); err != nil {
		return nil, err
	}
	return connectorauth.NewOAuth2(config)
}
