package connectorauth

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strconv"

	rfc5849 "github.com/connectorauth/connectorauth/internal/oauth1"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
)

var errNoHandshake = errors.New("connectorauth: only an OAuth1Config with the three URLs has a consent to begin and to finish")

// begin obtains temporary credentials (RFC 5849 section 2.1).
func (s *oauth1Scheme) begin(ctx context.Context, redirectURL string) (authURL string, text Secret, err error) {
	if s.engine == nil {
		return "", "", errNoHandshake
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
	if confirmed := got.Get("oauth_callback_confirmed"); !isTrue(confirmed) {
		return "", "", errors.New("connectorauth: the service did not confirm the callback (RFC 5849 section 2.1)")
	}
	u, err := url.Parse(s.config.AuthorizeURL)
	if err != nil {
		return "", "", err
	}
	v := pending.Value{For: s.consentIdentity(), Redirect: redirectURL, State: got.Get("oauth_token"), Verifier: got.Get("oauth_token_secret"), Lifetime: s.config.ConsentLifetime}
	u.RawQuery = spaced(string(wire.AppendPair([]byte(u.RawQuery), "oauth_token", v.State)))
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
		return errNoHandshake
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
		Code: "oauth_verifier",
		Obtain: func(ctx context.Context, v pending.Value, verifier string) error {
			temporary := &oauth1Token{Token: v.State, Secret: v.Verifier}
			t, err := s.obtain(ctx, temporary, nil, rfc5849.Param{Name: "oauth_verifier", Value: verifier})
			switch {
			case err == nil:
				err = s.engine.Set(ctx, s, t)
				if s.config.Store == nil && notKept(t.left, t.unread) != nil { // no EventSaved can tell
					foreign("Observe", func() error { s.Observe(renew.Event[oauth1Token]{Happened: renew.Renewed, Value: t}); return nil })
				}
				return err
			case verdict(err).Unsent:
				return pending.Open(err)
			}
			return err
		},
		Store: s.config.Store,
	}, string(text), callback)
}
