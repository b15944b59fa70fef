package connectorauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/clock"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// token is one generation of an account's token, and the record in the store.
type token struct {
	Version int            `json:"v"`
	Access  string         `json:"access_token"`
	Refresh string         `json:"refresh_token,omitempty"`
	Scope   string         `json:"scope,omitempty"`
	Issued  time.Time      `json:"issued"`                  // when its request began
	Expiry  time.Time      `json:"expiry,omitzero"`         // zero: valid until rejected
	Reauth  time.Time      `json:"refresh_expiry,omitzero"` // when the refresh token expires; zero: unknown
	Extra   map[string]any `json:"extra,omitempty"`         // the other members of the token responses, at most maxExtra
	Bound   *binding       `json:"bound,omitempty"`         // with a Proof; nil: a Bearer token without a key
	Region  string         `json:"region,omitempty"`        // the origin of the account's region; empty: that of the token URL

	Device   uint64 `json:"device,omitempty"`   // stands for the device code of the consent; 0: none
	Exchange bool   `json:"exchange,omitempty"` // the dialect's LongLived exchange has not succeeded so far
	unread   bool   // an expiry in the response is of no use
	astray   bool   // the response named a region that is not listed
	left     int32  // how many members of the responses were left out
}

// oauth2Scheme obtains, renews and places the tokens of one account.
type oauth2Scheme struct {
	*oauth2Account
	*oauth2Way
	last atomic.Pointer[oauth2Credential] // of the present token
}

// oauth2Way is what differs between the connectors of an account.
type oauth2Way struct {
	hooks []Hooks        // on token requests
	wants *Authorization // of Begin; nil: what the config says
}

// plainWay is the oauth2Way of nearly all connectors.
var plainWay oauth2Way

// oauth2Account is what the connectors of an account share, whatever their hooks.
type oauth2Account struct {
	*oauth2Client
	observer func(Event)
	engine   *renew.Reader[token]
	clock    clock.Clock // of the token endpoint, which a region of the account may move
}

// newOAuth2Scheme returns the scheme of a config without mistakes.
func newOAuth2Scheme(config OAuth2Config, hosts origin.Set) *oauth2Scheme {
	c := clientOf(&config, hosts)
	return &oauth2Scheme{oauth2Way: &plainWay, oauth2Account: &oauth2Account{
		oauth2Client: c, observer: config.Observe, engine: renew.Open[token](&c.shared.group, config.Store, config.Account, c.identity),
	}}
}

func (s *oauth2Scheme) places() places { return placesOf(s.place.Place) }

func (s *oauth2Scheme) withHooks(h Hooks) scheme {
	return &oauth2Scheme{oauth2Account: s.oauth2Account, oauth2Way: &oauth2Way{append(slices.Clip(s.hooks), h), s.wants}}
}

// Renew obtains the token that follows old: by the refresh token or by one of the
// dialect's exchanges, or by the grant. Renew implements renew.Scheme.
func (s *oauth2Scheme) Renew(ctx context.Context, old *token) (*token, error) {
	if s.extends(old) {
		return s.ask(ctx, s.exchangeRequest(s.dialect.Extend, old), old)
	}
	if s.exchanges(old) {
		t, err := s.ask(ctx, s.exchangeRequest(s.dialect.LongLived, old), old)
		if err == nil || !isFinal(err) || !s.refreshes(old) && s.traits.NeedsOwner {
			return t, err
		}
	}
	if s.refreshes(old) {
		t, err := s.refresh(ctx, old)
		if err == nil || s.traits.NeedsOwner || !errors.Is(err, ErrReauthRequired) {
			return t, err
		}
	}
	if s.traits.NeedsOwner && old != nil {
		return nil, s.subjectOf(old).name(errNoRefresh)
	}
	return s.ask(ctx, s.grantRequest(), nil)
}

// extends reports whether the renewal of old is the dialect's exchange.
func (s *oauth2Scheme) extends(old *token) bool {
	return old != nil && old.Access != "" && s.dialect.Extend != (dialect.TokenExchange{}) && !s.exchanges(old)
}

// exchanges reports whether old waits for a long-lived token.
func (s *oauth2Scheme) exchanges(old *token) bool {
	return old != nil && old.Exchange && s.dialect.LongLived != (dialect.TokenExchange{})
}

// refreshes reports whether the renewal of old sends the refresh token.
func (s *oauth2Scheme) refreshes(old *token) bool {
	return old != nil && old.Refresh != "" && !s.traits.NoRefresh
}

// asks reports whether the renewal of old makes a token request.
func (s *oauth2Scheme) asks(old *token) bool {
	return !s.traits.NeedsOwner || s.extends(old) || s.exchanges(old) || s.refreshes(old)
}

// ask makes one token request, in the region of old, which may be nil. Members that
// the response leaves out are taken from old. Together with an error, ask may return a token: a
// failed request may still have rotated the refresh token.
func (s *oauth2Scheme) ask(ctx context.Context, r tokenRequest, old *token) (*token, error) {
	r.secrets = s.Secrets(old)
	issued := time.Now() // a lifetime from here ends early rather than late
	var err error
	if r.url, err = s.at(r.url, old); err != nil {
		return nil, s.subject(r.url).name(err)
	}
	key, err := s.proofKey(old)
	if err != nil {
		return nil, s.subject(r.url).name(err)
	}
	resp, err := s.send(ctx, r, key)
	if err != nil {
		return nil, s.tokenError(err, r)
	}
	var hookErr error
	if resp.AfterErr != nil {
		hookErr = s.subject(r.url).fill(&TokenError{StatusCode: resp.StatusCode, cause: resp.AfterErr})
	}
	granted, err := resp.Token(issued, r.paths...)
	if err != nil {
		return s.withRefresh(old, granted.RefreshToken, key), cmp.Or(hookErr, s.tokenError(err, r))
	}
	t := s.follow(old, granted, issued)
	if err := s.bindTo(t, key, granted.TokenType); err != nil {
		// Without another refresh token, nobody knows what became of the old one.
		err := s.subject(r.url).fill(&TokenError{StatusCode: resp.StatusCode, inDoubt: granted.RefreshToken == "", cause: err})
		return s.withRefresh(old, granted.RefreshToken, key), cmp.Or(hookErr, error(err))
	}
	return t, hookErr
}

// follow returns the token that a response granted after old.
func (s *oauth2Scheme) follow(old *token, granted endpoint.Token, issued time.Time) *token {
	t := &token{
		Access: granted.AccessToken, Refresh: granted.RefreshToken, Scope: granted.Scope,
		Issued: issued, Expiry: granted.Expiry, Reauth: granted.RefreshExpiry, unread: granted.Unread != nil,
	}
	if lifetime := s.dialect.Response.Lifetime; lifetime > 0 && t.Expiry.IsZero() {
		t.Expiry = issued.Add(lifetime)
	}
	rotated := t.Refresh != "" // or the first
	if old != nil {
		if t.Refresh == "" || s.dialect.KeepRefreshToken && old.Refresh != "" {
			t.Refresh = old.Refresh
		}
		if t.Refresh == old.Refresh && t.Reauth.IsZero() {
			t.Reauth = old.Reauth
		}
		t.Scope = cmp.Or(t.Scope, old.Scope)
		t.Extra, t.Region, t.Device = old.Extra, old.Region, old.Device
		rotated = t.Refresh != old.Refresh
	}
	if rotated && t.Reauth.IsZero() && s.rare != nil && s.rare.refreshLifetime > 0 {
		t.Reauth = issued.Add(s.rare.refreshLifetime)
	}
	s.moveTo(t, granted)
	t.Extra, t.left = mergeExtra(t.Extra, granted.Extra, s.dialect.CallbackValues)
	return t
}

// withRefresh returns old with another refresh token, which may be bound to key, or nil
// if old stays as it is.
func (s *oauth2Scheme) withRefresh(old *token, refresh, key string) *token {
	if old == nil || refresh == "" || refresh == old.Refresh || s.dialect.KeepRefreshToken {
		return nil
	}
	t := *old
	t.Refresh, t.Bound = refresh, old.boundTo(key)
	return &t
}

// subject returns what a request to url is about.
func (s *oauth2Scheme) subject(url string) subject { return subject{s.engine.Key(), url} }

// tokenError returns the error of a failed token request.
func (s *oauth2Scheme) tokenError(err error, r tokenRequest) error {
	err = s.subject(r.url).newTokenError(err)
	var failed *TokenError
	if errors.As(err, &failed) {
		failed.judge(s.dialect.InvalidGrantCodes)
		failed.inDoubt = failed.inDoubt && r.singleUse
		if !r.refresh && !s.traits.NeedsOwner && !s.retries(failed.Code) {
			failed.dead = false // nobody can help, and the next request is another one
		}
	}
	return err
}

// Verdict tells the engine what an error of Renew means. A grant that needs no owner is
// never dead, and is asked again.
func (s *oauth2Scheme) Verdict(err error) renew.Verdict {
	v := verdict(err)
	if v.Kind == renew.Dead && !s.traits.NeedsOwner {
		if v.Retry = s.retries(v.Code); !v.Retry {
			v.Kind, v.Code = renew.Refused, codeReauth
		}
	}
	return v
}

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
	if !s.takes(t) { // renew the token first
		t.Expiry = t.Issued
	}
	return t, s.checkAccess(t)
}

// Observe tells the program what happened.
func (s *oauth2Scheme) Observe(e renew.Event[token]) {
	if s.observer == nil || e.Happened == renew.Renewing && !s.asks(e.Value) {
		return
	}
	if e.Value != nil && (e.Happened == renew.Renewed || e.Happened == renew.Saved) {
		e.Err = cmp.Or(e.Err, errors.Join(notKept(e.Value.left, e.Value.unread), notFollowed(e.Value.astray)))
	}
	var expiry time.Time
	if e.Value != nil {
		expiry = e.Value.Expiry
	}
	s.observer(newEvent(e, s.engine.Key(), s.Endpoint(), expiry))
}

// checkAccess reports whether requests can carry an access token. RFC 6750
// section 2.1 allows the characters of token68 only; real tokens have any
// printable ASCII except characters that would end or quote a header's parameter.
func (s *oauth2Scheme) checkAccess(t *token) error {
	if t.Access == "" {
		return errors.New("the access token is empty")
	}
	for _, c := range []byte(t.Access) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == ',' {
			return errors.New("the access token has a character that no Authorization header can carry")
		}
	}
	if err := s.place.Check(s.carried(t)); err != nil {
		return fmt.Errorf("the access token %w", err)
	}
	return nil
}
