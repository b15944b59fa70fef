package connectorauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// token is one generation of an account's token, and the record in the store.
type token struct {
	Version int            `json:"v"`
	Access  string         `json:"access_token"`
	Refresh string         `json:"refresh_token,omitempty"`
	Scope   string         `json:"scope,omitempty"`
	Issued  time.Time      `json:"issued"`              // when its request began
	Expiry  time.Time      `json:"expiry,omitzero"`     // zero: valid until rejected
	Extra   map[string]any `json:"extra,omitempty"`     // the other members of the token response
	Key     string         `json:"proof_key,omitempty"` // of a Proof
}

// oauth2Client is what the connectors of an account share, whatever their hooks.
type oauth2Client struct {
	clientID     string
	clientSecret Secret
	clientAuth   ClientAuth
	tokenURL     string
	scope        string // all scopes, as one parameter
	grant        Grant
	traits       GrantTraits
	dialect      *dialect.OAuth2 // never nil
	proof        Proof           // nil: Bearer tokens
	account      string
	lead         time.Duration
	httpClient   *http.Client
	observer     func(Event)

	place  inject.Place // where the token goes
	prefix string       // what comes before the token
	engine *renew.Reader[token]
	shared *Shared
}

// oauth2Scheme obtains, renews and places the tokens of one account.
type oauth2Scheme struct {
	*oauth2Client
	hooks []Hooks                          // on token requests
	last  atomic.Pointer[oauth2Credential] // of the present token
}

// standard is the dialect of all connectors without a dialect.
var standard dialect.OAuth2

// newOAuth2Scheme returns the scheme of a config without mistakes.
func newOAuth2Scheme(config OAuth2Config) *oauth2Scheme {
	if code, ok := config.Grant.(AuthorizationCode); ok && code.Params != nil {
		code.Params = url.Values(http.Header(code.Params).Clone())
		config.Grant = code
	}
	c := &oauth2Client{
		clientID: config.ClientID, clientSecret: config.ClientSecret, clientAuth: config.ClientAuth,
		tokenURL: config.TokenURL, scope: strings.Join(config.Scopes, cmp.Or(config.Dialect.ScopeSeparator, " ")),
		grant: config.Grant, traits: config.Grant.Traits(), dialect: &standard, proof: config.Proof,
		account: config.Account, lead: cmp.Or(config.RenewBefore, 5*time.Minute),
		httpClient: config.HTTPClient, observer: config.Observe,
	}
	if c.clientAuth == nil {
		c.clientAuth = ClientSecretBasic
	}
	if !reflect.ValueOf(config.Dialect).IsZero() {
		d := config.Dialect.Clone()
		c.dialect = &d
	}
	c.place, c.prefix, _ = check.TokenPlace(c.dialect.Placement) // checked before
	if c.proof != nil {
		c.prefix = c.proof.TokenType() + " "
	}
	identity := pending.Identity(c.tokenURL, c.clientID, c.grant.GrantType(), c.traits.Subject, c.prefix)
	c.shared = config.Shared.orProgram()
	c.engine = renew.Open[token](&c.shared.group, config.Store, config.Account, identity)
	return &oauth2Scheme{oauth2Client: c}
}

func (s *oauth2Scheme) places() places { return placesOf(s.place) }

func (s *oauth2Scheme) withHooks(h Hooks) scheme {
	return &oauth2Scheme{oauth2Client: s.oauth2Client, hooks: append(slices.Clip(s.hooks), h)}
}

// tokenType returns the type of the account's tokens.
func (s *oauth2Scheme) tokenType() string {
	if s.proof != nil {
		return s.proof.TokenType()
	}
	return "Bearer"
}

// checkAccess reports whether requests can carry an access token. RFC 6750
// section 2.1 allows the characters of token68 only; real tokens have any
// printable ASCII except characters that would end or quote a header's parameter.
func (s *oauth2Scheme) checkAccess(access string) error {
	if access == "" {
		return errors.New("the access token is empty")
	}
	for _, c := range []byte(access) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == ',' {
			return errors.New("the access token has a character that no Authorization header can carry")
		}
	}
	if err := s.place.Check(s.prefix + access); err != nil {
		return fmt.Errorf("the access token %w", err)
	}
	return nil
}

// checkType refuses tokens of another type than the connector sends (RFC 6749
// section 7.1). Many providers leave the type out.
func (s *oauth2Scheme) checkType(t string) error {
	want := s.tokenType()
	if strings.EqualFold(t, want) || s.proof == nil && (t == "" || s.dialect.Response.AnyTokenType) {
		return nil
	}
	if len(t) > 16 { // not a type, but something that the provider put in its place
		return fmt.Errorf("the token type is not %s", want)
	}
	return fmt.Errorf("the token type is %q, not %s", t, want)
}

// justRenewed is the age up to which a token counts as renewed for the request
// that the API has just rejected.
const justRenewed = time.Minute

// Renew obtains the token that follows old: by the refresh token or by the
// dialect's exchange, or by the grant. Renew implements renew.Scheme.
func (s *oauth2Scheme) Renew(ctx context.Context, old *token) (*token, error) {
	if old != nil && old.Access != "" && s.dialect.Extend != (dialect.TokenExchange{}) {
		return s.ask(ctx, s.exchangeRequest(s.dialect.Extend, old), old)
	}
	if _, repeats := s.grant.(ClientCredentials); old != nil && old.Refresh != "" && !repeats {
		t, err := s.ask(ctx, s.refreshRequest(old), old)
		if err == nil || s.traits.NeedsOwner || !errors.Is(err, ErrReauthRequired) {
			return t, err
		}
	}
	if s.traits.NeedsOwner && old != nil {
		return nil, fmt.Errorf("%w: the access token is no longer valid and the provider gave no refresh token", ErrReauthRequired)
	}
	return s.ask(ctx, s.grantRequest(), nil)
}

// ask makes one token request. Members that the response leaves out are taken
// from old, which may be nil. Together with an error, ask may return a token: a
// failed request may still have rotated the refresh token.
func (s *oauth2Scheme) ask(ctx context.Context, r tokenRequest, old *token) (*token, error) {
	issued := time.Now() // a lifetime from here ends early rather than late
	key, err := s.proofKey(old)
	if err != nil {
		return nil, err
	}
	resp, err := s.send(ctx, r, key)
	if err != nil {
		return nil, s.tokenError(err, r)
	}
	var hookErr error
	if resp.AfterErr != nil {
		hookErr = &TokenError{StatusCode: resp.StatusCode, cause: resp.AfterErr}
	}
	granted, err := resp.Token(r.paths...)
	if err != nil {
		return s.withRefresh(old, granted.RefreshToken), cmp.Or(hookErr, s.tokenError(err, r))
	}
	t := s.follow(old, granted, issued)
	t.Key = key
	if err := errors.Join(s.checkType(granted.TokenType), s.checkAccess(t.Access)); err != nil {
		// Without another refresh token, nobody knows what became of the old one.
		err := &TokenError{StatusCode: resp.StatusCode, inDoubt: granted.RefreshToken == "", cause: err}
		return s.withRefresh(old, granted.RefreshToken), cmp.Or(hookErr, error(err))
	}
	return t, hookErr
}

// follow returns the token that a response granted after old.
func (s *oauth2Scheme) follow(old *token, granted endpoint.Token, issued time.Time) *token {
	t := &token{Access: granted.AccessToken, Refresh: granted.RefreshToken, Scope: granted.Scope, Issued: issued, Expiry: granted.Expiry}
	if lifetime := cmp.Or(granted.Lifetime, s.dialect.Response.Lifetime); lifetime > 0 && t.Expiry.IsZero() {
		t.Expiry = issued.Add(lifetime)
	}
	if old != nil {
		if t.Refresh == "" || s.dialect.KeepRefreshToken && old.Refresh != "" {
			t.Refresh = old.Refresh
		}
		t.Scope = cmp.Or(t.Scope, old.Scope)
		t.Extra = maps.Clone(old.Extra)
	}
	if t.Extra == nil && len(granted.Extra) > 0 {
		t.Extra = make(map[string]any, len(granted.Extra))
	}
	maps.Copy(t.Extra, granted.Extra)
	return t
}

// withRefresh returns old with another refresh token, or nil if old stays as it
// is.
func (s *oauth2Scheme) withRefresh(old *token, refresh string) *token {
	if old == nil || refresh == "" || refresh == old.Refresh || s.dialect.KeepRefreshToken {
		return nil
	}
	t := *old
	t.Refresh = refresh
	return &t
}

// proofKey returns the key of the account, new if the account has none.
func (s *oauth2Scheme) proofKey(old *token) (string, error) {
	if s.proof == nil || old != nil && old.Key != "" {
		if old == nil {
			return "", nil
		}
		return old.Key, nil
	}
	key, err := s.proof.NewKey()
	if err != nil {
		return "", fmt.Errorf("connectorauth: the key for the proof of possession: %w", err)
	}
	return string(key), nil
}

// tokenError returns the error of a failed token request.
func (s *oauth2Scheme) tokenError(err error, r tokenRequest) error {
	err = newTokenError(err)
	var failed *TokenError
	if errors.As(err, &failed) {
		failed.judge(s.dialect.InvalidGrantCodes)
		failed.inDoubt = failed.inDoubt && r.singleUse
	}
	return err
}

// Verdict tells the engine what an error of Renew means.
func (*oauth2Scheme) Verdict(err error) renew.Verdict { return verdict(err) }

// Lead returns how long before its expiry a token is renewed.
func (s *oauth2Scheme) Lead() time.Duration { return s.lead }

// Expiry returns the times of a token's life.
func (s *oauth2Scheme) Expiry(t *token) (issued, expiry time.Time) { return t.Issued, t.Expiry }

// Encode returns the record of t.
func (s *oauth2Scheme) Encode(t *token) ([]byte, error) {
	stored := *t
	stored.Version = recordVersion
	return json.Marshal(&stored)
}

// Decode reads a record.
func (s *oauth2Scheme) Decode(stored []byte) (*token, error) {
	t := new(token)
	if err := decodeRecord(stored, t, &t.Version); err != nil {
		return nil, err
	}
	if t.Access == "" && t.Refresh != "" { // set from elsewhere, to be renewed first
		t.Issued = time.Now()
		t.Expiry = t.Issued
		return t, nil
	}
	return t, s.checkAccess(t.Access)
}

// Observe tells the program what happened.
func (s *oauth2Scheme) Observe(e renew.Event[token]) {
	if s.observer == nil {
		return
	}
	var expiry time.Time
	if e.Value != nil {
		expiry = e.Value.Expiry
	}
	s.observer(newEvent(e, s.account, expiry))
}
