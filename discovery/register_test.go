package discovery_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// found returns the metadata of p.
func found(t *testing.T, p *authtest.Provider) (*discovery.Finder, *discovery.Server) {
	t.Helper()
	finder := finderOf(t, p)
	server, err := finder.Server(t.Context(), p.URL)
	require.NoError(t, err)
	return finder, server
}

// registering returns a request for a client with these redirect URLs.
func registering(redirects ...string) discovery.RegistrationRequest {
	return discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "Acme", RedirectURIs: redirects}}
}

// RFC 7591 sections 2 and 3.1, and OpenID Connect Registration section 2 for
// application_type.
func TestRegisterSendsMetadata(t *testing.T) {
	p := authtest.New(authtest.Config{RegistrationToken: "initial-token"})
	t.Cleanup(p.Close)
	finder, server := found(t, p)
	for redirect, want := range map[string]string{
		"https://app.example/callback": `{"application_type":"web","client_name":"Acme","client_name#de":"Akme","grant_types":["authorization_code","refresh_token"],` +
			`"redirect_uris":["https://app.example/callback"],"response_types":["code"],"software_statement":"a.b.c","token_endpoint_auth_method":"client_secret_basic"}`,
		"http://127.0.0.1/callback": `{"application_type":"native","client_name":"Acme","client_name#de":"Akme","grant_types":["authorization_code","refresh_token"],` +
			`"redirect_uris":["http://127.0.0.1/callback"],"response_types":["code"],"software_statement":"a.b.c","token_endpoint_auth_method":"none"}`,
		"https://localhost/callback": `{"application_type":"native","client_name":"Acme","client_name#de":"Akme","grant_types":["authorization_code","refresh_token"],` +
			`"redirect_uris":["https://localhost/callback"],"response_types":["code"],"software_statement":"a.b.c","token_endpoint_auth_method":"none"}`,
		"com.example.app:/callback": `{"application_type":"native","client_name":"Acme","client_name#de":"Akme","grant_types":["authorization_code","refresh_token"],` +
			`"redirect_uris":["com.example.app:/callback"],"response_types":["code"],"software_statement":"a.b.c","token_endpoint_auth_method":"none"}`,
	} {
		request := registering(redirect)
		request.Further = map[string]any{"client_name#de": "Akme", "client_name": "loses"}
		request.SoftwareStatement, request.InitialAccessToken = "a.b.c", "initial-token"
		r, err := finder.Register(t.Context(), server, request)
		require.NoError(t, err)
		sent := p.Requests(p.RegisterURL)
		last := sent[len(sent)-1]
		assert.JSONEq(t, want, string(last.Body))
		assert.Equal(t, "application/json", last.Header.Get("Content-Type"))
		assert.Equal(t, "Bearer initial-token", last.Header.Get("Authorization"))
		assert.Equal(t, p.URL, r.Issuer)
		assert.NotEmpty(t, r.ClientID)
		assert.Equal(t, r.TokenEndpointAuthMethod == "none", r.ClientSecret == "")
		assert.Zero(t, r.SecretExpires)
	}
	_, err := finder.Register(t.Context(), server, registering("https://app.example/callback"))
	var failed *discovery.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, 401, failed.StatusCode)
	assert.Equal(t, "invalid_token", failed.Code)
	assert.False(t, failed.Temporary())
}

// A client takes what the server returns (RFC 7591 section 3.2.1).
func TestRegisterTakesWhatTheServerReturns(t *testing.T) {
	p := authtest.NewProvider(t)
	finder, server := found(t, p)
	for name, test := range map[string]struct {
		edit  func(map[string]any)
		check func(*discovery.Registration)
		want  string
	}{
		"another method": {
			edit: func(r map[string]any) { r["token_endpoint_auth_method"] = "client_secret_post" },
			check: func(r *discovery.Registration) {
				assert.Equal(t, connectorauth.ClientSecretPost, r.TokenEndpointAuthMethod)
			},
		},
		"a public client": {
			edit: func(r map[string]any) { r["token_endpoint_auth_method"] = "none" },
			check: func(r *discovery.Registration) {
				assert.Equal(t, connectorauth.ClientAuthNone, r.TokenEndpointAuthMethod)
			},
		},
		"no method, a secret": {
			edit: func(r map[string]any) { delete(r, "token_endpoint_auth_method") },
			check: func(r *discovery.Registration) {
				assert.Equal(t, connectorauth.ClientSecretBasic, r.TokenEndpointAuthMethod)
			},
		},
		"no method, no secret": {
			edit: func(r map[string]any) { delete(r, "token_endpoint_auth_method"); delete(r, "client_secret") },
			check: func(r *discovery.Registration) {
				assert.Equal(t, connectorauth.ClientAuthNone, r.TokenEndpointAuthMethod)
			},
		},
		"no expiry": {
			edit:  func(r map[string]any) { r["client_secret_expires_at"] = nil },
			check: func(r *discovery.Registration) { assert.Zero(t, r.SecretExpires) },
		},
		"other scopes and grants": {
			edit: func(r map[string]any) { r["scope"], r["grant_types"] = "read", []string{"authorization_code"} },
			check: func(r *discovery.Registration) {
				assert.Equal(t, "read", r.Scope)
				assert.Equal(t, []string{"authorization_code"}, r.GrantTypes)
			},
		},
		"expiry": {
			edit:  func(r map[string]any) { r["client_secret_expires_at"] = 4102444800 },
			check: func(r *discovery.Registration) { assert.Equal(t, 2100, r.SecretExpires.UTC().Year()) },
		},
		"expiry in quotes": {
			edit:  func(r map[string]any) { r["client_secret_expires_at"] = "4102444800" },
			check: func(r *discovery.Registration) { assert.Equal(t, 2100, r.SecretExpires.UTC().Year()) },
		},
		"what nobody needs": {
			edit:  func(r map[string]any) { r["contacts"], r["client_id_issued_at"], r["jwks"] = 4, "yesterday", nil },
			check: func(r *discovery.Registration) { assert.Equal(t, "Acme", r.ClientName) },
		},
		"no management": {
			edit: func(r map[string]any) { delete(r, "registration_client_uri"); delete(r, "registration_access_token") },
			check: func(r *discovery.Registration) {
				_, err := finder.Read(t.Context(), r)
				assert.ErrorContains(t, err, "RFC 7592")
				_, err = finder.Update(t.Context(), r, r.ClientMetadata)
				assert.ErrorContains(t, err, "RFC 7592")
				assert.ErrorContains(t, finder.Remove(t.Context(), r), "RFC 7592")
			},
		},
		"no ID":                  {edit: func(r map[string]any) { delete(r, "client_id") }, want: "client_id: is empty"},
		"ID with a line break":   {edit: func(r map[string]any) { r["client_id"] = "a\nb" }, want: "client_id"},
		"number as ID":           {edit: func(r map[string]any) { r["client_id"] = 4 }, want: "client_id is no string"},
		"secret with a break":    {edit: func(r map[string]any) { r["client_secret"] = "a\r\n" }, want: "client_secret"},
		"basic without a secret": {edit: func(r map[string]any) { delete(r, "client_secret") }, want: "client_secret: is empty"},
		"without the redirect":   {edit: func(r map[string]any) { r["redirect_uris"] = []string{"https://evil.example/"} }, want: "left out https://app.example/callback"},
		"management by http":     {edit: func(r map[string]any) { r["registration_client_uri"] = "http://a.example/" }, want: "registration_client_uri"},
	} {
		t.Run(name, func(t *testing.T) {
			p.Inject(p.RegisterURL, 1, authtest.EditAnswer(test.edit))
			r, err := finder.Register(t.Context(), server, registering("https://app.example/callback"))
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				require.ErrorAs(t, err, new(*discovery.Error))
				return
			}
			require.NoError(t, err)
			test.check(r)
		})
	}
}

// Some servers give a public client a secret, and do not say how the client authenticates.
func TestSecretThatNobodyAskedFor(t *testing.T) {
	p := authtest.NewProvider(t)
	finder, server := found(t, p)
	p.Inject(p.RegisterURL, 1, authtest.EditAnswer(func(r map[string]any) {
		r["client_secret"] = "unasked"
		delete(r, "token_endpoint_auth_method")
	}))
	r, err := finder.Register(t.Context(), server, registering(callbackURL))
	require.NoError(t, err)
	config := connectorauth.OAuth2Config{}
	require.NoError(t, r.Fill(&config))
	assert.Equal(t, connectorauth.ClientAuthNone, config.ClientAuth)
}

func TestRegistrationsThatFail(t *testing.T) {
	p := authtest.NewProvider(t)
	finder, server := found(t, p)
	for name, test := range map[string]struct {
		fault     authtest.Fault
		want      string
		temporary bool
	}{
		"refused":  {authtest.Answer(400, http.Header{"Content-Type": {"application/json"}}, `{"error": "invalid_redirect_uri", "error_description": "no\u0000t https"}`), "invalid_redirect_uri (no t https)", false},
		"limited":  {authtest.Answer(429, http.Header{"Retry-After": {"30"}}, ""), "status 429", true},
		"outage":   {authtest.Answer(503, nil, ""), "status 503", true},
		"redirect": {authtest.Answer(307, http.Header{"Location": {p.RegisterURL}}, ""), "redirect", false},
		"page":     {authtest.Answer(201, http.Header{"Content-Type": {"text/html"}}, "{}"), "Content-Type", false},
		"lost":     {authtest.DropAfter(), "", true},
	} {
		before := len(p.Requests(p.RegisterURL))
		p.Inject(p.RegisterURL, 1, test.fault)
		_, err := finder.Register(t.Context(), server, registering("https://app.example/callback"))
		var failed *discovery.Error
		require.ErrorAs(t, err, &failed, name)
		assert.ErrorContains(t, err, test.want, name)
		assert.Equal(t, test.temporary, failed.Temporary(), name)
		assert.Equal(t, p.RegisterURL, failed.URL)
		assert.Len(t, p.Requests(p.RegisterURL), before+1, "%s: once", name)
		if name == "limited" {
			assert.Equal(t, 30*time.Second, failed.RetryAfter)
		}
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	finder := must(discovery.New(discovery.Config{}))
	server := &discovery.Server{Issuer: "https://a.example", RegistrationEndpoint: "https://a.example/register"}
	for want, edit := range map[string]func(*discovery.RegistrationRequest){
		"RedirectURIs: is empty":   func(r *discovery.RegistrationRequest) { r.RedirectURIs = nil },
		"RedirectURIs: plain http": func(r *discovery.RegistrationRequest) { r.RedirectURIs = []string{"http://app.example/"} },
		"LogoURI":                  func(r *discovery.RegistrationRequest) { r.LogoURI = "javascript:alert(1)" },
		"InitialAccessToken":       func(r *discovery.RegistrationRequest) { r.InitialAccessToken = "a\nb" },
		"SoftwareStatement":        func(r *discovery.RegistrationRequest) { r.SoftwareStatement = "é" },
		`Further: "f"`:             func(r *discovery.RegistrationRequest) { r.Further = map[string]any{"f": func() {}} },
		`Further: "client_secret"`: func(r *discovery.RegistrationRequest) { r.Further = map[string]any{"client_secret": "s"} },
		"JWKS: is no JWK Set":      func(r *discovery.RegistrationRequest) { r.JWKS = json.RawMessage(`{"kty": "RSA"}`) },
		"keys[1] has the member d": func(r *discovery.RegistrationRequest) {
			r.JWKS = json.RawMessage(`{"keys": [{"kty": "EC"}, {"kty": "EC", "d": "x"}]}`)
		},
		"keys[0] has the member k": func(r *discovery.RegistrationRequest) {
			r.JWKS = json.RawMessage(`{"keys": [{"kty": "oct", "k": "x"}]}`)
		},
		"JWKS: exclude JWKSURI": func(r *discovery.RegistrationRequest) {
			r.JWKS, r.JWKSURI = json.RawMessage(`{"keys": [{}]}`), "https://a.example/"
		},
	} {
		request := registering("https://app.example/callback")
		edit(&request)
		_, err := finder.Register(t.Context(), server, request)
		assert.ErrorContains(t, err, want)
	}
	_, err := finder.Register(t.Context(), &discovery.Server{Issuer: "https://a.example"}, registering("https://app.example/callback"))
	assert.ErrorContains(t, err, "no registration_endpoint")
	server.TokenEndpointAuthMethodsSupported = []string{"tls_client_auth"}
	_, err = finder.Register(t.Context(), server, registering("https://app.example/callback"))
	assert.ErrorContains(t, err, "takes tls_client_auth only")
}

// RFC 7592.
func TestManagement(t *testing.T) {
	p := authtest.NewProvider(t)
	finder, server := found(t, p)
	r, err := finder.Register(t.Context(), server, registering("https://app.example/callback"))
	require.NoError(t, err)
	read, err := finder.Read(t.Context(), r)
	require.NoError(t, err)
	assert.True(t, r.ClientID == read.ClientID && r.ClientSecret == read.ClientSecret && r.AccessToken == read.AccessToken)

	m := r.ClientMetadata
	m.ClientName = "Acme Ltd"
	changed, err := finder.Update(t.Context(), r, m)
	require.NoError(t, err)
	assert.Equal(t, "Acme Ltd", changed.ClientName)
	assert.False(t, changed.AccessToken == r.AccessToken, "the server has replaced the access token")
	var sent map[string]any
	requests := p.Requests(p.RegisterURL)
	require.NoError(t, json.Unmarshal(requests[len(requests)-1].Body, &sent))
	assert.Equal(t, r.ClientID, sent["client_id"], "RFC 7592 section 2.2")
	_, err = finder.Update(t.Context(), r, discovery.ClientMetadata{})
	assert.ErrorContains(t, err, "RedirectURIs")

	p.Inject(p.RegisterURL, 1, authtest.EditAnswer(func(response map[string]any) {
		delete(response, "client_secret")
		delete(response, "registration_access_token")
	}))
	kept, err := finder.Read(t.Context(), changed)
	require.NoError(t, err)
	assert.True(t, kept.ClientSecret == changed.ClientSecret && kept.AccessToken == changed.AccessToken)
	p.Inject(p.RegisterURL, 1, authtest.EditAnswer(func(response map[string]any) { response["client_id"] = "other" }))
	_, err = finder.Read(t.Context(), changed)
	assert.ErrorContains(t, err, "client_id: is another one")

	_, err = finder.Read(t.Context(), r)
	var failed *discovery.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, 401, failed.StatusCode, "the old access token")
	require.NoError(t, finder.Remove(t.Context(), changed))
	_, err = finder.Read(t.Context(), changed)
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, 401, failed.StatusCode)
}

func TestRegistrationFillsAConfig(t *testing.T) {
	r := discovery.Registration{Issuer: "https://a.example", ClientID: "id", ClientSecret: "secret"}
	codes := []string{"gone"}
	for _, method := range []connectorauth.ClientAuthMethod{"client_secret_basic", "client_secret_post", "none", "tls_client_auth", "self_signed_tls_client_auth"} {
		r.TokenEndpointAuthMethod = method
		config := connectorauth.OAuth2Config{}
		config.Dialect.InvalidGrantCodes = codes[:1:1]
		require.NoError(t, r.Fill(&config))
		require.NoError(t, r.Fill(&config))
		assert.Equal(t, method, config.ClientAuth)
		assert.Equal(t, "id", config.ClientID)
		assert.True(t, config.ClientSecret == "secret")
		assert.Equal(t, []string{"gone", "invalid_client"}, config.Dialect.InvalidGrantCodes)
	}
	r.TokenEndpointAuthMethod = "private_key_jwt"
	config := connectorauth.OAuth2Config{}
	assert.ErrorContains(t, r.Fill(&config), "registered with private_key_jwt")
	assert.Empty(t, config.ClientID)
	config.ClientAuth = connectorauth.ClientAuthNone // stands for a key of the program
	assert.NoError(t, r.Fill(&config))
}

// No error, and nothing printed, has a secret of a registration.
func TestRegistrationShowsNoSecret(t *testing.T) {
	secrets := []string{"initial-token-word", "statement-word", "secret-word-of-client", "access-token-word"}
	p := authtest.NewProvider(t)
	finder, server := found(t, p)
	request := registering("https://app.example/callback")
	request.InitialAccessToken, request.SoftwareStatement = connectorauth.Secret(secrets[0]), connectorauth.Secret(secrets[1])
	echo := fmt.Sprintf(`{"error": %[1]q, "error_description": "got %[1]s and %[2]s"}`, secrets[0], secrets[1])
	for _, fault := range []authtest.Fault{
		authtest.Answer(400, http.Header{"Content-Type": {"application/json"}}, echo),
		authtest.Answer(200, http.Header{"Content-Type": {secrets[0] + "/" + secrets[1]}}, echo),
		authtest.EditAnswer(func(r map[string]any) { r["client_secret"], r["client_id"] = secrets[2]+"\n", secrets[2]+"\n" }),
		authtest.EditAnswer(func(r map[string]any) { r["client_secret"] = secrets[2]; r["token_endpoint_auth_method"] = "é" }),
	} {
		p.Inject(p.RegisterURL, 1, fault)
		_, err := finder.Register(t.Context(), server, request)
		require.Error(t, err)
		for e := err; e != nil; e = errors.Unwrap(e) {
			assert.Empty(t, canary.Found(fmt.Sprintf("%v %+v %#v", e, e, e), secrets...))
		}
	}
	r := discovery.Registration{ClientID: "id", ClientSecret: connectorauth.Secret(secrets[2]), AccessToken: connectorauth.Secret(secrets[3])}
	encoded, err := json.Marshal(r)
	require.NoError(t, err)
	assert.Empty(t, canary.Found(fmt.Sprintf("%v %+v %#v %s %v %+v", r, r, r, encoded, request, request), secrets...))
}
