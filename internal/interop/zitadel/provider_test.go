// Package zitadel_test checks OAuth2 connectors against the example provider of
// zitadel/oidc, which somebody else wrote: authorization code with PKCE, device grant, JWT
// bearer grant, private_key_jwt, token exchange, rotation, revocation and discovery.
package zitadel_test

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
)

const (
	redirectURL   = "http://127.0.0.1/callback"
	webClient     = "web"   // authenticates with webSecret
	signingClient = "robot" // authenticates with a key
	nativeClient  = "phone" // is public
	deviceClient  = "tv"    // authenticates with webSecret
	webSecret     = "p@ss:w/+r d&=%?~"
	admin, user   = "id1", "id2" // the users of the example
	adminName     = "test-user@127.0.0.1"
	adminPassword = "verysecure"
)

func TestMain(m *testing.M) {
	child.Main(replicas)
	slog.SetDefault(slog.New(slog.DiscardHandler)) // for what the provider logs past its logger
	leaktest.Main(m)
}

// keyed is the example's storage, with the keys of the tests: the example's own key has
// 1024 bits, too short for RFC 7518 section 3.3.
type keyed struct {
	*storage.Storage
	keys map[string]crypto.PublicKey // by kid
	ends *ends
}

// GetKeyByIDAndClientID returns the key of the admin or of the client that signs.
func (k keyed) GetKeyByIDAndClientID(_ context.Context, kid, owner string) (*jose.JSONWebKey, error) {
	public := k.keys[kid]
	if public == nil || owner != admin && owner != signingClient {
		return nil, errors.New("key not found")
	}
	return &jose.JSONWebKey{KeyID: kid, Use: "sig", Key: public}, nil
}

// GetClientByClientID makes signingClient one that signs, and gives deviceClient refresh
// tokens.
func (k keyed) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	client, err := k.Storage.GetClientByClientID(ctx, id)
	switch {
	case err == nil && id == signingClient:
		client = signs{client}
	case err == nil && id == deviceClient:
		client = refreshes{client}
	}
	return client, err
}

// CreateAccessToken makes the token end after the lifetime.
func (k keyed) CreateAccessToken(ctx context.Context, request op.TokenRequest) (id string, end time.Time, err error) {
	id, end, err = k.Storage.CreateAccessToken(ctx, request)
	return id, k.ends.of(id, end), err
}

// CreateAccessAndRefreshTokens makes the token end after the lifetime. The example forgets
// which client a device has, so that its refresh tokens serve nobody.
func (k keyed) CreateAccessAndRefreshTokens(ctx context.Context, request op.TokenRequest, current string) (id, refresh string, end time.Time, err error) {
	if device, ok := request.(*op.DeviceAuthorizationState); ok {
		request = &storage.AuthRequest{ApplicationID: device.ClientID, UserID: device.Subject, Scopes: device.Scopes}
	}
	id, refresh, end, err = k.Storage.CreateAccessAndRefreshTokens(ctx, request, current)
	return id, refresh, k.ends.of(id, end), err
}

// SetUserinfoFromToken refuses tokens that have ended.
func (k keyed) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, id, subject, origin string) error {
	if k.ends.over(id) {
		return errors.New("token is expired")
	}
	return k.Storage.SetUserinfoFromToken(ctx, info, id, subject, origin)
}

// CompleteDeviceAuthorization names the user by ID. The example takes the name for the ID,
// and does not find the user afterwards.
func (k keyed) CompleteDeviceAuthorization(ctx context.Context, userCode, name string) error {
	if name != adminName {
		return errors.New("user not found")
	}
	return k.Storage.CompleteDeviceAuthorization(ctx, userCode, admin)
}

// ends are the ends of access tokens with a lifetime that the example does not have.
type ends struct {
	mu       sync.Mutex
	lifetime time.Duration        // 0: that of the example
	at       map[string]time.Time // by the ID of the token
}

// after makes the tokens from now on end after a time.
func (e *ends) after(lifetime time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lifetime = lifetime
}

func (e *ends) of(id string, end time.Time) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lifetime == 0 {
		return end
	}
	e.at[id] = time.Now().Add(e.lifetime)
	return e.at[id]
}

func (e *ends) over(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	end, ok := e.at[id]
	return ok && time.Now().After(end)
}

// JWTProfileTokenType makes the tokens of JWT bearer grants JWTs: with an opaque subject
// token, the token exchange of v3.45.6 panics.
func (keyed) JWTProfileTokenType(context.Context, op.TokenRequest) (op.AccessTokenType, error) {
	return op.AccessTokenTypeJWT, nil
}

// signs is a client that authenticates with a key.
type signs struct{ op.Client }

func (signs) AuthMethod() oidc.AuthMethod { return oidc.AuthMethodPrivateKeyJWT }

// refreshes is a client with refresh tokens.
type refreshes struct{ op.Client }

func (c refreshes) GrantTypes() []oidc.GrantType {
	return append(slices.Clone(c.Client.GrantTypes()), oidc.GrantTypeRefreshToken)
}

// provider is the example provider on a loopback port.
type provider struct {
	*httptest.Server
	issuer  string
	storage keyed

	mu    sync.Mutex
	forms []url.Values // of the token requests
}

// start starts the provider. The newer of zitadel's two interfaces is used if newer is set.
func start(t *testing.T, newer bool) *provider {
	t.Helper()
	p := new(provider)
	p.Server = httptest.NewUnstartedServer(nil)
	p.issuer = "http://" + p.Listener.Addr().String() + "/"
	clients := map[string]*storage.Client{
		webClient:     storage.WebClient(webClient, webSecret, redirectURL),
		signingClient: storage.WebClient(signingClient, "", redirectURL),
		nativeClient:  storage.NativeClient(nativeClient, redirectURL),
		deviceClient:  storage.DeviceClient(deviceClient, webSecret),
	}
	p.storage = keyed{
		storage.NewStorageWithClients(storage.NewUserStore(p.issuer), clients), map[string]crypto.PublicKey{},
		&ends{at: map[string]time.Time{}},
	}
	for algorithm, signer := range signers {
		p.storage.keys[string(algorithm)] = signer.Public()
	}
	router := exampleop.SetupServer(p.issuer, p.storage, slog.New(slog.DiscardHandler), newer)
	p.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth/token" {
			r.ParseForm()
			p.mu.Lock()
			p.forms = append(p.forms, r.PostForm)
			p.mu.Unlock()
		}
		router.ServeHTTP(w, r)
	})
	p.Start()
	t.Cleanup(p.Close)
	return p
}

// sent returns the values of a parameter of the token requests with a grant_type.
func (p *provider) sent(grantType, name string) (values []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, form := range p.forms {
		if form.Get("grant_type") == grantType {
			values = append(values, form.Get(name))
		}
	}
	return values
}

// end makes the API refuse the tokens of a user at a client; JWT bearer grants have no
// client.
func (p *provider) end(t *testing.T, user, client string) {
	t.Helper()
	require.NoError(t, p.storage.TerminateSession(t.Context(), user, client))
}

// config is that of the client with a secret.
func (p *provider) config(grant connectorauth.Grant, scopes ...string) connectorauth.OAuth2Config {
	return connectorauth.OAuth2Config{
		ClientID: webClient, ClientSecret: webSecret, TokenURL: p.issuer + "oauth/token", RevokeURL: p.issuer + "revoke",
		Grant: grant, Scopes: scopes, Shared: new(connectorauth.Shared),
		Dialect: dialect.OAuth2{Rejections: []dialect.Rejection{{Status: http.StatusForbidden}}}, // userinfo of a token that has ended
	}
}

// whoami calls the API: the subject of the token.
func (p *provider) whoami(t *testing.T, c connectorauth.Connector) string {
	t.Helper()
	resp, err := connectorauth.NewClient(c, nil).Get(p.issuer + "userinfo")
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	var info struct{ Sub string }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&info))
	return info.Sub
}

// connect returns a connector after the consent of the admin.
func (p *provider) connect(t *testing.T, config connectorauth.OAuth2Config) *connectorauth.OAuth2 {
	t.Helper()
	c := newOAuth2(t, config)
	authURL, pending, err := c.Begin(t.Context(), redirectURL)
	require.NoError(t, err)
	require.NoError(t, c.Finish(t.Context(), pending, consent(t, authURL)))
	return c
}

// consent takes the part of the admin in a browser, and returns the query of the callback.
func consent(t *testing.T, authURL string) url.Values {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	follow := func(resp *http.Response, err error) *url.URL {
		require.NoError(t, err)
		resp.Body.Close()
		next, err := resp.Location()
		require.NoError(t, err, resp.Status)
		return next
	}
	login := follow(browser.Get(authURL))
	done := follow(browser.PostForm(login.String(), url.Values{
		"id": {login.Query().Get("authRequestID")}, "username": {adminName}, "password": {adminPassword},
	}))
	return follow(browser.Get(done.String())).Query()
}

func newOAuth2(t *testing.T, config connectorauth.OAuth2Config) *connectorauth.OAuth2 {
	t.Helper()
	c, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)
	return c
}

func wait(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}
