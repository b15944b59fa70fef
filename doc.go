// Package connectorauth turns a connector into an ordinary [*http.Client] that is
// authenticated, stays authenticated, and never gives the credentials to anyone
// else. A connector is one account's way into one service.
//
// Make a connector, wrap a client, use the client:
//
//	connector, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{
//		Key:    "the key",
//		Prefix: "Bearer ",
//		Hosts:  []string{"api.example.com"},
//	})
//	if err != nil {
//		return err
//	}
//	client := connectorauth.NewClient(connector, http.DefaultClient)
//	resp, err := client.Get("https://api.example.com/v1/orders")
//
// # Choosing a connector
//
// The service's documentation names the authentication. A key or token in a header, the
// query, a cookie, the body or the path: [NewAPIKey]. A user name and password:
// [NewBasic]. A client ID and secret with a token URL: [NewOAuth2], with the grant that
// fits. [ClientCredentials] is for a program that acts for itself, [AuthorizationCode]
// for a program that acts for an account owner, [DeviceCode] for the same on a device
// without a browser, [PasswordCredentials] for a service that offers nothing else. A
// server that is known by its issuer alone, and a client that registers itself: package
// discovery. A consumer key and signed requests: [NewOAuth1]. Fields inside
// each message: [NewAuthFields]. A login that gives a session: package session. HTTP
// Digest: module digestauth. Signatures of AWS: module awsauth. Nothing: [None].
// Anything else: [NewCustom]. Several at once: [Join].
//
// A private key in place of a secret, a client certificate, or a token in exchange
// for another: package assertion.
//
// Package dialect says, as data, where a service departs from the standards. An
// extension grant is a [Grant] of your own, another client authentication a
// [ClientAuth], a proof of possession a [Proof], such as that of assertion.NewDPoP. [WithHooks] shows a
// function each message; the module script does the same for JavaScript. Package
// authtest is a provider to test against.
//
// The account owner is the person who gives the credentials or the consent: the
// resource owner of RFC 6749.
//
// # Consent
//
// With [OAuth1] and with OAuth2's authorization code (RFC 6749 section 4.1), the account
// owner visits the provider and returns with a callback:
//
//	authURL, pending, err := connector.Begin(ctx, "https://app.example/callback")
//	... // keep pending for this browser, and redirect the browser to authURL
//	err = connector.Finish(ctx, pending, r.URL.Query()) // in the handler of the callback
//
// With the grant [DeviceCode] (RFC 8628), the account owner types a code on any device:
// [OAuth2.BeginDevice] returns the code and a pending value for [OAuth2.FinishDevice]. Package
// consent does all this for a web application, with a popup, and for a command-line program.
//
// An API may refuse a request because the account owner must authenticate better or anew
// (RFC 9470): the error is a [StepUpError], which [OAuth2.Asking] takes further. Package fapi
// checks a config against the FAPI 2.0 Security Profile. ID tokens are not verified here:
// see [OAuth2.Token].
//
// # Keeping tokens
//
// Without a [TokenStore], a token lives and dies with the connector. With a
// TokenStore, tokens survive, and connectors with the same Store and Account
// share a token. Providers that rotate refresh tokens revoke the account's grant
// when a refresh token is used twice. Several processes therefore need a
// [SharedTokenStore]: the lock lets a single process renew while the others wait
// for the new token. Within a process, [Shared] does the same. Package tokenstore has stores for memory, for the files of
// one host and for SQL databases, and encryption over any store.
//
// A token is renewed in the background some time before the token expires, or
// when the API answers 401. However many requests wait for the new token, there
// is a single token request, and the request goes on when its waiters give up.
// The new token is saved before the token is used.
//
// # Accounts
//
// [OAuth2.Status] tells what is known of an account, and renews nothing. [OAuth2.Renew]
// replaces the token now, [OAuth2.Forget] removes the token, and [OAuth2.Revoke] tells the
// provider first (RFC 7009). [OAuth1] and [Custom] have the same methods, where the auth type
// has the matter: Revoke of a Custom is its logout. Observe of the config is told what
// happens, an [Event] at a time, and [RenewalError] tells why the API's 401 could not be helped for
// now. Package accounts keeps the accounts of a program, by owner and definition.
//
// Before a program exits, [Shared.Shutdown] waits until the renewals under way have
// saved their tokens.
//
// # Where credentials are sent
//
// Credentials go to the Hosts of the config. Without Hosts, credentials go to the
// origin (scheme, host and port) of whatever URL you request, so set Hosts for a
// connector that is used with URLs from elsewhere. A redirect to another place is
// followed without credentials, and so is the rest of its chain, even back to the
// first host. A direct request to another place fails with [ErrHostNotAllowed].
// [WithHosts] narrows Hosts down for each request, where a token says where the API is.
// Plain http is refused, except to loopback and to origins that Hosts lists as
// http. A name below localhost, such as app.localhost, is loopback (RFC 6761 section
// 6.3): plain http to such a name goes to localhost, with the name in the Host header,
// and neither a resolver nor a proxy of [http.ProxyFromEnvironment] is asked. A Transport
// with another Proxy function, such as [http.ProxyURL], sends loopback requests to that
// proxy too.
//
// A request to an international host goes out in the ASCII form of its name (UTS 46,
// nontransitional). A name that is not valid is refused.
//
// The caller's request is never modified: credentials go into a copy, and replace
// credentials that the caller put in the same place. The Request of the response
// is the caller's request.
//
// # Errors
//
// Constructors check the whole config, report all problems at once, and make no
// request. [http.Client] wraps errors of requests in a [*url.Error]; [errors.Is] and
// [errors.As] see through:
//
//	var failed *connectorauth.TokenError
//	switch {
//	case errors.Is(err, connectorauth.ErrNotConnected):
//		// There is no token yet: ask the account owner for a first consent.
//	case errors.Is(err, connectorauth.ErrReauthRequired):
//		// Only the account owner can help: ask for a new consent.
//	case errors.As(err, &failed) && failed.Temporary():
//		// Try again later, after failed.RetryAfter.
//	case errors.As(err, &failed):
//		// The configuration is wrong: see failed.Code.
//	}
//
// If a rejected credential cannot be renewed for now, the caller gets the API's
// response, such as a 401, without an error, and [RenewalError] of the response
// tells the reason. No error, event or formatted value of this package contains
// a credential. An error of your own functions or store is passed on, unless its
// text quotes a credential that the library knows at that place: then [errors.Is] still
// sees the error, and the text is another.
package connectorauth
