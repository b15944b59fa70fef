// Package migrate turns the configs and tokens of golang.org/x/oauth2 and of
// github.com/dghubble/oauth1 into connectors, each in one call:
//
//	// Before: client := config.Client(ctx, token)
//	connector, err := migrate.OAuth2(ctx, config, token, connectorauth.OAuth2Config{
//		Store: store, Account: "alice/acme", Hosts: []string{"api.acme.example"},
//	})
//	...
//	client := connectorauth.NewClient(connector, nil)
//
// The last argument of each function is a config of this library. What the program sets there
// wins over the old config, and what the old libraries do not know has its place there: Store
// and Account, Hosts, Observe. Everything else comes from the old config. A field that cannot be carried over is
// an error that says what to fill in: nothing is dropped in silence.
//
// # The token
//
// The token goes into the Store once. Each later start finds the account in the Store, and
// leaves the Store alone: the token there may be a renewal, and the token of before is then used
// up. That holds for any number of processes that start at once, with a SharedTokenStore. So
// the call may stay in the program for as long as the old table exists. An account that needs
// its owner again stays so, whatever token the call brings. An account that was forgotten or
// revoked has no token in the Store: remove its token from the old table too, or the next call
// brings the token back.
//
// Without a Store, the token lives in memory and is renewed there, as in x/oauth2: a rotated
// refresh token is lost when the program ends. A nil token is an account that has not
// consented so far.
//
// The old program must not renew a token any more once the token has moved, because many
// providers take a refresh token once. docs/moving.md shows how old and new code run side by
// side, and the way back, by HandOver of the connector.
//
// # Redirect URLs
//
// RedirectURL and CallbackURL of the old configs are arguments here: give them to Begin of the
// connector, or register the callback of package consent. Parameters of the authorization
// request, such as access_type or prompt, are Params of connectorauth.AuthorizationCode.
package migrate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/connectorauth/connectorauth"
)

// OAuth2 returns a connector for the account of t, with the client of old: see the
// package documentation. extra names the extra values of t to keep, such as "instance_url".
//
// An empty Grant of with means AuthorizationCode, or DeviceCode where old has a DeviceAuthURL
// alone. A Grant of with needs no AuthURL or DeviceURL: old has the URL. An empty HTTPClient
// means the client under oauth2.HTTPClient in ctx, if there is one. An AuthStyleAutoDetect needs
// ClientAuth of with, unless the client is public. An error of the Store means that the token
// is not in use, and that the program may call again.
//
// The accounts of goth have their tokens in goth.User: AccessToken, RefreshToken and ExpiresAt
// are the fields of t. A token from a table needs nothing else either.
func OAuth2(ctx context.Context, old *oauth2.Config, t *oauth2.Token, with connectorauth.OAuth2Config, extra ...string) (*connectorauth.OAuth2, error) {
	if old == nil {
		return nil, errors.New("migrate: OAuth2: the config is nil")
	}
	with.Grant = grantOf(old.Endpoint, with.Grant)
	c, err := connect(ctx, with, client{old.ClientID, old.ClientSecret, old.Endpoint.TokenURL, old.Scopes, old.Endpoint.AuthStyle})
	if err != nil {
		return nil, fmt.Errorf("migrate: OAuth2: %w", err)
	}
	if t == nil {
		return c, nil
	}
	if _, err := c.AddToken(ctx, t, extra...); err != nil {
		return nil, fmt.Errorf("migrate: OAuth2: %w", err)
	}
	return c, nil
}

// ClientCredentials returns a connector for the client of old: see [OAuth2]. There is no token
// to move, because the client obtains another one. EndpointParams become TokenParams of the
// dialect, and a grant_type among them its GrantType; what the Dialect of with says wins.
func ClientCredentials(ctx context.Context, old *clientcredentials.Config, with connectorauth.OAuth2Config) (*connectorauth.OAuth2, error) {
	if old == nil {
		return nil, errors.New("migrate: ClientCredentials: the config is nil")
	}
	params := make(url.Values, len(old.EndpointParams))
	for _, from := range []url.Values{old.EndpointParams, with.Dialect.TokenParams} {
		maps.Copy(params, from)
	}
	with.Dialect.GrantType = cmp.Or(with.Dialect.GrantType, params.Get("grant_type"))
	delete(params, "grant_type")
	if with.Dialect.TokenParams = params; len(params) == 0 {
		with.Dialect.TokenParams = nil
	}
	if with.Grant == nil {
		with.Grant = connectorauth.ClientCredentials{}
	}
	c, err := connect(ctx, with, client{old.ClientID, old.ClientSecret, old.TokenURL, old.Scopes, old.AuthStyle})
	if err != nil {
		return nil, fmt.Errorf("migrate: ClientCredentials: %w", err)
	}
	return c, nil
}

// client is what both configs of x/oauth2 say.
type client struct {
	id, secret, tokenURL string
	scopes               []string
	style                oauth2.AuthStyle
}

// connect fills in what with leaves empty.
func connect(ctx context.Context, with connectorauth.OAuth2Config, old client) (*connectorauth.OAuth2, error) {
	with.ClientID = cmp.Or(with.ClientID, old.id)
	with.ClientSecret = cmp.Or(with.ClientSecret, connectorauth.Secret(old.secret))
	with.TokenURL = cmp.Or(with.TokenURL, old.tokenURL)
	if len(with.Scopes) == 0 {
		with.Scopes = old.scopes
	}
	if with.HTTPClient == nil {
		with.HTTPClient, _ = ctx.Value(oauth2.HTTPClient).(*http.Client)
	}
	if with.ClientAuth == nil && with.ClientSecret != "" {
		switch old.style {
		case oauth2.AuthStyleInHeader:
			with.ClientAuth = connectorauth.ClientSecretBasic
		case oauth2.AuthStyleInParams:
			with.ClientAuth = connectorauth.ClientSecretPost
		case oauth2.AuthStyleAutoDetect:
			return nil, errors.New("ClientAuth: is empty, and AuthStyleAutoDetect tries two ways, which costs a refused token request; use ClientSecretBasic or ClientSecretPost, as the provider's documentation says")
		default:
			return nil, fmt.Errorf("AuthStyle: is %d, which x/oauth2 does not know; set ClientAuth", old.style)
		}
	}
	return connectorauth.NewOAuth2(with)
}

// grantOf completes a grant with the URLs of an endpoint.
func grantOf(e oauth2.Endpoint, with connectorauth.Grant) connectorauth.Grant {
	if with == nil {
		with = connectorauth.AuthorizationCode{}
		if e.AuthURL == "" && e.DeviceAuthURL != "" {
			with = connectorauth.DeviceCode{}
		}
	}
	switch g := with.(type) {
	case connectorauth.AuthorizationCode:
		g.AuthURL = cmp.Or(g.AuthURL, e.AuthURL)
		return g
	case connectorauth.DeviceCode:
		g.DeviceURL = cmp.Or(g.DeviceURL, e.DeviceAuthURL)
		return g
	}
	return with
}
