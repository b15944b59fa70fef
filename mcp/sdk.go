package mcp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
	"golang.org/x/oauth2"
)

// TokenSource returns the account's token for one request, as the SDK's OAuthHandler does. The
// token is renewed first if the token has expired. nil means that the account needs a consent:
// the SDK then sends the request without a token, and calls [Account.Authorize] when the
// server refuses the request.
func (a *Account) TokenSource(ctx context.Context) (oauth2.TokenSource, error) {
	if a.config.OAuth2.Proof != nil {
		return nil, errors.New("connectorauth: mcp: an OAuthHandler sends Bearer tokens without a proof: give the SDK the client of connectorauth.NewClient as HTTPClient instead")
	}
	c, err := a.Connector(ctx)
	var t *oauth2.Token
	if err == nil {
		t, err = c.Token(ctx)
	}
	switch {
	case errors.Is(err, connectorauth.ErrNotConnected), errors.Is(err, connectorauth.ErrReauthRequired), missing(err):
		return nil, nil // missing: the challenge of the server may lead to the metadata
	case err != nil:
		return nil, err
	}
	return oauth2.StaticTokenSource(t), nil
}

// Authorize handles a refusal of the MCP server, as the SDK's OAuthHandler does: a response with
// status 401 or 403 to req. After nil, the SDK sends the request once more. Authorize closes
// the body of resp. Calls wait for each other, so a person sees one consent.
//
// After a 401, Authorize renews the token, unless the server names another authorization
// server, or has refused the renewed token too. Where that does not help, and after a 403 with
// insufficient_scope, Authorize calls Config.Consent. Scopes that a consent has asked for
// before are not asked for again: the error matches connectorauth.ErrReauthRequired. Another
// 403 is no matter of a consent, and Authorize returns nil.
func (a *Account) Authorize(ctx context.Context, req *http.Request, resp *http.Response) error {
	if resp.Body != nil {
		wire.Discard(resp)
	}
	if resp.StatusCode == http.StatusForbidden && challenge.Param(resp.Header, "error") != "insufficient_scope" {
		return nil
	}
	if err := a.own(resp); err != nil {
		return err
	}
	select {
	case a.one <- struct{}{}:
		defer func() { <-a.one }()
	case <-ctx.Done():
		return ctx.Err()
	}
	scheme, sent, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		sent = ""
	}
	if a.newer(ctx, sent) {
		return nil
	}
	values := bounded(resp.Header.Values("WWW-Authenticate"))
	r, _, err := a.load(ctx)
	if err != nil {
		return err
	}
	if !a.config.consents() {
		if err := a.remember(ctx, r, values); err != nil {
			return err
		}
		return a.obtain(ctx, sent)
	}
	f, err := a.find(ctx, r, values)
	if err != nil {
		return err
	}
	same := r.Present != nil && r.Present.Issuer == f.Issuer
	if resp.StatusCode == http.StatusUnauthorized {
		if same && sent != "" && a.renew(ctx, sent) {
			return nil
		}
	} else if same && len(union(r.Present.Scopes, f.Scopes)) == len(r.Present.Scopes) {
		return fmt.Errorf("%w: the server wants scopes that a consent has asked for already; account %q", connectorauth.ErrReauthRequired, a.config.OAuth2.Account)
	}
	if err := a.remember(ctx, r, values); err != nil {
		return err
	}
	if a.config.Consent == nil {
		return fmt.Errorf("%w: the server has refused the request; account %q", connectorauth.ErrReauthRequired, a.config.OAuth2.Account)
	}
	return a.config.Consent(ctx, a)
}

// own refuses the response of another host, to which a redirect has led: that host has no say in
// where the person signs in.
func (a *Account) own(resp *http.Response) error {
	if resp.Request == nil || resp.Request.URL == nil {
		return nil
	}
	u, _ := url.Parse(a.config.URL) // New has read the URL
	from := resp.Request.URL
	if origin.Same(from, u) {
		return nil
	}
	return fmt.Errorf("connectorauth: mcp: a redirect has led to %s, whose refusal is none of the server %s", scrub.Text(from.Scheme+"://"+from.Host, 200), a.origin())
}

// remember keeps the challenges of the server for the next Begin, in any process.
func (a *Account) remember(ctx context.Context, r record, values []string) error {
	if slices.Equal(r.Challenge, values) {
		return nil
	}
	return a.edit(ctx, func(r *record) { r.Challenge = values })
}

// newer reports whether the account has another token than the one that was sent.
func (a *Account) newer(ctx context.Context, sent string) bool {
	c, err := a.Connector(ctx)
	if err != nil {
		return false
	}
	t, err := c.Token(ctx)
	return err == nil && t.AccessToken != sent
}

// renew renews the token that was sent, unless the token is the result of a renewal here.
func (a *Account) renew(ctx context.Context, sent string) bool {
	a.mu.Lock()
	again := a.tried == pending.Identity(sent)
	a.mu.Unlock()
	c, err := a.Connector(ctx)
	if again || err != nil || c.Renew(ctx) != nil {
		return false
	}
	t, err := c.Token(ctx)
	if err != nil || t.AccessToken == sent {
		return false
	}
	a.mu.Lock()
	a.tried = pending.Identity(t.AccessToken) // not the token, which a print could show
	a.mu.Unlock()
	return true
}

// obtain obtains a token by a grant without a consent, in place of the one that was sent.
func (a *Account) obtain(ctx context.Context, sent string) error {
	a.know(nil)
	c, err := a.Connector(ctx)
	if err != nil {
		return err
	}
	if sent != "" {
		return c.Renew(ctx)
	}
	_, err = c.Token(ctx)
	return err
}

// bounded returns challenges to keep: not nil, and of 8 KiB at most.
func bounded(values []string) []string {
	kept, left := []string{}, maxChallenge
	for _, value := range values {
		if len(value) <= left {
			kept, left = append(kept, value), left-len(value)
		}
	}
	return kept
}
