package connectorauth

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	rfc5849 "github.com/connectorauth/connectorauth/internal/oauth1"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
)

var errNoOAuth1Consent = errors.New("connectorauth: only an OAuth1Config with the three URLs has a consent to begin and to finish")

// Begin starts the account owner's consent and asks the service for temporary
// credentials. Send the browser to authURL; the service will send the browser on
// to redirectURL. With "oob" as redirectURL, the service shows the owner a
// verifier instead. Keep pending where only that browser can bring it back, in an
// encrypted cookie or the session: pending contains a secret. [OAuth1.Finish]
// takes pending.
func (c *OAuth1) Begin(ctx context.Context, redirectURL string) (authURL string, pending Secret, err error) {
	return c.scheme().begin(ctx, redirectURL)
}

// ConsentLifetime returns how long the account owner may take from Begin to Finish. 0
// means ten minutes.
func (c *OAuth1) ConsentLifetime() time.Duration { return c.scheme().config.ConsentLifetime }

// Finish ends the consent that Begin started: it checks the query of the
// callback, exchanges the temporary credentials for a token and saves the token.
// An owner who was shown a verifier brings oauth_verifier alone. With "oob" and
// NoVerifier, the callback is empty once the owner has consented. The program asks the
// owner first: a Finish that comes before the consent is refused, and only a new Begin
// helps. pending is the value from Begin, which serves once and for ten minutes, or for
// ConsentLifetime. The token is saved even if ctx ends meanwhile. A verifier is sent
// once, and a consent stays open where nothing was sent: see [OAuth2.Finish].
//
// A refusal is a [*TokenError]; its Code is the service's oauth_problem, or
// access_denied. If the token was obtained but could not be saved, Finish returns
// an error, and the connector uses the token from memory while it tries to save
// the token.
func (c *OAuth1) Finish(ctx context.Context, pending Secret, callback url.Values) error {
	return c.scheme().finish(ctx, pending, callback)
}

// begin obtains temporary credentials (RFC 5849 section 2.1). Before revision A, the
// callback stood in the authorization URL; a service of revision A ignores it there.
func (s *oauth1Scheme) begin(ctx context.Context, redirectURL string) (authURL string, text Secret, err error) {
	if s.engine == nil {
		return "", "", errNoOAuth1Consent
	}
	if redirectURL != "oob" {
		if err := pending.CheckRedirect(redirectURL); err != nil {
			return "", "", err
		}
	}
	got, err := s.ask(ctx, s.config.RequestTokenURL, &oauth1Token{}, rfc5849.Param{Name: "oauth_callback", Value: redirectURL})
	if err != nil {
		return "", "", err
	}
	if confirmed := got.Get("oauth_callback_confirmed"); !s.config.NoVerifier && !isTrue(confirmed) {
		return "", "", errors.New("connectorauth: the service did not confirm the callback (RFC 5849 section 2.1)")
	}
	u, err := url.Parse(s.config.AuthorizeURL)
	if err != nil {
		return "", "", err
	}
	v := pending.Value{For: s.consentIdentity(), Redirect: redirectURL, State: got.Get("oauth_token"), Verifier: got.Get("oauth_token_secret"), Lifetime: s.config.ConsentLifetime}
	query := wire.AppendPair([]byte(u.RawQuery), "oauth_token", v.State)
	if s.config.NoVerifier && redirectURL != "oob" {
		query = wire.AppendPair(query, "oauth_callback", redirectURL)
	}
	u.RawQuery = spaced(string(query))
	return u.String(), Secret(v.Encode()), nil
}

// isTrue reports whether a service says yes. Some services write True.
func isTrue(s string) bool {
	yes, err := strconv.ParseBool(s)
	return err == nil && yes && len(s) == len("true")
}

// consentIdentity tells the consents of this connector from others.
func (s *oauth1Scheme) consentIdentity() string {
	c := &s.config
	return pending.Identity("oauth1", c.ClientID, c.RequestTokenURL, c.AuthorizeURL, c.AccessTokenURL, c.Account)
}

// finish checks the callback (section 2.2) and exchanges the temporary
// credentials for a token (section 2.3).
func (s *oauth1Scheme) finish(ctx context.Context, text Secret, callback url.Values) error {
	if s.engine == nil {
		return errNoOAuth1Consent
	}
	state := "oauth_token"
	if token, err := pending.AtMostOne(callback, state); token == "" && err == nil && callback.Get("denied") != "" { // as X and others refuse
		state = "denied"
	}
	shared := s.config.Shared.orProgram()
	return shared.consents.Finish(ctx, pending.Flow{
		Begin:     func() (func(), error) { return shared.group.Begin(s.config.Account) },
		Connector: s.consentIdentity(),
		State:     state,
		Stateless: func(v pending.Value) bool { return v.Redirect == "oob" },
		Refusal: func(callback url.Values) error {
			denied, err := pending.AtMostOne(callback, "denied")
			problem, repeated := pending.AtMostOne(callback, "oauth_problem")
			switch {
			case err != nil || repeated != nil:
				return cmp.Or(err, repeated)
			case denied != "" && denied == callback.Get(state):
				return &TokenError{Code: "access_denied", Account: s.config.Account, refused: true}
			case problem != "":
				return &TokenError{Code: scrub.Text(problem, 64), Account: s.config.Account, refused: true}
			}
			return nil
		},
		Code:     "oauth_verifier",
		Codeless: s.config.NoVerifier,
		Obtain: func(ctx context.Context, v pending.Value, verifier string) error {
			temporary := &oauth1Token{Token: v.State, Secret: v.Verifier}
			t, err := s.obtain(ctx, temporary, nil, rfc5849.Param{Name: "oauth_verifier", Value: verifier})
			switch {
			case err == nil:
				err = s.engine.Set(ctx, s, t)
				tellNotKept(ctx, s.config.Store, notKept(t.left, t.unread), s.Observe, t)
				return err
			case verdict(err).Unsent:
				return pending.Open(err)
			}
			return err
		},
		Store: s.config.Store,
	}, string(text), callback)
}
