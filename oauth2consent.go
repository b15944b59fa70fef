package connectorauth

import (
	"cmp"
	"context"
	"maps"
	"net/url"

	"github.com/connectorauth/connectorauth/internal/tokenhttp"
	"golang.org/x/oauth2"
)

// begin makes the authorization request (RFC 6749 section 4.1.1).
func (s *oauth2Scheme) begin(grant AuthorizationCode, redirectURL string) (authURL string, text Secret, err error) {
	u, err := url.Parse(grant.AuthURL)
	if err != nil {
		return "", "", err
	}
	p := pending{For: s.identity(grant), State: randomText(), Redirect: redirectURL}
	query := url.Values{}
	maps.Copy(query, grant.Params)
	set := func(standard, value string) {
		if name := rename(standard, s.dialect.AuthNames); name != "" {
			query.Set(name, value)
		}
	}
	set("response_type", "code")
	set("client_id", s.clientID)
	set("redirect_uri", redirectURL)
	set("state", p.State)
	if s.scope != "" {
		set("scope", s.scope)
	}
	if !grant.DisablePKCE {
		p.Verifier = oauth2.GenerateVerifier()
		set("code_challenge", oauth2.S256ChallengeFromVerifier(p.Verifier))
		set("code_challenge_method", "S256")
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += query.Encode()
	return u.String(), p.encode(), nil
}

func (s *oauth2Scheme) identity(grant AuthorizationCode) string {
	return identity("oauth2", s.clientID, grant.AuthURL, s.tokenURL, s.account)
}

// finish checks the callback (RFC 6749 section 4.1.2), all that it says before
// anything it asks for, and swaps the code.
func (s *oauth2Scheme) finish(ctx context.Context, grant AuthorizationCode, text Secret, callback url.Values) error {
	p, err := decodePending(text, s.identity(grant))
	if err != nil {
		return err
	}
	state, err := one(callback, "state")
	if err != nil {
		return err
	}
	if !equal(state, p.State) {
		return &badCallback{"mixup", "the callback's state is not that of this consent"}
	}
	if grant.Issuer != "" {
		issuer, err := one(callback, "iss")
		if err != nil {
			return err
		}
		if issuer != grant.Issuer {
			return &badCallback{"mixup", "the callback comes from another issuer (RFC 9207)"}
		}
	}
	if callback.Has("error") {
		s.used.claim(p.State) // the consent is over
		return &TokenError{
			Code:        tokenhttp.Clean(callback.Get("error"), 64),
			Description: tokenhttp.Clean(callback.Get("error_description"), 200),
			refused:     true,
		}
	}
	code, err := one(callback, cmp.Or(s.dialect.CodeName, "code"))
	if err != nil {
		return err
	}
	kept, err := s.callbackValues(callback)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // nothing has been sent: the consent stays open
	}
	if !s.used.claim(p.State) {
		return &badCallback{"used", "this consent has been finished already"}
	}
	form := url.Values{"code": {code}, "redirect_uri": {p.Redirect}}
	if p.Verifier != "" {
		form.Set("code_verifier", p.Verifier)
	}
	if s.dialect.RepeatState {
		form.Set("state", p.State)
	}
	return detached(ctx, func(ctx context.Context) error {
		t, err := s.request(ctx, s.first(form), &token{Extra: kept})
		if err == nil && s.dialect.LongLived != (Swap{}) {
			t, err = s.request(ctx, s.swap(s.dialect.LongLived, t), t)
		}
		if err != nil {
			return err
		}
		return s.engine.Set(ctx, t)
	})
}

// callbackValues returns those parameters of the callback that are kept.
func (s *oauth2Scheme) callbackValues(callback url.Values) (kept map[string]any, err error) {
	for _, name := range s.dialect.CallbackValues {
		if !callback.Has(name) {
			continue
		}
		value, err := one(callback, name)
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
