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
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/internal/tokenhttp"
)

// token is one generation of an account's token, and what the store holds.
type token struct {
	Version int            `json:"v"`
	Access  string         `json:"access_token"`
	Refresh string         `json:"refresh_token,omitempty"`
	Scope   string         `json:"scope,omitempty"`
	Issued  time.Time      `json:"issued"`          // when its request began
	Expiry  time.Time      `json:"expiry,omitzero"` // zero: good until rejected
	Extra   map[string]any `json:"extra,omitempty"` // what else the provider answered

	values []string // ready to be placed in requests
}

// oauth2Scheme obtains, renews and places the tokens of one account.
type oauth2Scheme struct {
	clientID     string
	clientSecret Secret
	clientAuth   ClientAuth
	tokenURL     string
	scope        string // all scopes, as one parameter
	grant        Grant
	dialect      *Dialect // never nil
	account      string
	httpClient   *http.Client
	observer     func(Event)

	placement
	engine *renew.Engine[token]
	used   usedOnce
}

// standard is the dialect of all connectors that have none.
var standard Dialect

// ready checks the access token and prepares it for requests. RFC 6750 section
// 2.1 allows the characters of token68 only; real tokens have any printable
// ASCII but those that would end or quote a header's parameter.
func (s *oauth2Scheme) ready(t *token) error {
	if t.Access == "" {
		return errors.New("the access token is empty")
	}
	for _, c := range []byte(t.Access) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == ',' {
			return errors.New("the access token has a character that no Authorization header can carry")
		}
	}
	prefix := s.dialect.prefix()
	t.values = []string{prefix + t.Access}
	t.Access = t.values[0][len(prefix):] // one copy in memory
	if err := s.check(t.values[0]); err != nil {
		return fmt.Errorf("the access token %w", err)
	}
	return nil
}

// checkType refuses tokens that are not to be used as Bearer (RFC 6749 section
// 7.1). Many providers leave the type out.
func (s *oauth2Scheme) checkType(t string) error {
	if t != "" && !strings.EqualFold(t, "Bearer") && !s.dialect.Answer.AnyTokenType {
		if len(t) > 16 { // no type, but what the provider put in its place
			return errors.New("the token type is not Bearer")
		}
		return fmt.Errorf("the token type is %q, which is not Bearer", t)
	}
	return nil
}

func (s *oauth2Scheme) authenticate(req *http.Request) (sent any, err error) {
	return s.add(req.Context(), req)
}

// add puts the token into req.
func (s *oauth2Scheme) add(ctx context.Context, req *http.Request) (sent any, err error) {
	g, err := s.engine.Get(ctx)
	if err != nil {
		return nil, err
	}
	s.put(req, g.Value.values)
	return g, nil
}

// rejected reports what the dialect lists and a 401, unless the token is good and
// only its scope too small (RFC 6750 section 3.1).
func (s *oauth2Scheme) rejected(resp *http.Response) bool {
	if resp.StatusCode != http.StatusUnauthorized {
		return s.dialect.rejects(resp)
	}
	for _, challenge := range resp.Header["Www-Authenticate"] {
		if strings.Contains(challenge, "insufficient_scope") {
			return false
		}
	}
	return true
}

func (s *oauth2Scheme) replace(ctx context.Context, sent any) error {
	_, err := s.engine.Replace(ctx, sent.(*renew.Generation[token]))
	return err
}

func (s *oauth2Scheme) renewLater(ctx context.Context, sent any) {
	s.engine.Renew(ctx, sent.(*renew.Generation[token]))
}

func (s *oauth2Scheme) contest(sent any) { s.engine.Contest(sent.(*renew.Generation[token])) }

// Renew obtains the token that follows old: by its refresh token or what the
// dialect has instead, or by the grant itself where that needs nobody. With an
// error it may return a token all the same: see remains.
func (s *oauth2Scheme) Renew(ctx context.Context, old *token) (*token, error) {
	_, byOwner := s.grant.(AuthorizationCode)
	_, byClient := s.grant.(ClientCredentials)
	if old != nil && old.Access != "" && s.dialect.Extend != (Swap{}) {
		return s.request(ctx, s.swap(s.dialect.Extend, old), old)
	}
	if old != nil && old.Refresh != "" && !byClient {
		t, err := s.request(ctx, s.refresh(old), old)
		if err == nil || byOwner || !errors.Is(err, ErrReauthRequired) {
			return t, err
		}
	}
	switch {
	case byOwner && old == nil:
		return nil, fmt.Errorf("%w: there is no token yet; use Begin and Finish, or SetToken", ErrReauthRequired)
	case byOwner:
		return nil, fmt.Errorf("%w: the access token is no longer good and the provider gave no refresh token", ErrReauthRequired)
	}
	form := url.Values{}
	if grant, ok := s.grant.(PasswordCredentials); ok {
		form.Set("username", grant.Username)
		form.Set("password", string(grant.Password))
	}
	if s.scope != "" {
		form.Set("scope", s.scope)
	}
	return s.request(ctx, s.first(form), nil)
}

// request makes one token request. What the answer leaves out is taken from
// old, which may be nil.
func (s *oauth2Scheme) request(ctx context.Context, r tokenhttp.Request, old *token) (*token, error) {
	issued := time.Now() // a lifetime that counts from here ends early rather than late
	x := tokenhttp.New(r)
	answer, err := x.Do(ctx, providerClient(tokenCall{x}, s.httpClient, s.tokenHooks(ctx, r.Form)))
	if err != nil {
		return s.remains(old, answer.RefreshToken), s.tokenError(err)
	}
	t := &token{Access: answer.AccessToken, Refresh: answer.RefreshToken, Scope: answer.Scope, Issued: issued, Expiry: answer.Expiry}
	if lifetime := cmp.Or(answer.Lifetime, s.dialect.Answer.Lifetime); lifetime > 0 && t.Expiry.IsZero() {
		t.Expiry = issued.Add(lifetime)
	}
	if old != nil {
		if t.Refresh == "" || s.dialect.KeepRefreshToken && old.Refresh != "" {
			t.Refresh = old.Refresh
		}
		if t.Scope == "" {
			t.Scope = old.Scope
		}
		t.Extra = maps.Clone(old.Extra)
	}
	if t.Extra == nil && len(answer.Extra) > 0 {
		t.Extra = make(map[string]any, len(answer.Extra))
	}
	maps.Copy(t.Extra, answer.Extra)
	if err := errors.Join(s.checkType(answer.TokenType), s.ready(t)); err != nil {
		// Without another refresh token, nobody knows what became of the old one.
		return s.remains(old, answer.RefreshToken), &TokenError{StatusCode: http.StatusOK, inDoubt: answer.RefreshToken == "", cause: err}
	}
	return t, nil
}

// remains returns what old has become after a request that brought no usable
// access token and yet another refresh token: old with that. nil means that old
// is as it was.
func (s *oauth2Scheme) remains(old *token, refresh string) *token {
	if old == nil || refresh == "" || refresh == old.Refresh || s.dialect.KeepRefreshToken {
		return nil
	}
	t := *old
	t.Refresh = refresh
	return &t
}

// tokenCall lets the transport carry a token request, so that the rules for
// places and bodies hold for it too.
type tokenCall struct{ *tokenhttp.Exchange }

func (c tokenCall) authenticate(req *http.Request) (sent any, err error) { return nil, c.Prepare(req) }
func (c tokenCall) receive(resp *http.Response) error                    { return c.Receive(resp) }

// providerClient returns a client for one call to a provider's endpoint, made
// through the transport of base. It follows no redirect.
func providerClient(call scheme, base *http.Client, hooks []Hooks) *http.Client {
	g := &guarded{scheme: call, hooks: hooks}
	g.receiver, _ = call.(receiver)
	var transport http.RoundTripper
	if base != nil {
		transport = base.Transport
	}
	return &http.Client{
		Transport:     g.Wrap(transport),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       tokenhttp.Timeout,
	}
}

// tokenError turns a failed exchange into the library's error.
func (s *oauth2Scheme) tokenError(err error) error {
	var failed *tokenhttp.Error
	if !errors.As(err, &failed) {
		return err
	}
	e := &TokenError{
		StatusCode: failed.StatusCode, Code: failed.Code, Description: failed.Description, RetryAfter: failed.RetryAfter,
		inDoubt: failed.InDoubt, cause: failed.Cause,
	}
	if e.StatusCode < 500 && e.StatusCode != http.StatusTooManyRequests {
		switch e.Code {
		case "invalid_grant", "bad_refresh_token", "invalid_refresh_token": // the latter two in the wild
			e.dead = true
		default:
			e.dead = slices.Contains(s.dialect.DeadGrantCodes, e.Code)
		}
	}
	return e
}

// Verdict tells the engine what an error of Renew means.
func (*oauth2Scheme) Verdict(err error) renew.Verdict { return verdict(err) }

// Expiry returns the times of a token's life.
func (s *oauth2Scheme) Expiry(t *token) (issued, expiry time.Time) { return t.Issued, t.Expiry }

// Encode returns the stored form of t.
func (s *oauth2Scheme) Encode(t *token) ([]byte, error) {
	stored := *t
	stored.Version = tokenVersion
	return json.Marshal(&stored)
}

// Decode reads the stored form.
func (s *oauth2Scheme) Decode(stored []byte) (*token, error) {
	t := new(token)
	if err := decodeStored(stored, t, &t.Version); err != nil {
		return nil, err
	}
	if t.Access == "" && t.Refresh != "" { // set from elsewhere, to be renewed first
		t.Issued = time.Now()
		t.Expiry = t.Issued
		return t, nil
	}
	return t, s.ready(t)
}

// Observe passes what happened on to the importer.
func (s *oauth2Scheme) Observe(e renew.Event[token]) {
	if s.observer == nil {
		return
	}
	event := Event{Kind: EventKind(e.Happened), Account: s.account, Err: e.Err, Duration: e.Took}
	if e.Value != nil {
		event.Expiry = e.Value.Expiry.Round(0)
	}
	s.observer(event)
}
