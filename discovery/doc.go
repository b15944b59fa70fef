// Package discovery finds out what a program need not be told: the endpoints of an
// authorization server, the authorization servers of an API, and a client ID.
//
// # A server that is known by its issuer
//
// [Finder.Server] reads the metadata of an authorization server (RFC 8414, OpenID Connect
// Discovery), and [Server.Fill] completes a config with them:
//
//	finder, err := discovery.New(discovery.Config{}) // one for the program
//	...
//	server, err := finder.Server(ctx, "https://login.example.com")
//	...
//	config := connectorauth.OAuth2Config{ClientID: id, ClientSecret: secret, Store: store, Account: "alice"}
//	if err := server.Fill(&config); err != nil {
//		return err
//	}
//	connector, err := connectorauth.NewOAuth2(config)
//
// Without a Grant in the config, the grant is AuthorizationCode. Another grant needs no URL
// either, such as [connectorauth.DeviceCode]{}.
//
// # An API that is known by its URL
//
// [Finder.Resource] reads the metadata of the API (RFC 9728), which name the authorization
// servers. The 401 of the API may say where the metadata are:
//
//	resource, err := finder.Resource(ctx, "https://api.example.com/mcp", resp)
//	...
//	if len(resource.AuthorizationServers) == 0 {
//		return errors.New("the API names no authorization server")
//	}
//	server, err := finder.Server(ctx, resource.AuthorizationServers[0])
//	...
//	resource.Fill(&config) // Hosts and Scopes
//	err = server.Fill(&config)
//
// # A client that registers itself
//
// A [Registrar] registers the program at each server (RFC 7591), once over all processes, and
// keeps the registration sealed in a store. An [Account] does everything from the issuer to
// the connector with the grant AuthorizationCode, and is a consent.Flow, for package consent:
//
//	account, err := discovery.NewAccount(discovery.AccountConfig{
//		Finder: finder, Registrar: registrar, Issuer: issuer,
//		OAuth2: connectorauth.OAuth2Config{Store: store, Account: "alice"},
//	})
//	...
//	authURL, pending, err := account.Begin(ctx, redirectURL) // finds the server, registers the client
//	...
//	err = account.Finish(ctx, pending, callback)
//	...
//	connector, err := account.Connector(ctx) // makes no request
//
// A server may forget a client. The token endpoint then says invalid_client: the error
// matches [connectorauth.ErrReauthRequired], the store notes once that the client is dead, and
// the next [Account.Begin] registers anew. A renewal never registers. Accounts that were connected by a
// former client keep that client, until its record has sixteen later ones.
//
// Some servers show the person an error page for a client that they have forgotten, and the
// program learns nothing. A server with client management (RFC 7592) is therefore asked about
// the client once a day, at a Begin. For others there is [Registrar.Replace].
//
// [NewClientDocument] makes a client ID that needs no registration, at servers that read such
// documents. Where several ways are open, a client that was registered by hand comes first,
// then the document, then a registration.
//
// # What is trusted
//
// Metadata are words of a stranger, as is the URL that leads to them. Therefore:
//
//   - Requests go through [Config].HTTPClient, and without one to public addresses only. The
//     token requests of a config that Fill has completed go the same way.
//   - URLs are https, or http on loopback, which only a server on loopback may name.
//   - Redirects are not followed. A request ends after 30 seconds, and a response after 1 MiB.
//   - The issuer and the resource in the metadata must be those that were asked for: see
//     [Finder.Server] and [Finder.Resource].
//   - A response must be JSON and say so, and no object may have a name twice. The case of
//     names counts. signed_metadata (RFC 8414 section 2.1) is ignored.
//   - What is kept is bounded: a thousand documents, 8 MiB, a day; in a store, 64 KiB of metadata
//     for a consent, and of a registration. No renewal reads metadata.
//
// What a client has of one issuer goes to no other: registrations are kept by issuer, and an
// account that was connected at one issuer is refused at another.
package discovery
