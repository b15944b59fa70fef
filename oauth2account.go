package connectorauth

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// Token returns the present access token, renewed if the token has expired. A token
// that the API has rejected is renewed by the rejected request of this connector's
// client, and Token then returns the new token. Token cannot know of rejections that
// other clients see; nor does a rejection make Token fail, because an API rejects
// tokens for reasons of its own, and the token may serve elsewhere. The refresh token
// is left out: a program that used it would break the grant. The other members
// of the token response are there as Extra. An id_token in Extra has not been
// verified: examples/openid verifies one.
func (c *OAuth2) Token(ctx context.Context) (*oauth2.Token, error) {
	s := c.scheme()
	g, err := s.engine.Get(ctx, s)
	if err != nil {
		return nil, err
	}
	return g.Value.public(), nil
}

// TokenSource returns Token as a source, for clients that take a source. The
// source works until ctx ends.
//
// Most programs use [NewClient] instead: an oauth2.Transport with this source
// would send the token along on redirects to other hosts.
func (c *OAuth2) TokenSource(ctx context.Context) oauth2.TokenSource {
	return tokenSource{ctx, c}
}

type tokenSource struct {
	ctx context.Context
	c   *OAuth2
}

func (s tokenSource) Token() (*oauth2.Token, error) { return s.c.Token(s.ctx) }

// Status reads what is known of the account, and renews nothing. With a Store, the
// Store tells what all processes know. An error means that the Store could not be
// read.
func (c *OAuth2) Status(ctx context.Context) (Status, error) {
	s := c.scheme()
	known, err := s.engine.Known(ctx, s)
	status := statusOf(known)
	if t := known.Value; t != nil {
		if t.Access != "" {
			status.Expiry = t.Expiry.Round(0)
		}
		if t.Refresh != "" {
			status.ReauthBy = s.reauthBy(t)
		}
		separator := cmp.Or(s.dialect.ScopeSeparator, " ")
		if status.Granted = scopes(t.Scope, separator); status.Granted != nil {
			for _, scope := range scopes(s.scope, separator) {
				if !slices.Contains(status.Granted, scope) {
					status.Missing = append(status.Missing, scope)
				}
			}
		}
	} else if err == nil && status.State == StateNotConnected && !s.traits.NeedsOwner {
		status.State = StateOK // the first request obtains a token
	}
	return status, err
}

// reauthBy returns when the refresh token of t expires: the time in the record, or that
// of a token that nobody uses, whichever comes first. Zero means that nobody knows.
func (s *oauth2Scheme) reauthBy(t *token) time.Time {
	if s.rare != nil && s.rare.refreshIdle > 0 {
		if unused := t.Issued.Add(s.rare.refreshIdle).Round(0); t.Reauth.IsZero() || unused.Before(t.Reauth) {
			return unused
		}
	}
	return t.Reauth
}

// scopes splits a list of scopes. An empty list is nil. Some providers answer with commas or spaces,
// whatever the separator of the request.
func scopes(list, separator string) []string {
	if list == "" {
		return nil
	}
	return strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' || strings.ContainsRune(separator, r) })
}

// Renew replaces the access token now, even if the token is good, and whatever
// failed before: a pause is not waited for, and a refused password is tried again.
// If a renewal is under way, Renew waits for its end first. An account that needs
// its owner stays as it is: then the error matches [ErrReauthRequired], and nothing
// is sent. If a SharedTokenStore cannot be written before the request, Renew returns
// an error, and nothing is sent. If the Store does not take the new token, Renew
// returns nil: the token is in memory, saving is tried again, and Observe is told.
//
// After a lost response, a refresh token that may be used up is not sent while the
// access token is good: Renew returns an error then, and requests work.
func (c *OAuth2) Renew(ctx context.Context) error {
	s := c.scheme()
	return s.engine.Renew(ctx, s)
}

// Revoke asks the provider to revoke the account's refresh token, and then its
// access token (RFC 7009 section 2.1), and forgets both as [OAuth2.Forget] does.
// Each token is tried, whatever became of the other. If one cannot be revoked for
// now, Revoke returns an error and forgets nothing, so Revoke can be called
// again. A provider that revokes one type of token only (unsupported_token_type)
// is enough. An account without a token is no error. A config without RevokeURL is
// [ErrNoRevocation]: [OAuth2.Forget] needs none.
func (c *OAuth2) Revoke(ctx context.Context) error {
	s := c.scheme()
	if s.rare == nil || s.rare.revokeURL == "" {
		return ErrNoRevocation
	}
	return s.engine.Forget(ctx, s, s.revoke)
}

// Forget removes the account's token from the Store and from memory, and all that
// is known of the account. The provider is not told: see [OAuth2.Revoke]. Other
// processes use the token from memory until its renewal.
func (c *OAuth2) Forget(ctx context.Context) error {
	s := c.scheme()
	return s.engine.Forget(ctx, s, nil)
}

// revoke revokes the tokens of t.
func (s *oauth2Scheme) revoke(ctx context.Context, t *token) error {
	var problems []error
	revoked, unsupported := 0, 0
	for _, token := range []struct{ value, hint string }{{t.Refresh, "refresh_token"}, {t.Access, "access_token"}} {
		if token.value == "" {
			continue
		}
		err := s.revokeOne(ctx, token.value, token.hint, t)
		var failed *TokenError
		switch {
		case err == nil:
			revoked++
		case errors.As(err, &failed) && failed.Code == "unsupported_token_type":
			unsupported++
			problems = append(problems, err)
		default:
			problems = append(problems, err)
		}
	}
	if revoked > 0 && len(problems) == unsupported {
		return nil
	}
	return errors.Join(problems...)
}

// revokeOne makes a revocation request for one of the tokens of t.
func (s *oauth2Scheme) revokeOne(ctx context.Context, token, hint string, t *token) error {
	r := s.providerRequest(s.rare.revokeURL, url.Values{"token": {token}, "token_type_hint": {hint}})
	var err error
	if r.url, err = s.at(r.url, t); err != nil {
		return s.subject(r.url).name(err)
	}
	r.unproven = true // RFC 9449 has no proof here, and an account must end without its key
	return s.callProvider(ctx, r, "", "revocation of the "+strings.ReplaceAll(hint, "_", " "), nil)
}

// Identity names the account.
func (s *oauth2Scheme) Identity() string {
	return accountName(s.tokenURL, s.clientID, s.grant.GrantType(), s.traits.Subject)
}

// Succeeds reports whether a record is of the account before its token URL moved.
func (s *oauth2Scheme) Succeeds(identity string) bool {
	return s.rare != nil && identity == accountName(s.rare.formerURL, s.clientID, s.grant.GrantType(), s.traits.Subject)
}

// Login tells whether the password has changed.
func (s *oauth2Scheme) Login(stored string) (string, bool) {
	if s.rare == nil {
		return "", stored == ""
	}
	return s.rare.login.Match(stored)
}

// Endpoint names the token URL.
func (s *oauth2Scheme) Endpoint() renew.Endpoint { return s.shared.endpoint(s.tokenURL, s.clientID) }

// Alone reports whether the grant obtains a token without the account owner.
func (s *oauth2Scheme) Alone() bool { return !s.traits.NeedsOwner }

// SingleUse reports whether the renewal of old sends a refresh token or a grant
// that a provider may accept only once. An exchange sends an access token, which
// providers take as often as they like while the token is valid.
func (s *oauth2Scheme) SingleUse(old *token) bool {
	if s.extends(old) {
		return false
	}
	return s.refreshes(old) || s.traits.SingleUse && !s.traits.NeedsOwner
}

// Rotated reports whether the refresh token was replaced.
func (s *oauth2Scheme) Rotated(old, next *token) bool {
	return old.Refresh != "" && next.Refresh != "" && next.Refresh != old.Refresh
}

// Retakes reports whether the provider takes a refresh token again for a while.
func (s *oauth2Scheme) Retakes() bool { return s.dialect.RefreshGrace }

// Restore returns the error of an earlier token request.
func (s *oauth2Scheme) Restore(of *token, code string, dead bool, after time.Duration) error {
	return s.subjectOf(of).restored(code, dead, after)
}

// Secrets returns what no error may quote.
func (*oauth2Scheme) Secrets(t *token) []string {
	if t == nil {
		return nil
	}
	return scrub.Spellings(t.Access, t.Refresh, t.key())
}

// rare is what few accounts have. Live connectors are many, and should be small.
type rare struct {
	formerURL string       // the token URL before the provider moved, or empty
	revokeURL string       // or empty
	resources string       // of OAuth2Config, separated by spaces
	login     *renew.Login // of PasswordCredentials; nil for other grants

	refreshLifetime, refreshIdle time.Duration // 0: for ever
}
