package connectorauth

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"golang.org/x/oauth2"
)

var errNoConsent = errors.New("connectorauth: only the AuthorizationCode grant has a consent to begin and to finish")

// begin makes the authorization request (RFC 6749 section 4.1.1).
func (s *oauth2Scheme) begin(ctx context.Context, redirectURL string) (authURL string, text Secret, err error) {
	grant, ok := s.grant.(AuthorizationCode)
	if !ok {
		return "", "", errNoConsent
	}
	if err := pending.CheckRedirect(redirectURL); err != nil {
		return "", "", err
	}
	u, err := url.Parse(grant.AuthURL)
	if err != nil {
		return "", "", err
	}
	v := pending.Value{For: s.consentIdentity(grant), State: pending.RandomText(), Redirect: redirectURL}
	query := url.Values{}
	maps.Copy(query, grant.Params)
	set := func(standard, value string) {
		if name := check.Rename(standard, s.dialect.AuthNames); name != "" {
			query.Set(name, value)
		}
	}
	set("response_type", "code")
	set("client_id", s.clientID)
	set("redirect_uri", redirectURL)
	set("state", v.State)
	if s.scope != "" {
		set("scope", s.scope)
	}
	if !grant.DisablePKCE {
		v.Verifier = oauth2.GenerateVerifier()
		set("code_challenge", oauth2.S256ChallengeFromVerifier(v.Verifier))
		set("code_challenge_method", "S256")
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += query.Encode()
	if authURL, err = s.runAuthorize(ctx, u); err != nil {
		return "", "", err
	}
	return authURL, Secret(v.Encode()), nil
}

// runAuthorize runs the hooks on the URL that Begin returns.
func (s *oauth2Scheme) runAuthorize(ctx context.Context, before *url.URL) (string, error) {
	u := *before
	for _, h := range s.hooks {
		if h.BeforeAuthorize != nil {
			if err := runHook("before the authorization", func(u *url.URL) error { return h.BeforeAuthorize(ctx, u) }, &u); err != nil {
				return "", err
			}
		}
	}
	was, is := before.Query(), u.Query()
	for _, name := range check.SentNames([]string{"state", "redirect_uri", "code_challenge", "code_challenge_method"}, s.dialect.AuthNames) {
		if !slices.Equal(was[name], is[name]) {
			return "", fmt.Errorf("connectorauth: a hook changed the parameter %s, which protects the consent", name)
		}
	}
	if !origin.Same(&u, before) || u.User != nil || u.Opaque != "" {
		return "", errors.New("connectorauth: a hook changed the origin of the authorization URL")
	}
	return u.String(), nil
}

// consentIdentity tells the consents of this connector from others.
func (s *oauth2Scheme) consentIdentity(grant AuthorizationCode) string {
	return pending.Identity("oauth2", s.clientID, grant.AuthURL, s.tokenURL, s.account)
}

// finish checks the callback (RFC 6749 section 4.1.2) and exchanges the code for
// a token (section 4.1.3).
func (s *oauth2Scheme) finish(ctx context.Context, text Secret, callback url.Values) error {
	grant, ok := s.grant.(AuthorizationCode)
	if !ok {
		return errNoConsent
	}
	var kept map[string]any
	return s.shared.consents.Finish(ctx, pending.Flow{
		Connector: s.consentIdentity(grant),
		State:     "state",
		Check: func(callback url.Values) error {
			if grant.Issuer == "" {
				return nil
			}
			issuer, err := pending.One(callback, "iss")
			if err == nil && issuer != grant.Issuer {
				err = pending.NewMixUp("the callback comes from another issuer (RFC 9207)")
			}
			return err
		},
		Refusal: func(callback url.Values) error {
			if !callback.Has("error") {
				return nil
			}
			return &TokenError{
				Code:        scrub.Text(callback.Get("error"), 64),
				Description: scrub.Text(callback.Get("error_description"), 200),
				Account:     s.account,
				refused:     true,
			}
		},
		Code: cmp.Or(s.dialect.CodeName, "code"),
		Keep: func(callback url.Values) (err error) {
			kept, err = s.callbackValues(callback)
			return err
		},
		Obtain: func(ctx context.Context, v pending.Value, code string) error {
			t, err := s.ask(ctx, s.codeRequest(v, code), &token{Extra: kept})
			if none := (dialect.TokenExchange{}); err == nil && s.dialect.LongLived != none {
				t, err = s.exchangeLong(ctx, t)
			}
			if err == nil || t != nil && t.Access != "" { // a hook's failure loses nothing
				err = cmp.Or(err, s.engine.Set(ctx, s, t))
			}
			return err
		},
	}, string(text), callback)
}

// exchangeLong exchanges the token of a code for a token with a longer life. If
// the exchange fails for now, the token of the code is kept: the renewal tries
// again.
func (s *oauth2Scheme) exchangeLong(ctx context.Context, t *token) (*token, error) {
	long, err := s.ask(ctx, s.exchangeRequest(s.dialect.LongLived, t), t)
	if err == nil || isFinal(err) {
		return long, err
	}
	t.Exchange = true
	if t.Expiry.IsZero() {
		t.Expiry = t.Issued.Add(time.Hour) // so that the renewal comes in time
	}
	s.Observe(renew.Event[token]{Happened: renew.Failed, Value: t, Err: err})
	return t, nil
}

// callbackValues returns the parameters of the callback that the dialect keeps
// with the token.
func (s *oauth2Scheme) callbackValues(callback url.Values) (kept map[string]any, err error) {
	for _, name := range s.dialect.CallbackValues {
		if !callback.Has(name) {
			continue
		}
		value, err := pending.One(callback, name)
		if err != nil {
			return nil, err
		}
		if kept == nil {
			kept = make(map[string]any)
		}
		kept[name] = value
	}
	return kept, nil
}

// tokenRequest is what differs from one kind of token request to the next.
type tokenRequest struct {
	url       string
	grantType string
	params    func(context.Context) (url.Values, error) // by standard names; called for each send
	further   url.Values                                // by the provider's names
	names     map[string]string                         // the provider's names, by standard names
	encoding  dialect.Encoding
	paths     []dialect.Response
	refresh   bool     // the hooks of refresh requests see the request
	singleUse bool     // a provider may accept the parameters only once
	secrets   []string // of the token before, which no error may quote
}

// values returns a function that always returns v.
func values(v url.Values) func(context.Context) (url.Values, error) {
	return func(context.Context) (url.Values, error) { return v, nil }
}

// newRequest returns what all token requests have in common.
func (s *oauth2Scheme) newRequest(grantType string) tokenRequest {
	d := s.dialect
	return tokenRequest{
		url: s.tokenURL, grantType: grantType, names: d.TokenNames, encoding: d.TokenEncoding,
		paths: []dialect.Response{d.Response}, singleUse: true,
	}
}

// codeRequest exchanges the code of a consent for a token (RFC 6749 section
// 4.1.3).
func (s *oauth2Scheme) codeRequest(v pending.Value, code string) tokenRequest {
	params := url.Values{"code": {code}, "redirect_uri": {v.Redirect}}
	if v.Verifier != "" {
		params.Set("code_verifier", v.Verifier)
	}
	if s.dialect.RepeatState {
		params.Set("state", v.State)
	}
	r := s.newRequest(cmp.Or(s.dialect.GrantType, s.grant.GrantType()))
	r.params, r.further = values(params), s.dialect.TokenParams
	return r
}

// grantRequest obtains a token by the grant.
func (s *oauth2Scheme) grantRequest() tokenRequest {
	r := s.newRequest(cmp.Or(s.dialect.GrantType, s.grant.GrantType()))
	r.further, r.singleUse = s.dialect.TokenParams, s.traits.SingleUse
	r.params = func(ctx context.Context) (url.Values, error) {
		var params url.Values
		err := foreign("the parameters of the grant", func() (err error) {
			params, err = s.grant.Parameters(ctx)
			return err
		})
		switch {
		case err == nil:
		case !s.traits.NeedsOwner:
			return nil, fmt.Errorf("connectorauth: the parameters of the grant: %w", err)
		case errors.Is(err, ErrReauthRequired) && !errors.Is(err, ErrNotConnected):
			return nil, fmt.Errorf("%w: %w", ErrNotConnected, err) // the owner's grants are asked for a first token only
		default:
			return nil, err
		}
		params = url.Values(http.Header(params).Clone())
		if params == nil {
			params = url.Values{}
		}
		if s.scope != "" && !params.Has("scope") {
			params.Set("scope", s.scope)
		}
		return params, nil
	}
	return r
}

// refreshRequest renews a token by its refresh token (RFC 6749 section 6).
func (s *oauth2Scheme) refreshRequest(old *token) tokenRequest {
	d := s.dialect
	r := s.newRequest("refresh_token")
	r.url = cmp.Or(d.RefreshURL, s.tokenURL)
	r.params, r.further = values(url.Values{"refresh_token": {old.Refresh}}), d.RefreshParams
	r.paths = append(r.paths, dialect.Response{ExpiryFormat: d.Response.ExpiryFormat})
	r.refresh = true
	return r
}

// exchangeRequest exchanges the access token of old for another.
func (s *oauth2Scheme) exchangeRequest(by dialect.TokenExchange, old *token) tokenRequest {
	r := s.newRequest(by.GrantType)
	r.url, r.encoding, r.singleUse = cmp.Or(by.URL, s.tokenURL), dialect.EncodeGet, false
	r.params = values(url.Values{"access_token": {old.Access}})
	r.names = map[string]string{"access_token": cmp.Or(by.Name, "access_token")}
	maps.Copy(r.names, s.dialect.TokenNames)
	return r
}

// send sends a token request with the proof of key.
func (s *oauth2Scheme) send(ctx context.Context, r tokenRequest, key string) (*endpoint.Response, error) {
	var seen exchanges
	call := endpoint.Call{
		Build: func(ctx context.Context) (*http.Request, []string, error) { return s.build(ctx, r) },
		Base:  baseOf(s.httpClient),
		Before: func(req *http.Request) (err error) {
			if seen, err = s.runBeforeToken(req, r.refresh); err != nil {
				return err
			}
			if s.proof == nil {
				return nil
			}
			before := *req.URL
			if err := s.prove(req, key, ""); err != nil {
				return err
			}
			if !origin.Same(req.URL, &before) {
				return fmt.Errorf("%w: the proof changed the origin of a token request", ErrHostNotAllowed)
			}
			return nil
		},
	}
	if len(s.hooks) > 0 {
		call.After = func(resp *http.Response) error { return seen.after(resp) }
	}
	if s.proof != nil {
		call.Again = func(resp *endpoint.Response) bool {
			if resp.Granted() {
				return false
			}
			seen := *resp.Response
			seen.Body = io.NopCloser(bytes.NewReader(resp.Body))
			again := false
			foreign("Again", func() error { again = s.proof.Again(&seen); return nil })
			return again
		}
	}
	return call.Do(ctx)
}

// prove adds a proof of possession to req, which carries the access token or is a
// token request.
func (s *oauth2Scheme) prove(req *http.Request, key, token string) error {
	return foreign("the proof of possession", func() error {
		if err := s.proof.Prove(req, Secret(key), Secret(token)); err != nil {
			return fmt.Errorf("connectorauth: the proof of possession: %w", err)
		}
		return nil
	}, key, token)
}

// build makes the HTTP request, and lists the secrets in it.
func (s *oauth2Scheme) build(ctx context.Context, r tokenRequest) (*http.Request, []string, error) {
	secrets := append(r.secrets, endpoint.Secrets(r.further, nil, s.clientID, string(s.clientSecret))...)
	params, err := r.params(ctx)
	if err != nil {
		return nil, secrets, err
	}
	t := &TokenRequest{
		Endpoint: r.url, ClientID: s.clientID, ClientSecret: s.clientSecret,
		Params: url.Values(http.Header(params).Clone()), Header: s.dialect.TokenHeader.Clone(),
	}
	if code, ok := s.grant.(AuthorizationCode); ok {
		t.Issuer = code.Issuer
	}
	if t.Header == nil {
		t.Header = http.Header{}
	}
	t.Params.Set("grant_type", r.grantType)
	err = foreign("the client authentication", func() error { return s.clientAuth.Authenticate(ctx, t) })
	secrets = append(secrets, endpoint.Secrets(t.Params, t.Header, "", "")...)
	if err != nil {
		return nil, secrets, fmt.Errorf("connectorauth: the client authentication: %w", err)
	}
	sent := make(url.Values, len(t.Params)+len(r.further))
	for standard, values := range t.Params {
		if name := check.Rename(standard, r.names); name != "" {
			sent[name] = values
		}
	}
	maps.Copy(sent, r.further)
	req, err := endpoint.NewRequest(ctx, r.url, sent, t.Header, r.encoding)
	return req, secrets, err
}

// runBeforeToken runs the hooks before a token request.
func (s *oauth2Scheme) runBeforeToken(req *http.Request, refresh bool) (exchanges, error) {
	if len(s.hooks) == 0 {
		return nil, nil
	}
	hooks := make([]hook, len(s.hooks))
	for i, h := range s.hooks {
		hooks[i].BeforeRequest, hooks[i].AfterResponse = h.BeforeToken, h.AfterToken
		if refresh {
			hooks[i].BeforeRequest, hooks[i].AfterResponse = h.BeforeRefresh, h.AfterRefresh
		}
	}
	before := *req.URL
	seen, err := runBefore(hooks, req, nil)
	if err == nil && !origin.Same(req.URL, &before) {
		err = fmt.Errorf("%w: a hook changed the origin of a token request", ErrHostNotAllowed)
	}
	return seen, err
}
