// Package connectorauth turns a connector into an ordinary *http.Client that is
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
// With OAuth1 and with OAuth2's authorization code, the account owner visits the
// provider and returns with a callback. Begin returns the URL for the browser
// and a pending value to keep for the browser. Finish takes the pending value and
// the callback. With the grant DeviceCode, the account owner types a code on any device:
// BeginDevice returns the code and a pending value for FinishDevice. Package consent does
// all this for a web application, with a popup, and for a command-line program.
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
// Status of a connector tells what is known of its account, and renews nothing.
// Renew replaces the token now, Forget removes the token, and Revoke of an OAuth2
// tells the provider first, as Revoke of a Custom with a logout does. Observe is told
// what happens, and [RenewalError] tells why the API's 401 could not be helped for
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
// and neither a resolver nor a proxy of http.ProxyFromEnvironment is asked. A Transport
// with another Proxy function, such as http.ProxyURL, sends loopback requests to that
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
// request. http.Client wraps errors of requests in a *url.Error; errors.Is and
// errors.As see through:
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
// text quotes a credential that the library knows at that place: then errors.Is still
// sees the error, and the text is another.
package connectorauth

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/connectorauth/connectorauth/internal/scrub"
)

// AuthType names how a connector authenticates. Connector catalogues use the same
// words.
type AuthType string

// The auth types.
const (
	AuthTypeAPIKey     AuthType = "ApiKey"
	AuthTypeBasic      AuthType = "Basic"
	AuthTypeOAuth1     AuthType = "OAuth1"
	AuthTypeOAuth2     AuthType = "OAuth2"
	AuthTypeAuthFields AuthType = "AuthFields"
	AuthTypeNone       AuthType = "None"
	AuthTypeCustom     AuthType = "Custom"
	AuthTypeJoined     AuthType = "Joined" // several connectors: see Join
)

// A Connector authenticates requests to one service with one account's
// credentials. Connectors are immutable and safe for concurrent use.
//
// Most programs pass a Connector to [NewClient] and never call its methods.
type Connector interface {
	// AuthType returns how the connector authenticates.
	AuthType() AuthType
	// Wrap returns a RoundTripper that adds the credentials to each request,
	// renews expired credentials, and sends through base. A nil base means
	// http.DefaultTransport.
	Wrap(base http.RoundTripper) http.RoundTripper
}

// NewClient returns an HTTP client that authenticates with c. The client is a
// copy of base with a wrapped Transport: timeout, cookie jar and redirect policy
// stay the same. NewClient does not change base. A nil base means
// http.DefaultClient. Token requests do not use base: see OAuth2Config.HTTPClient.
func NewClient(c Connector, base *http.Client) *http.Client {
	if base == nil {
		base = http.DefaultClient
	}
	client := *base
	client.Transport = c.Wrap(base.Transport)
	return &client
}

// None is the [Connector] of a service without credentials. Requests pass
// through unchanged, to any host.
type None struct{}

// AuthType returns AuthTypeNone.
func (None) AuthType() AuthType { return AuthTypeNone }

// Wrap returns base, or http.DefaultTransport if base is nil.
func (None) Wrap(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		return http.DefaultTransport
	}
	return base
}

// Secret is a string that never prints itself. Every fmt verb, log/slog, JSON and
// text encoding give "[redacted]" instead, or "" for an empty Secret, so a
// missing value is visible. The exception is %p, which go vet refuses for a
// string: fmt calls no method there. string(s) is the value.
//
// A Secret decodes from JSON as an ordinary string and encodes as "[redacted]".
// Package gob refuses a Secret. So keep credentials in a store of your own, not in a
// marshalled config.
//
// A Secret is a string, so a program that walks memory by reflection, and calls no
// methods, prints the value. Such a program is the diff of testify's assert.Equal: in
// tests, compare Secrets, and configs with Secrets, by assert.True(t, a == b).
// Connectors, clients, errors and the stores of this library keep their credentials
// where reflection does not reach.
type Secret string

// String returns "[redacted]", or "" for an empty Secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return scrub.Redacted
}

// GoString returns the quoted String, for the verb %#v.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format writes the redacted form for every verb.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		io.WriteString(f, s.GoString())
		return
	}
	io.WriteString(f, s.String())
}

// LogValue redacts the Secret in log/slog output.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText encodes the redacted form.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// GobEncode returns an error: package gob would write the value.
func (Secret) GobEncode() ([]byte, error) {
	return nil, errors.New("connectorauth: a Secret is not for package gob; use string(s)")
}

// MarshalJSON encodes the redacted form as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }
