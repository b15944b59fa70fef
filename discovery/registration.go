package discovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
)

// A Registration is a client that has registered itself at an authorization server. A
// Registration is for that server alone.
type Registration struct {
	// ClientMetadata are what the client is registered with. A server may have changed what
	// the client asked for.
	ClientMetadata
	// Issuer is the Issuer of the Server.
	Issuer string
	// ClientID and ClientSecret are the client's. No secret means a public client.
	ClientID     string
	ClientSecret connectorauth.Secret
	// SecretExpires is when the secret is no longer valid. Zero means never.
	SecretExpires time.Time
	// URL and AccessToken serve to read, change and remove the registration (RFC 7592). Empty
	// means that the server does not allow that.
	URL         string
	AccessToken connectorauth.Secret
}

// Fill sets the client of a config. The program must give the ClientAuth of a client that is
// registered with a method without a secret, such as private_key_jwt. A server that forgets
// its clients says invalid_client, and the account's refresh token is then of no use: Fill
// adds invalid_client to the dialect's InvalidGrantCodes, so the error matches
// connectorauth.ErrReauthRequired. Call Fill before [Server.Fill].
//
// After an error, the config is as before.
func (r *Registration) Fill(config *connectorauth.OAuth2Config) error {
	switch method := r.TokenEndpointAuthMethod; method {
	case connectorauth.ClientSecretBasic, connectorauth.ClientSecretPost, connectorauth.ClientAuthNone,
		connectorauth.ClientAuthTLS, connectorauth.ClientAuthSelfSignedTLS:
		config.ClientAuth = method
	default:
		if config.ClientAuth == nil {
			return fmt.Errorf("connectorauth: discovery: the client is registered with %s at %s: give a ClientAuth that does so, as package assertion has", method, r.Issuer)
		}
	}
	config.ClientID, config.ClientSecret = r.ClientID, r.ClientSecret
	if codes := config.Dialect.InvalidGrantCodes; !slices.Contains(codes, invalidClient) {
		config.Dialect.InvalidGrantCodes = append(slices.Clip(codes), invalidClient)
	}
	return nil
}

// invalidClient is the error code of RFC 6749 section 5.2 for a client that the server does
// not know.
const invalidClient = "invalid_client"

// expired reports whether the secret serves no longer, or not long enough for a consent.
func (r *Registration) expired() bool {
	return !r.SecretExpires.IsZero() && time.Until(r.SecretExpires) < time.Minute
}

// information is the client information response of RFC 7591 section 3.2.1, and the form in
// a store.
type information struct {
	ClientID     string                         `json:"client_id"`
	ClientSecret string                         `json:"client_secret,omitempty"`
	Expires      json.Number                    `json:"client_secret_expires_at,omitempty"`
	AccessToken  string                         `json:"registration_access_token,omitempty"`
	URL          string                         `json:"registration_client_uri,omitempty"`
	Method       connectorauth.ClientAuthMethod `json:"token_endpoint_auth_method,omitempty"`
	Redirects    []string                       `json:"redirect_uris,omitempty"`
	GrantTypes   []string                       `json:"grant_types,omitempty"`
	Scope        string                         `json:"scope,omitempty"`
}

// registration returns the registration of a response to a client that sent m. before is
// the registration so far; nil: none.
func (i information) registration(issuer string, m ClientMetadata, before *Registration) (*Registration, error) {
	r := &Registration{
		ClientMetadata: m, Issuer: issuer, ClientID: i.ClientID, ClientSecret: connectorauth.Secret(i.ClientSecret),
		URL: i.URL, AccessToken: connectorauth.Secret(i.AccessToken),
	}
	if seconds, err := i.Expires.Float64(); err == nil && 0 < seconds && seconds < latest {
		r.SecretExpires = time.Unix(int64(seconds), 0)
	}
	if before != nil { // RFC 7592 section 3: what is not replaced may be left out
		if r.ClientSecret == "" {
			r.ClientSecret, r.SecretExpires = before.ClientSecret, before.SecretExpires
		}
		if r.AccessToken == "" {
			r.AccessToken = before.AccessToken
		}
		if r.URL == "" {
			r.URL = before.URL
		}
	}
	if i.Redirects != nil {
		r.RedirectURIs = i.Redirects
	}
	if i.GrantTypes != nil {
		r.GrantTypes = i.GrantTypes
	}
	if i.Scope != "" {
		r.Scope = i.Scope
	}
	switch {
	case i.Method != "":
		r.TokenEndpointAuthMethod = i.Method
	case r.ClientSecret == "" && usesSecret(m.TokenEndpointAuthMethod):
		r.TokenEndpointAuthMethod = connectorauth.ClientAuthNone // the server gave no secret
	}
	return r, r.check(m, before)
}

// check lists what is wrong with the response that r was made of.
func (r *Registration) check(sent ClientMetadata, before *Registration) error {
	var problems check.List
	if r.ClientID == "" {
		problems.Add("client_id: is empty")
	}
	if before != nil && r.ClientID != before.ClientID {
		problems.Add("client_id: is another one")
	}
	problems.Field("client_id", check.Printable(r.ClientID))
	problems.Field("client_secret", check.Printable(string(r.ClientSecret)))
	if r.ClientSecret == "" && usesSecret(r.TokenEndpointAuthMethod) {
		problems.Add("client_secret: is empty, and token_endpoint_auth_method is %s", r.TokenEndpointAuthMethod)
	}
	if err := check.Printable(string(r.TokenEndpointAuthMethod)); err != nil {
		problems.Add("token_endpoint_auth_method: is not a word")
	}
	for _, redirect := range sent.RedirectURIs {
		if !slices.Contains(r.RedirectURIs, redirect) {
			problems.Add("redirect_uris: the server has left out %s", redirect)
		}
	}
	if r.URL != "" {
		from, _ := url.Parse(r.Issuer) // cannot fail: the issuer was read before
		problems.Field("registration_client_uri", checkEndpoint(from, r.URL))
	}
	problems.Field("registration_access_token", check.Printable(string(r.AccessToken)))
	if len(r.stored()) > maxKept {
		problems.Add("the registration is longer than 64 KiB")
	}
	return problems.Joined()
}

const (
	maxKept = 64 << 10 // bytes that one server can make a store keep at a time
	latest  = 1e10     // Unix seconds: a later time is never
)

// usesSecret reports whether a client with a method must have a secret.
func usesSecret(method connectorauth.ClientAuthMethod) bool {
	return method == connectorauth.ClientSecretBasic || method == connectorauth.ClientSecretPost || method == "client_secret_jwt"
}

// stored returns the form of r in a store.
func (r *Registration) stored() json.RawMessage {
	i := information{ClientID: r.ClientID, ClientSecret: string(r.ClientSecret), AccessToken: string(r.AccessToken), URL: r.URL}
	if !r.SecretExpires.IsZero() {
		i.Expires = json.Number(fmt.Sprint(r.SecretExpires.Unix()))
	}
	members := r.members()
	var own map[string]any
	text, _ := json.Marshal(i) // strings and numbers: cannot fail
	json.Unmarshal(text, &own)
	maps.Copy(members, own)
	text, _ = json.Marshal(members)
	return text
}

// restore reads what stored has made.
func restore(text json.RawMessage, issuer string) (*Registration, error) {
	var i information
	var m ClientMetadata
	if decode(text, &i) != nil || decode(text, &m) != nil || i.ClientID == "" {
		return nil, errors.New("the value is no registration that this library saved")
	}
	return i.registration(issuer, m, nil)
}
