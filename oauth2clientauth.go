package connectorauth

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// A ClientAuth authenticates the client at the token endpoint (RFC 6749 section
// 2.3): a [ClientAuthMethod], or a type of your own, as for signed assertions. A
// ClientAuth is immutable and safe for concurrent use.
type ClientAuth interface {
	// Authenticate adds the client's credentials to a token request. Authenticate
	// is called anew for each request that is sent. ctx is bounded and outlives the
	// caller that wanted the token. After an error, nothing is sent.
	Authenticate(ctx context.Context, r *TokenRequest) error
}

// ClientAuthMethod is a [ClientAuth] with the client secret. The values are
// those of token_endpoint_auth_method in RFC 7591 section 2, and two more. A
// client without a secret sends its client_id in the body.
type ClientAuthMethod string

// The methods of client authentication.
const (
	ClientSecretBasic    ClientAuthMethod = "client_secret_basic"     // HTTP Basic, ID and secret form-encoded first
	ClientSecretPost     ClientAuthMethod = "client_secret_post"      // client_id and client_secret in the body
	ClientSecretBasicRaw ClientAuthMethod = "client_secret_basic_raw" // HTTP Basic, ID and secret unchanged, for providers that do not decode them
	ClientSecretUser     ClientAuthMethod = "client_secret_user"      // HTTP Basic, the secret as the user name, no password
	ClientAuthNone       ClientAuthMethod = "none"                    // a public client: client_id in the body

	// The certificate of the connection authenticates the client, whose client_id is in the
	// body (RFC 8705 section 2): HTTPClient presents the certificate.
	ClientAuthTLS           ClientAuthMethod = "tls_client_auth"
	ClientAuthSelfSignedTLS ClientAuthMethod = "self_signed_tls_client_auth"
)

// byCertificate reports whether the connection authenticates the client.
func (m ClientAuthMethod) byCertificate() bool {
	return m == ClientAuthTLS || m == ClientAuthSelfSignedTLS
}

// Authenticate adds the client ID and secret to r.
func (m ClientAuthMethod) Authenticate(_ context.Context, r *TokenRequest) error {
	id, secret := r.ClientID, string(r.ClientSecret)
	switch {
	case m == ClientAuthNone || m.byCertificate() || secret == "":
		r.Params.Set("client_id", id)
	case m == ClientSecretBasic:
		setBasic(r.Header, url.QueryEscape(id), url.QueryEscape(secret))
	case m == ClientSecretPost:
		r.Params.Set("client_id", id)
		r.Params.Set("client_secret", secret)
	case m == ClientSecretBasicRaw:
		setBasic(r.Header, id, secret)
	case m == ClientSecretUser:
		setBasic(r.Header, secret, "")
	default:
		return fmt.Errorf("unknown client authentication %q", string(m))
	}
	return nil
}

func setBasic(h http.Header, user, password string) {
	h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

// isMethod reports whether a is one of this package's methods of client
// authentication, which use the client secret.
func isMethod(a ClientAuth) bool {
	_, ok := a.(ClientAuthMethod)
	return a == nil || ok
}

// A TokenRequest is a token request before the request is sent, for a [Grant] and
// then a [ClientAuth] to complete. Everything that they add counts as secret and
// shows in no error.
type TokenRequest struct {
	// Endpoint is the URL of the request.
	Endpoint string
	// Issuer is the Issuer of the AuthorizationCode grant, or empty.
	Issuer string
	// ClientID and ClientSecret are from the config.
	ClientID     string
	ClientSecret Secret
	// Params are the parameters by their standard names, without client_id: a
	// ClientAuth that identifies the client in the body sets client_id.
	Params url.Values `json:"-"`
	// Header is the header of the request.
	Header http.Header `json:"-"`

	ahead       int64 // how far the provider's clock is ahead, in seconds
	dated, anew bool  // Now was called; the grant has called Now, or adds nothing
}

// Now returns the time by the provider's clock, for an assertion to carry. When the
// Date of a refusal shows that the clock of this machine is wrong, later requests have
// the provider's time. A request that was refused for its time is sent again once. With
// parameters that are not made by Now, such as a code, a refresh token or a password,
// that needs the error invalid_client (RFC 6749 section 5.2).
func (r *TokenRequest) Now() time.Time {
	r.dated = true
	return time.Now().Add(time.Duration(r.ahead) * time.Second)
}

// Format writes the endpoint alone, for every verb. A TokenRequest prints nothing of
// its credentials.
func (r TokenRequest) Format(f fmt.State, _ rune) {
	io.WriteString(f, "connectorauth.TokenRequest to "+r.Endpoint)
}
