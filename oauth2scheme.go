package connectorauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/internal/tokenhttp"
	"golang.org/x/oauth2"
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

// ready checks the access token and prepares it for requests. RFC 6750 section
// 2.1 allows the characters of token68 only; real tokens have any printable
// ASCII but those that would end or quote a header's parameter.
func (t *token) ready() error {
	if t.Access == "" {
		return errors.New("the access token is empty")
	}
	for _, c := range []byte(t.Access) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == ',' {
			return errors.New("the access token has a character that no Authorization header can carry")
		}
	}
	t.values = []string{"Bearer " + t.Access}
	return nil
}

// checkTokenType refuses tokens that are not to be used as Bearer (RFC 6749
// section 7.1). Many providers leave the type out.
func checkTokenType(t string) error {
	if t != "" && !strings.EqualFold(t, "Bearer") {
		return fmt.Errorf("the token type is %q, which is not Bearer", t[:min(len(t), 40)])
	}
	return nil
}

// oauth2Scheme obtains, renews and places the tokens of one account.
type oauth2Scheme struct {
	OAuth2Config
	placement
	engine *renew.Engine[token]
	used   usedOnce
}

func (s *oauth2Scheme) authenticate(req *http.Request) (sent any, err error) {
	g, err := s.engine.Get(req.Context())
	if err != nil {
		return nil, err
	}
	s.put(req, g.Value.values)
	return g, nil
}

// rejected reports a 401, unless the token is good and only its scope too small
// (RFC 6750 section 3.1).
func (s *oauth2Scheme) rejected(resp *http.Response) bool {
	if resp.StatusCode != http.StatusUnauthorized {
		return false
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

// Renew obtains the token that follows old: by its refresh token, or by the
// grant itself where that needs nobody.
func (s *oauth2Scheme) Renew(ctx context.Context, old *token) (*token, error) {
	_, byOwner := s.Grant.(AuthorizationCode)
	_, byClient := s.Grant.(ClientCredentials)
	if old != nil && old.Refresh != "" && !byClient {
		t, err := s.request(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {old.Refresh}}, old)
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
	form := url.Values{"grant_type": {s.Grant.grantType()}}
	if grant, ok := s.Grant.(PasswordCredentials); ok {
		form.Set("username", grant.Username)
		form.Set("password", string(grant.Password))
	}
	if len(s.Scopes) > 0 {
		form.Set("scope", strings.Join(s.Scopes, " "))
	}
	return s.request(ctx, form, nil)
}

// request makes one token request. What the answer leaves out is taken from
// old, which may be nil.
func (s *oauth2Scheme) request(ctx context.Context, form url.Values, old *token) (*token, error) {
	issued := time.Now() // a lifetime that counts from here ends early rather than late
	x := tokenhttp.New(tokenhttp.Request{
		URL: s.TokenURL, Form: form,
		ClientID: s.ClientID, ClientSecret: string(s.ClientSecret), InBody: s.ClientAuth == ClientAuthBody,
	})
	answer, err := x.Do(ctx, providerClient(tokenCall{x}, s.HTTPClient))
	if err != nil {
		return nil, tokenError(err)
	}
	t := &token{Access: answer.AccessToken, Refresh: answer.RefreshToken, Scope: answer.Scope, Issued: issued}
	if answer.Lifetime > 0 {
		t.Expiry = issued.Add(answer.Lifetime)
	}
	if old != nil {
		if t.Refresh == "" {
			t.Refresh = old.Refresh
		}
		if t.Scope == "" {
			t.Scope = old.Scope
		}
		t.Extra = maps.Clone(old.Extra)
	}
	for name, value := range answer.Values {
		switch name {
		case "access_token", "refresh_token", "token_type", "expires_in", "scope":
		default:
			if t.Extra == nil {
				t.Extra = make(map[string]any)
			}
			t.Extra[name] = value
		}
	}
	if err := errors.Join(checkTokenType(answer.TokenType), t.ready()); err != nil {
		return nil, &TokenError{StatusCode: http.StatusOK, cause: err}
	}
	return t, nil
}

// tokenCall lets the transport carry a token request, so that the rules for
// places and bodies hold for it too.
type tokenCall struct{ *tokenhttp.Exchange }

func (c tokenCall) authenticate(*http.Request) (sent any, err error) { return nil, nil }
func (c tokenCall) receive(resp *http.Response) error                { return c.Receive(resp) }

// providerClient returns a client for one call to a provider's endpoint, made
// through the transport of base. It follows no redirect.
func providerClient(call scheme, base *http.Client) *http.Client {
	g := &guarded{scheme: call}
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
func tokenError(err error) error {
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
		}
	}
	return e
}

// Verdict tells the engine what an error of Renew means.
func (s *oauth2Scheme) Verdict(err error) renew.Verdict {
	var failed *TokenError
	switch {
	case errors.Is(err, ErrReauthRequired):
		return renew.Verdict{Kind: renew.Dead}
	case !errors.As(err, &failed):
		return renew.Verdict{}
	case failed.inDoubt:
		return renew.Verdict{Kind: renew.InDoubt, After: failed.RetryAfter}
	case failed.Temporary():
		return renew.Verdict{After: failed.RetryAfter}
	}
	return renew.Verdict{Kind: renew.Refused, After: failed.RetryAfter}
}

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
	if t.Access == "" && t.Refresh != "" {
		return t, nil // set from elsewhere, to be renewed first
	}
	return t, t.ready()
}

// Observe passes what happened on to the importer.
func (s *oauth2Scheme) Observe(e renew.Event[token]) {
	if s.OAuth2Config.Observe == nil {
		return
	}
	event := Event{Kind: EventKind(e.Happened), Account: s.Account, Err: e.Err, Duration: e.Took}
	if e.Value != nil {
		event.Expiry = e.Value.Expiry.Round(0)
	}
	s.OAuth2Config.Observe(event)
}

// begin makes the authorization request (RFC 6749 section 4.1.1).
func (s *oauth2Scheme) begin(grant AuthorizationCode, redirectURL string) (authURL string, sealed Secret, err error) {
	u, err := url.Parse(grant.AuthURL)
	if err != nil {
		return "", "", err
	}
	p := pending{For: s.identity(grant), State: randomText(), Redirect: redirectURL}
	query := url.Values{}
	maps.Copy(query, grant.Params)
	query.Set("response_type", "code")
	query.Set("client_id", s.ClientID)
	query.Set("redirect_uri", redirectURL)
	query.Set("state", p.State)
	if len(s.Scopes) > 0 {
		query.Set("scope", strings.Join(s.Scopes, " "))
	}
	if !grant.DisablePKCE {
		verifier := oauth2.GenerateVerifier()
		p.Verifier = verifier
		query.Set("code_challenge", oauth2.S256ChallengeFromVerifier(verifier))
		query.Set("code_challenge_method", "S256")
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += query.Encode()
	return u.String(), p.seal(), nil
}

func (s *oauth2Scheme) identity(grant AuthorizationCode) string {
	return identity("oauth2", s.ClientID, grant.AuthURL, s.TokenURL, s.Account)
}

// finish checks the callback (RFC 6749 section 4.1.2), all that it says before
// anything it asks for, and swaps the code.
func (s *oauth2Scheme) finish(ctx context.Context, grant AuthorizationCode, sealed Secret, callback url.Values) error {
	p, err := openPending(sealed, s.identity(grant))
	if err != nil {
		return err
	}
	state, err := one(callback, "state")
	if err != nil {
		return err
	}
	if !equal(state, p.State) {
		return errors.New("connectorauth: the callback's state is not that of this consent")
	}
	if grant.Issuer != "" {
		issuer, err := one(callback, "iss")
		if err != nil {
			return err
		}
		if issuer != grant.Issuer {
			return errors.New("connectorauth: the callback comes from another issuer (RFC 9207)")
		}
	}
	if callback.Has("error") {
		return &TokenError{
			Code:        tokenhttp.Clean(callback.Get("error"), 64),
			Description: tokenhttp.Clean(callback.Get("error_description"), 200),
			refused:     true,
		}
	}
	code, err := one(callback, "code")
	if err != nil {
		return err
	}
	if !s.used.claim(p.State) {
		return errors.New("connectorauth: this consent has been finished already")
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.Redirect}}
	if p.Verifier != "" {
		form.Set("code_verifier", p.Verifier)
	}
	return detached(ctx, func(ctx context.Context) error {
		t, err := s.request(ctx, form, nil)
		if err != nil {
			return err
		}
		return s.engine.Set(ctx, t)
	})
}
