package discovery_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An API may respond to GET with a stream of events without an end. The header says enough.
func TestChallengeReadsTheHeaderAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		defer w.Close()
		base := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{"Www-Authenticate": {"Bearer"}}, Body: r, Request: req}, nil
		})
		finder := must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: base}}))
		began := time.Now()
		resp, err := finder.Challenge(t.Context(), home)
		require.NoError(t, err)
		assert.Equal(t, 200, resp.StatusCode)
		assert.Equal(t, "Bearer", resp.Header.Get("WWW-Authenticate"))
		assert.Zero(t, time.Since(began))
		_, err = w.Write([]byte("x"))
		assert.ErrorIs(t, err, io.ErrClosedPipe)
	})
}

// No name of a member reaches what is not a member.
func TestMembersWithoutAMeaning(t *testing.T) {
	for _, name := range []string{"", "-", "client", "Issuer", "Further"} {
		w := newWeb(t, home+rfc, serve(map[string]any{"issuer": home, name: map[string]any{"Transport": 1}}))
		server, err := w.finder.Server(t.Context(), home)
		require.NoError(t, err, "%q", name)
		assert.Equal(t, home, server.Issuer)
		w = newWeb(t, home+protected, serve(map[string]any{"resource": home, name: map[string]any{}}))
		_, err = w.finder.Resource(t.Context(), home, nil)
		assert.NoError(t, err, "%q", name)
	}
}

// A client for its Timeout has no Transport, and gives no leave to reach the program's network.
func TestClientWithoutTransportIsGuarded(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	finder := must(discovery.New(discovery.Config{HTTPClient: &http.Client{Timeout: time.Minute}}))
	_, err := finder.Server(t.Context(), server.URL)
	refused := new(egress.Error)
	assert.ErrorAs(t, err, &refused)
}

// What a server says in an error is bounded, and has no line break.
func TestErrorsOfFillAreOneLine(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	server := discovery.Server{
		Issuer: home, TokenEndpoint: home + "/token", AuthorizationEndpoint: home + "/auth",
		TokenEndpointAuthMethodsSupported: []string{"a\nlevel=error msg=forged", long},
	}
	config := connectorauth.OAuth2Config{ClientID: "c", ClientSecret: "s"}
	err := server.Fill(&config)
	require.ErrorContains(t, err, "ClientAuth")
	assert.NotContains(t, err.Error(), "\nlevel")
	assert.Less(t, len(err.Error()), 1000)
	server.RegistrationEndpoint = home + "/register"
	_, err = newWeb(t, "nowhere", nil).finder.Register(t.Context(), &server, registering(callbackURL))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "\nlevel")
	assert.Less(t, len(err.Error()), 1000)
}

// A thousand bad endpoints are one error.
func TestErrorOfManyEndpointsIsShort(t *testing.T) {
	aliases := map[string]string{}
	for i := range 1000 {
		aliases[fmt.Sprint("alias-", i)] = "javascript:x"
	}
	w := newWeb(t, home+rfc, serve(map[string]any{"issuer": home, "token_endpoint": "http://a.example", "mtls_endpoint_aliases": aliases}))
	_, err := w.finder.Server(t.Context(), home)
	require.ErrorContains(t, err, "mtls_endpoint_aliases.alias-0: ")
	assert.Less(t, len(err.Error()), 2000)
	aliases = map[string]string{"a\nlevel=error msg=forged": "javascript:x", strings.Repeat("x", 100<<10): "javascript:x"}
	w = newWeb(t, home+rfc, serve(map[string]any{"issuer": home, "mtls_endpoint_aliases": aliases}))
	_, err = w.finder.Server(t.Context(), home)
	require.ErrorContains(t, err, "mtls_endpoint_aliases.")
	assert.NotContains(t, err.Error(), "\nlevel")
	assert.Less(t, len(err.Error()), 1000)
}

// The query of a URL may have a key, which a server may repeat.
func TestResourceOfAnErrorHasNoQuery(t *testing.T) {
	finder := must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(200, `{"resource": "https://other.example/mcp?key=secret"}`)
		resp.Header.Set("Content-Type", "application/json")
		return resp, nil
	})}}))
	_, err := finder.Resource(t.Context(), home+"/mcp?key=secret", nil)
	require.ErrorContains(t, err, "https://other.example/mcp")
	assert.NotContains(t, err.Error(), "secret")
}

// RFC 9126 section 5: where the server wants pushed requests, Begin pushes.
func TestFillPushesWhereTheServerWants(t *testing.T) {
	server := metadata()
	server.PushedAuthorizationRequestEndpoint = "https://a.example/par"
	config := connectorauth.OAuth2Config{ClientID: "c"}
	require.NoError(t, server.Fill(&config))
	assert.Empty(t, config.Grant.(connectorauth.AuthorizationCode).PushedAuthorizationRequestURL, "the server takes both")
	server.RequirePushedAuthorizationRequests = true
	config = connectorauth.OAuth2Config{ClientID: "c"}
	require.NoError(t, server.Fill(&config))
	assert.Equal(t, "https://a.example/par", config.Grant.(connectorauth.AuthorizationCode).PushedAuthorizationRequestURL)
	config.Grant = connectorauth.AuthorizationCode{PushedAuthorizationRequestURL: "https://b.example/par"}
	require.NoError(t, server.Fill(&config))
	assert.Equal(t, "https://b.example/par", config.Grant.(connectorauth.AuthorizationCode).PushedAuthorizationRequestURL)
	server.MTLSEndpointAliases["pushed_authorization_request_endpoint"] = "https://mtls.a.example/par"
	config = connectorauth.OAuth2Config{ClientID: "c", ClientAuth: connectorauth.ClientAuthTLS}
	require.NoError(t, server.Fill(&config))
	assert.Equal(t, "https://mtls.a.example/par", config.Grant.(connectorauth.AuthorizationCode).PushedAuthorizationRequestURL)
	server.PushedAuthorizationRequestEndpoint, server.MTLSEndpointAliases = "", nil
	config = connectorauth.OAuth2Config{ClientID: "c"}
	assert.ErrorContains(t, server.Fill(&config), "pushed_authorization_request_endpoint")
}

// A private key in a further member would be as public as one in JWKS.
func TestFurtherMembersHaveNoPrivateKey(t *testing.T) {
	for _, set := range []any{
		map[string]any{"keys": []any{map[string]any{"kty": "EC", "d": "canary"}}}, json.RawMessage(`{"keys": [{"kty": "oct", "k": "canary"}]}`), nil, func() {},
	} {
		_, err := discovery.NewClientDocument(documentURL, discovery.ClientMetadata{
			ClientName: "Acme", RedirectURIs: []string{"https://app.example/callback"}, Further: map[string]any{"jwks": set},
		})
		require.ErrorContains(t, err, "jwks", "%T", set)
		assert.NotContains(t, err.Error(), "canary")
	}
}

// What a server makes the store keep is bounded.
func TestRecordsAreBounded(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	p := authtest.NewProvider(t)
	s := newProcess(t, p, new(tokenstore.Memory))
	server := must(s.finder.Server(t.Context(), p.URL))
	for _, members := range []string{`"client_id": "` + long + `"`, `"client_id": "c", "registration_access_token": "` + long + `"`, `"client_id": "c", "scope": "` + long + `"`} {
		p.Inject(server.RegistrationEndpoint, 1, authtest.Answer(201, http.Header{"Content-Type": {"application/json"}},
			`{"token_endpoint_auth_method": "client_secret_basic", "client_secret": "s", `+members+`}`))
		_, err := s.registrar.Client(t.Context(), server, callbackURL)
		require.ErrorContains(t, err, "64 KiB", members[:20])
		assert.Less(t, len(err.Error()), 500)
	}
	var scopes []string
	for i := range 20_000 {
		scopes = append(scopes, fmt.Sprint("scope-", i))
	}
	w := newWeb(t, home+rfc, serve(map[string]any{
		"issuer": home, "authorization_endpoint": home + "/auth", "token_endpoint": home + "/token", "scopes_supported": scopes,
	}))
	store := new(tokenstore.Memory)
	account := must(discovery.NewAccount(discovery.AccountConfig{
		Finder: w.finder, Issuer: home, OAuth2: connectorauth.OAuth2Config{ClientID: "c", Store: store, Account: "alice"},
	}))
	_, _, err := account.Begin(t.Context(), callbackURL)
	require.ErrorContains(t, err, "64 KiB")
	_, kept, _ := store.Load(t.Context(), "connectorauth-discovered-alice")
	assert.False(t, kept)
}

// A time in any spelling of a JSON number is a time.
func TestSecretExpiresInAnySpelling(t *testing.T) {
	p := authtest.NewProvider(t)
	finder := finderOf(t, p)
	server := must(finder.Server(t.Context(), p.URL))
	for text, want := range map[string]int64{
		`1900000000`: 1900000000, `1900000000.5`: 1900000000, `1.9e9`: 1900000000, `"1900000000"`: 1900000000, `0`: 0, `0.0`: 0, `null`: 0, `1e300`: 0, `-5`: 0,
	} {
		p.Inject(server.RegistrationEndpoint, 1, authtest.Answer(201, http.Header{"Content-Type": {"application/json"}},
			`{"client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "client_secret_basic", "client_secret_expires_at": `+text+`}`))
		client, err := finder.Register(t.Context(), server, registering(callbackURL))
		require.NoError(t, err, text)
		if want == 0 {
			assert.True(t, client.SecretExpires.IsZero(), text)
		} else {
			assert.Equal(t, want, client.SecretExpires.Unix(), text)
		}
	}
}

// A consent that begins while another one is finished can be finished too.
func TestAccountsConsentsSideBySide(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	s := newProcess(t, p, store)
	account := s.account(t, "alice")
	authURL, pending, err := account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	callback := must(p.Authorize(authURL))
	var second string
	var secondPending connectorauth.Secret
	p.Inject(p.TokenURL, 1, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := s.registrar.Replace(t.Context(), must(s.finder.Server(t.Context(), p.URL)), callbackURL)
			assert.NoError(t, err)
			second, secondPending, err = account.Begin(t.Context(), callbackURL)
			assert.NoError(t, err)
			next.ServeHTTP(w, r)
		})
	})
	require.NoError(t, account.Finish(t.Context(), pending, callback.Query()))
	require.NoError(t, use(t, p, account))
	callback = must(p.Authorize(second))
	require.NoError(t, account.Finish(t.Context(), secondPending, callback.Query()))
	assert.NoError(t, use(t, p, account))
}

// A redirect has led from the API to a host that would like to name the authorization server.
func TestChallengeAfterARedirectIsRefused(t *testing.T) {
	w := newWeb(t, home+protected, serve(map[string]any{"resource": home}))
	resp := rejected(`Bearer resource_metadata="` + fakehttp.Foreign + protected + `"`)
	resp.Request = must(http.NewRequest(http.MethodGet, fakehttp.Foreign+"/a?key=secret", nil))
	_, err := w.finder.Resource(t.Context(), home, resp)
	require.ErrorContains(t, err, fakehttp.Foreign)
	assert.NotContains(t, err.Error(), "secret")
	assert.Empty(t, w.asked)
	resp.Header = http.Header{}
	for _, request := range []*http.Request{must(http.NewRequest(http.MethodGet, home+"/elsewhere", nil)), new(http.Request), nil} {
		resp.Request = request
		_, err = w.finder.Resource(t.Context(), home, resp)
		assert.NoError(t, err)
	}
}

// An issuer is a word of a stranger, in URLs, errors and records.
func TestLongIssuersAreRefused(t *testing.T) {
	long := "https://a.example/" + strings.Repeat("x", 3000)
	w := newWeb(t, home+protected, serve(map[string]any{"resource": home, "authorization_servers": []string{long}}))
	_, err := w.finder.Resource(t.Context(), home, nil)
	require.ErrorContains(t, err, "2048")
	assert.Less(t, len(err.Error()), 500)
	_, err = w.finder.Server(t.Context(), long)
	assert.ErrorContains(t, err, "2048")
}

// A nil pointer is an error, as with NewOAuth2.
func TestFillOfANilGrant(t *testing.T) {
	server := metadata()
	config := connectorauth.OAuth2Config{ClientID: "c", ClientSecret: "s", Grant: (*connectorauth.ClientCredentials)(nil)}
	assert.ErrorContains(t, server.Fill(&config), "nil")
}

// RFC 6749 section 5.2 has both statuses for invalid_client.
func TestClientIsDeadByEitherStatus(t *testing.T) {
	for _, status := range []int{400, 401} {
		bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
			account := newProcess(t, p, new(tokenstore.Memory)).account(t, "alice")
			connect(t, p, account)
			time.Sleep(2 * time.Hour)
			p.Inject(p.TokenURL, 1, authtest.Answer(status, http.Header{"Content-Type": {"application/json"}}, `{"error": "invalid_client"}`))
			require.ErrorIs(t, use(t, p, account), connectorauth.ErrReauthRequired, "%d", status)
			// The store lost the error of the account: only the registration tells.
			require.NoError(t, must(account.Connector(t.Context())).Forget(t.Context()))
			connect(t, p, account)
			assert.Equal(t, 2, p.Stats().Registrations, "%d", status)
		})
	}
}

// Without a Registrar, the document is the only client.
func TestDocumentWithoutRegistrar(t *testing.T) {
	w := newWeb(t, home+rfc, serve(map[string]any{"issuer": home, "authorization_endpoint": home + "/auth", "token_endpoint": home + "/token"}))
	account := must(discovery.NewAccount(discovery.AccountConfig{
		Finder: w.finder, Issuer: home, OAuth2: connectorauth.OAuth2Config{ClientID: documentURL, Store: new(tokenstore.Memory), Account: "alice"},
	}))
	authURL, _, err := account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	assert.Equal(t, documentURL, must(url.Parse(authURL)).Query().Get("client_id"))
}
