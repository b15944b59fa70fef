package connectorauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dghubble/oauth1"
)

var errIssued = errors.New("connectorauth: only an OAuth1Config with the three URLs keeps a token; without the URLs, Token and TokenSecret are in the config")

// AddToken makes t, which the service has issued elsewhere, the account's token and saves
// it, if the account has no token. Otherwise AddToken changes nothing, and added is false:
// see [OAuth2.AddToken]. A config without the three URLs has its token in Token and
// TokenSecret, and AddToken is an error.
func (c *OAuth1) AddToken(ctx context.Context, t *oauth1.Token) (added bool, err error) {
	s := c.scheme()
	if s.engine == nil {
		return false, errIssued
	}
	if t == nil || t.Token == "" {
		return false, errors.New("connectorauth: AddToken: the token is empty")
	}
	if _, err := s.newSigner(t.Token, t.TokenSecret); err != nil {
		return false, fmt.Errorf("connectorauth: AddToken: %w", withhold(err, t.TokenSecret))
	}
	if added, err = s.engine.Add(ctx, s, &oauth1Token{Token: t.Token, Secret: t.TokenSecret, Issued: time.Now()}); err != nil {
		return false, fmt.Errorf("connectorauth: AddToken: %w", err)
	}
	return added, nil
}

// HandOver gives the account's token to save, and then forgets the token: see
// [OAuth2.HandOver]. A session handle, which dghubble/oauth1 does not know, is not handed
// over; [OAuth1.Extra] has the handle. A config without the three URLs has nothing to hand
// over, which is an error.
func (c *OAuth1) HandOver(ctx context.Context, save func(context.Context, *oauth1.Token) error) error {
	s := c.scheme()
	if s.engine == nil {
		return errIssued
	}
	called := false
	err := s.engine.Forget(ctx, s, func(ctx context.Context, t *oauth1Token) error {
		called = true
		return save(ctx, oauth1.NewToken(t.Token, t.Secret))
	})
	if err == nil && !called {
		return s.subject(s.config.AccessTokenURL).name(ErrNotConnected)
	}
	return err
}
