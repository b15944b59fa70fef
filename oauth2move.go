package connectorauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// SetToken makes t the account's token, saves t, and replaces any other token. To move
// accounts in from elsewhere, use [OAuth2.AddToken], which replaces no token.
//
// t needs an access token, or a refresh token for a renewal at once. If Expiry is zero, a
// positive ExpiresIn counts from now, in seconds. If both are zero, the token is valid until
// the API rejects the token. Package oauth2 cannot list the extra values of t, so extra names
// the values to keep, such as "instance_url"; a name without a value is ignored. The extra
// value "scope" tells Status what was granted, and needs no name.
//
// A Proof may have a key for each account. The key of t stayed elsewhere, so no request can
// carry the access token of t. Then t needs a refresh token, which is used at once, with a
// new key; providers accept another key from a client that authenticates (RFC 9449 section
// 5). A Bearer token is accepted where the Proof accepts Bearer tokens.
//
// Where the dialect has Regions, t names the region as the provider does, by an extra
// value under the name of Regions.Callback or Regions.Response:
// t.WithExtra(map[string]any{"location": "eu"}). A path in Regions.Response also leads
// into nested values, as in a token response. A t without a region belongs to the region of
// TokenURL. A region that the dialect does not list is an error.
func (c *OAuth2) SetToken(ctx context.Context, t *oauth2.Token, extra ...string) error {
	s := c.scheme()
	value, err := s.imported(t, extra)
	if err != nil {
		return fmt.Errorf("connectorauth: SetToken: %w", err)
	}
	return s.engine.Set(ctx, s, value)
}

// AddToken is SetToken for an account without a token. If the account has a token, AddToken
// changes nothing, and added is false: the account's token may be a renewal of t, and t then
// is no longer good. So a program may call AddToken with the old token at each start, and from
// many processes at once: a single process adds the token. With a TokenStore that is no
// SharedTokenStore, a single connector of each [Shared] adds the token.
//
// An account that needs its owner again (ErrReauthRequired) has a token, and does not change.
// Forget removes the token, and a later AddToken would add t again: delete t too. A record
// that nobody can read, and the record of another client, are errors. After an error, nothing
// was added, as far as anybody knows, and AddToken may be called again. The Store is given 15
// seconds.
func (c *OAuth2) AddToken(ctx context.Context, t *oauth2.Token, extra ...string) (added bool, err error) {
	s := c.scheme()
	value, err := s.imported(t, extra)
	if err != nil {
		return false, fmt.Errorf("connectorauth: AddToken: %w", err)
	}
	if added, err = s.engine.Add(ctx, s, value); err != nil {
		return false, fmt.Errorf("connectorauth: AddToken: %w", err)
	}
	return added, nil
}

// HandOver moves an account to another program: HandOver gives the account's token to save,
// with the refresh token and all extra values, and then forgets the token as [OAuth2.Forget]
// does. Nobody renews the token meanwhile, and HandOver has 90 seconds for all steps. After an
// error of save, nothing is forgotten. If save has returned nil and HandOver returns an error,
// or the program is killed, the token may be in both places: the Store has failed, or another
// process has stored another token meanwhile, which stays. Then call HandOver again, with a
// save that keeps the newer of two tokens. If ctx ends, HandOver goes on and returns the error
// of ctx. Without a token, HandOver returns ErrNotConnected and does not call save.
//
// The key of a bound token (Proof) is not handed over: see SetToken.
func (c *OAuth2) HandOver(ctx context.Context, save func(context.Context, *oauth2.Token) error) error {
	s := c.scheme()
	called := false
	err := s.engine.Forget(ctx, s, func(ctx context.Context, t *token) error {
		called = true
		whole := t.public()
		whole.RefreshToken = t.Refresh
		return save(ctx, whole)
	})
	if err == nil && !called {
		return s.subject(s.tokenURL).name(ErrNotConnected)
	}
	return err
}

// imported returns the token that SetToken and AddToken put into the Store.
func (s *oauth2Scheme) imported(t *oauth2.Token, extra []string) (*token, error) {
	if t == nil || t.AccessToken == "" && t.RefreshToken == "" {
		return nil, errors.New("the token has neither an access token nor a refresh token")
	}
	value := &token{Access: t.AccessToken, Refresh: t.RefreshToken, Issued: time.Now(), Expiry: t.Expiry}
	var err error
	if value.Region, err = s.importedRegion(t); err != nil {
		return nil, err
	}
	if t.Expiry.IsZero() && t.ExpiresIn > 0 {
		value.Expiry = value.Issued.Add(time.Duration(min(t.ExpiresIn, int64(endpoint.MaxLifetime/time.Second))) * time.Second)
	}
	value.Scope, _ = t.Extra("scope").(string)
	kept := make(map[string]any, len(extra))
	for _, name := range extra {
		if v := t.Extra(name); v != nil && name != "scope" {
			kept[name] = wire.CloneJSON(v)
		}
	}
	value.Extra, value.left = mergeExtra(nil, kept, nil)
	if t.AccessToken != "" {
		if err = s.bindForeign(value, t.TokenType); err != nil && (s.proof == nil || t.RefreshToken == "") {
			return nil, err
		}
	}
	if t.AccessToken == "" || err != nil { // nothing to send: renew the token first
		value.Access, value.Bound, value.Expiry = "", nil, value.Issued
	}
	return value, nil
}

// public returns t without its refresh token.
func (t *token) public() *oauth2.Token {
	extra := make(map[string]any, len(t.Extra)+1)
	for name, value := range t.Extra {
		extra[name] = wire.CloneJSON(value)
	}
	if t.Scope != "" {
		extra["scope"] = t.Scope
	}
	return (&oauth2.Token{AccessToken: t.Access, TokenType: t.kind(), Expiry: t.Expiry.Round(0)}).WithExtra(extra)
}
