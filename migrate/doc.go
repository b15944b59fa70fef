// Package migrate turns the configs and tokens of golang.org/x/oauth2 and of
// github.com/dghubble/oauth1 into connectors, each in one call:
//
//	// before: client := config.Client(ctx, token)
//	connector, err := migrate.OAuth2(ctx, config, token, connectorauth.OAuth2Config{
//		Store: store, Account: "alice/acme", Hosts: []string{"api.acme.example"},
//	})
//	...
//	client := connectorauth.NewClient(connector, nil)
//
// The last argument of each function is a config of this library. What the program sets there
// wins over the old config, and what the old libraries do not know has its place there: Store
// and Account, Hosts, Observe. Everything else comes from the old config. A field that cannot
// be carried over is an error that says what to fill in: nothing is dropped in silence.
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
// request, such as access_type or prompt, are Params of [connectorauth.AuthorizationCode].
package migrate
