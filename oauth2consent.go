package connectorauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// Begin starts the account owner's consent. Send the browser to authURL; the
// provider will send the browser on to redirectURL, which must be registered
// there. Use a redirectURL for each authorization server, or set Issuer (RFC 9700
// section 2.1). Keep pending where only that browser can bring it back, in an encrypted
// cookie or the session: pending contains the PKCE code verifier. [OAuth2.Finish]
// takes pending. Begin makes no request, except with a PushedAuthorizationRequestURL; then
// an error may be a [*TokenError], and authURL serves for one consent, which should begin at
// once. With a Proof, pending also contains the key of the account.
//
// redirectURL is an https URL, or an http URL of the machine itself (RFC 8252 section
// 7.3), without a fragment. A program without a web page may also use:
//   - a URL with a private-use scheme that has a dot, such as
//     "com.example.app:/callback" (RFC 8252 section 7.1). The system hands the
//     callback to the program.
//   - "urn:ietf:wg:oauth:2.0:oob" or "urn:ietf:wg:oauth:2.0:oob:auto", for a provider
//     that shows a code for the account owner to copy.
//
// Such a redirectURL needs PKCE (RFC 8252 section 8.1), so Begin refuses DisablePKCE.
func (c *OAuth2) Begin(ctx context.Context, redirectURL string) (authURL string, pending Secret, err error) {
	return c.scheme().begin(ctx, redirectURL)
}

// Issuer returns the issuer that every callback must name: the Issuer of the
// AuthorizationCode grant. Empty means that callbacks need no iss, or that the connector
// has another grant.
func (c *OAuth2) Issuer() string {
	grant, _ := c.scheme().grant.(AuthorizationCode)
	if grant.IssuerOptional {
		return ""
	}
	return grant.Issuer
}

// GrantType returns the grant type of the config's Grant, such as "authorization_code".
func (c *OAuth2) GrantType() string { return c.scheme().grant.GrantType() }

// ConsentLifetime returns how long the account owner may take from Begin to Finish. 0
// means ten minutes, or that the connector has no consent.
func (c *OAuth2) ConsentLifetime() time.Duration {
	grant, _ := c.scheme().grant.(AuthorizationCode)
	return grant.ConsentLifetime
}

// Finish ends the consent that Begin started: it checks the query of the
// callback, exchanges the code for a token and saves the token. pending is the
// value from Begin, which serves once and for ten minutes, or for the
// ConsentLifetime of the grant. The token is saved even if ctx ends meanwhile.
//
// The callback must repeat the state of the consent. Only after an out-of-band
// redirect URL, the owner brings a code and no state, and callback may have the code
// alone. Then pending says whose consent the code must belong to, and the provider
// refuses a code of another consent by the code verifier (RFC 7636 section 4.6, RFC
// 9700 section 4.7.1). So keep pending in the program that asks for the code, and use
// an out-of-band redirect URL only with a provider that enforces PKCE. A pasted code
// has no iss: a connector with an Issuer refuses the code.
//
// A code that was sent is never sent again, over all connectors of a Shared, and
// over all processes with the same [SharedTokenStore]: Finish claims the consent in
// the Store before the code is sent. If the Store cannot be written, or if the token
// request fails before anything was sent, the consent stays open, and the program
// may call Finish again with the same callback. The error then has a method
// Temporary() bool that returns true.
//
// A provider's refusal, such as access_denied, is a [*TokenError] with that Code.
// If the token was obtained but could not be saved, Finish returns an error, and
// the connector uses the token from memory while it tries to save the token.
func (c *OAuth2) Finish(ctx context.Context, pending Secret, callback url.Values) error {
	return c.scheme().finish(ctx, pending, callback)
}

var errNoConsent = errors.New("connectorauth: only the AuthorizationCode grant has a consent to begin and to finish; the DeviceCode grant has BeginDevice")

// consentIdentity tells the consents of this connector from others.
func (s *oauth2Scheme) consentIdentity(grant AuthorizationCode) string {
	return pending.Identity("oauth2", s.clientID, grant.AuthURL, s.tokenURL, s.engine.Key())
}

// finish checks the callback (RFC 6749 section 4.1.2) and exchanges the code for
// a token (section 4.1.3).
func (s *oauth2Scheme) finish(ctx context.Context, text Secret, callback url.Values) error {
	grant, ok := s.grant.(AuthorizationCode)
	if !ok {
		return errNoConsent
	}
	var kept token // of the callback
	return s.shared.consents.Finish(ctx, pending.Flow{
		Begin:     func() (func(), error) { return s.shared.group.Begin(s.engine.Key()) },
		Connector: s.consentIdentity(grant),
		State:     "state",
		Stateless: func(v pending.Value) bool { return pending.OutOfBand(v.Redirect) && v.Verifier != "" },
		Check:     func(callback url.Values) error { return s.checkIssuer(grant, callback) },
		Refusal: func(callback url.Values) error {
			code, err := pending.AtMostOne(callback, "error")
			if code == "" {
				return err
			}
			return &TokenError{
				Code:        scrub.Text(code, 64),
				Description: scrub.Text(callback.Get("error_description"), 200),
				Account:     s.engine.Key(),
				refused:     true,
			}
		},
		Code: cmp.Or(s.dialect.CodeName, "code"),
		Keep: func(callback url.Values) (err error) {
			if kept.Extra, err = s.callbackValues(callback); err == nil {
				kept.Region, err = s.callbackRegion(callback)
			}
			return err
		},
		Obtain: func(ctx context.Context, v pending.Value, code string) error {
			if v.Key != "" {
				kept.Bound = &binding{Key: v.Key}
			}
			t, err := s.ask(ctx, s.codeRequest(v, code), &kept)
			if err != nil && verdict(err).Unsent {
				return pending.Open(err)
			}
			if none := (dialect.TokenExchange{}); err == nil && s.dialect.LongLived != none {
				t, err = s.exchangeLong(ctx, t)
			}
			if err == nil || t != nil && t.Access != "" { // a hook's failure loses nothing
				err = cmp.Or(err, s.engine.Set(ctx, s, t))
				tellNotKept(ctx, s.engine.Store(), notKept(t.left, t.unread), s.Observe, t)
			}
			return err
		},
		Store: s.engine.Store(),
	}, string(text), callback)
}

// checkIssuer checks that the callback names the provider, if the callback names
// anybody (RFC 9207 section 2.4).
func (s *oauth2Scheme) checkIssuer(grant AuthorizationCode, callback url.Values) error {
	read := pending.One
	if grant.Issuer == "" || grant.IssuerOptional {
		read = pending.AtMostOne
	}
	issuer, err := read(callback, "iss")
	if err != nil || issuer == "" || issuer == grant.Issuer {
		return err
	}
	named := scrub.Text(issuer, 200)
	if grant.Issuer != "" {
		return pending.NewMixUp(fmt.Sprintf("the callback is from the issuer %q, not from %q (RFC 9207)", named, grant.Issuer))
	}
	var known []string
	is, err := origin.Endpoint(issuer)
	for _, raw := range append([]string{grant.AuthURL, s.tokenURL}, slices.Sorted(maps.Values(s.dialect.Regions.Origins))...) {
		u, _ := url.Parse(raw) // cannot fail: NewOAuth2 has read the URL
		if err == nil && origin.Same(is, u) {
			return nil
		}
		known = append(known, u.Scheme+"://"+u.Host)
	}
	return pending.NewMixUp(fmt.Sprintf("the callback is from the issuer %q, which is not at %s (RFC 9207); if the provider calls itself so, set Issuer",
		named, strings.Join(slices.Compact(known), " or ")))
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
	s.Observe(renew.Event[token]{Happened: renew.Failed, Value: t, Err: err, Context: context.WithoutCancel(ctx)})
	return t, nil
}

// callbackValues returns the parameters of the callback that the dialect keeps
// with the token.
func (s *oauth2Scheme) callbackValues(callback url.Values) (kept map[string]any, err error) {
	for _, name := range s.dialect.CallbackValues {
		value, err := pending.AtMostOne(callback, name)
		if err != nil {
			return nil, err
		}
		if value == "" {
			continue
		}
		if kept == nil {
			kept = make(map[string]any)
		}
		kept[name] = value
	}
	return kept, nil
}
