package connectorauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/clock"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
)

// tokenRequest is what differs from one kind of token request to the next.
type tokenRequest struct {
	url       string
	grantType string
	params    func(context.Context, *TokenRequest) error // adds parameters by standard names; called for each send
	further   url.Values                                 // by the provider's names
	names     map[string]string                          // the provider's names, by standard names
	encoding  dialect.Encoding
	paths     []dialect.Response
	refresh   bool     // the hooks of refresh requests see the request
	singleUse bool     // a provider may accept the parameters only once
	unproven  bool     // the request has no proof of possession
	secrets   []string // of the token before, which no error may quote
}

// values returns a function that always adds v.
func values(v url.Values) func(context.Context, *TokenRequest) error {
	return func(_ context.Context, t *TokenRequest) error {
		maps.Copy(t.Params, http.Header(v).Clone())
		return nil
	}
}

// newRequest returns what all token requests have in common.
func (s *oauth2Scheme) newRequest(grantType string) tokenRequest {
	d := s.dialect
	return tokenRequest{
		url: s.tokenURL, grantType: grantType, names: d.TokenNames, encoding: d.TokenEncoding,
		paths: []dialect.Response{d.Response}, singleUse: true,
	}
}

// providerRequest is a request to another endpoint of the provider than the token endpoint,
// with the client authentication of token requests.
func (s *oauth2Scheme) providerRequest(url string, params url.Values) tokenRequest {
	r := s.newRequest("")
	r.url, r.encoding, r.singleUse, r.params = url, "", false, values(params)
	return r
}

// callProvider makes a request of providerRequest, with the proof of key. what names the request in
// errors, and read, which may be nil, reads the response to a request that was granted. No
// hook sees the request: the hooks are for token requests.
func (s *oauth2Scheme) callProvider(ctx context.Context, r tokenRequest, key, what string, read func(*endpoint.Response) error) error {
	plain := &oauth2Scheme{oauth2Account: s.oauth2Account, oauth2Way: &plainWay}
	resp, err := plain.send(ctx, r, key)
	switch {
	case err != nil:
	case !resp.Granted():
		var failed *endpoint.Failure
		if _, err = resp.Token(time.Time{}); !errors.As(err, &failed) || failed.Code == "" { // Token reads the error
			err = resp.Fail(nil)
		}
	case read != nil:
		if err = read(resp); err != nil {
			err = resp.Fail(err)
		}
	}
	if err == nil {
		return nil
	}
	err = s.subject(r.url).newTokenError(err)
	if failed := new(TokenError); errors.As(err, &failed) {
		failed.dead, failed.inDoubt, failed.request = false, false, what
	}
	return err
}

// resources returns the Resources of the config, or nil.
func (s *oauth2Scheme) resources() []string {
	if s.rare == nil || s.rare.resources == "" {
		return nil
	}
	return strings.Split(s.rare.resources, " ")
}

// addResources adds the Resources of the config.
func (s *oauth2Scheme) addResources(params url.Values) {
	if resources := s.resources(); resources != nil {
		params["resource"] = resources
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
	s.addResources(params)
	r := s.newRequest(cmp.Or(s.dialect.GrantType, s.grant.GrantType()))
	r.params, r.further = values(params), s.dialect.TokenParams
	return r
}

// grantRequest obtains a token by the grant.
func (s *oauth2Scheme) grantRequest() tokenRequest {
	r := s.newRequest(cmp.Or(s.dialect.GrantType, s.grant.GrantType()))
	r.further, r.singleUse = s.dialect.TokenParams, s.traits.SingleUse
	r.params = func(ctx context.Context, t *TokenRequest) error {
		err := foreign("the parameters of the grant", func() error { return s.grant.Parameters(ctx, t) })
		switch {
		case err == nil:
		case !s.traits.NeedsOwner:
			return fmt.Errorf("connectorauth: the parameters of the grant: %w", err)
		case errors.Is(err, ErrReauthRequired) && !errors.Is(err, ErrNotConnected):
			return fmt.Errorf("%w: %w", ErrNotConnected, err) // the owner's grants are asked for a first token only
		default:
			return err
		}
		t.anew = t.dated || len(t.Params) == 0 && len(t.Header) == len(s.dialect.TokenHeader)
		if s.scope != "" && !t.Params.Has("scope") {
			t.Params.Set("scope", s.scope)
		}
		if !t.Params.Has("resource") {
			s.addResources(t.Params)
		}
		return nil
	}
	return r
}

// refreshRequest renews a token by its refresh token (RFC 6749 section 6).
func (s *oauth2Scheme) refreshRequest(old *token) tokenRequest {
	d := s.dialect
	r := s.newRequest("refresh_token")
	r.url = cmp.Or(d.RefreshURL, s.tokenURL)
	params := url.Values{"refresh_token": {old.Refresh}}
	s.addResources(params)
	r.params, r.further = values(params), d.RefreshParams
	r.paths = append(r.paths, dialect.Response{ExpiryFormat: d.Response.ExpiryFormat})
	r.refresh = true
	return r
}

// refresh renews old by its refresh token.
func (s *oauth2Scheme) refresh(ctx context.Context, old *token) (*token, error) {
	if err := s.canProve(old); err != nil {
		return nil, s.subjectOf(old).name(err)
	}
	return s.ask(ctx, s.refreshRequest(old), old)
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
	var sent *TokenRequest
	var out *http.Request
	call := endpoint.Call{
		Build: func(ctx context.Context) (req *http.Request, secrets []string, err error) {
			sent, req, secrets, err = s.build(ctx, r)
			return req, secrets, err
		},
		Base: endpoint.TransportOf(s.httpClient),
		Before: func(req *http.Request) (err error) {
			if seen, err = s.runBeforeToken(req, r.refresh); err != nil {
				return err
			}
			if s.proof == nil || r.unproven {
				return nil
			}
			before := *req.URL
			out = req
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
	call.Again = func(resp *endpoint.Response) bool {
		later, proof := s.learnsTime(r, sent, resp), out != nil && s.wantsProof(out, resp) // both see each response
		return !resp.Granted() && (later || proof)
	}
	return call.Do(ctx)
}

// learnsTime follows the provider's clock, if the refused request carried the time,
// and reports whether the request is worth another try. What the provider may have
// looked at, and what is not made anew, is not sent again: a code, a refresh token, a
// password. Then the provider must have looked at the client authentication alone. A
// correction that did not help is given up, because the Date may be that of a cache.
func (s *oauth2Scheme) learnsTime(r tokenRequest, sent *TokenRequest, resp *endpoint.Response) bool {
	theirs, ok := clock.Date(resp.Header)
	if !ok || !sent.dated || resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusUnauthorized {
		return false
	}
	var failed *endpoint.Failure
	_, err := resp.Token(time.Time{}, r.paths...)
	blamed := sent.anew || errors.As(err, &failed) && failed.Code == "invalid_client"
	s.clock.Correct(theirs, sent.ahead, true)
	if s.clock.Ahead() == sent.ahead {
		if blamed {
			s.clock.Reset(sent.ahead)
		}
		return false
	}
	return blamed
}

// build makes the HTTP request, and lists the secrets in it.
func (s *oauth2Scheme) build(ctx context.Context, r tokenRequest) (t *TokenRequest, req *http.Request, secrets []string, err error) {
	secrets = append(r.secrets, endpoint.Secrets(r.further, nil, s.clientID, string(s.clientSecret))...)
	t = &TokenRequest{
		Endpoint: r.url, ClientID: s.clientID, ClientSecret: s.clientSecret,
		Params: url.Values{}, Header: s.dialect.TokenHeader.Clone(), ahead: s.clock.Ahead(),
	}
	if code, ok := s.grant.(AuthorizationCode); ok {
		t.Issuer = code.Issuer
	}
	if t.Header == nil {
		t.Header = http.Header{}
	}
	if err := r.params(ctx, t); err != nil {
		return nil, nil, append(secrets, endpoint.Secrets(t.Params, t.Header, "", "")...), err
	}
	if r.grantType != "" { // a revocation has none
		t.Params.Set("grant_type", r.grantType)
	}
	err = foreign("the client authentication", func() error { return s.clientAuth.Authenticate(ctx, t) })
	secrets = append(secrets, endpoint.Secrets(t.Params, t.Header, "", "")...)
	if err != nil {
		return nil, nil, secrets, fmt.Errorf("connectorauth: the client authentication: %w", err)
	}
	sent := make(url.Values, len(t.Params)+len(r.further))
	for standard, values := range t.Params {
		if name := check.Rename(standard, r.names); name != "" {
			sent[name] = values
		}
	}
	maps.Copy(sent, r.further)
	req, err = endpoint.NewRequest(ctx, r.url, sent, t.Header, r.encoding)
	return t, req, secrets, err
}

// runBeforeToken runs the hooks before a token request.
func (s *oauth2Scheme) runBeforeToken(req *http.Request, refresh bool) (exchanges, error) {
	if len(s.hooks) == 0 {
		return exchanges{}, nil
	}
	hooks := make([]hook, len(s.hooks))
	for i, h := range s.hooks {
		hooks[i].BeforeRequest, hooks[i].AfterResponse = h.BeforeToken, h.AfterToken
		if refresh {
			hooks[i].BeforeRequest, hooks[i].AfterResponse = h.BeforeRefresh, h.AfterRefresh
		}
	}
	before := *req.URL
	req.Header = req.Header.Clone() // values may be those of the client authentication
	seen, err := runBefore(hooks, nil, req, nil)
	if err == nil && !origin.Same(req.URL, &before) {
		err = fmt.Errorf("%w: a hook changed the origin of a token request", ErrHostNotAllowed)
	}
	return seen, err
}
