package authtest

import (
	"crypto/rand"
	"strings"
	"time"
)

// A grant is what the account owner, or the application for itself, allowed
// once. Every token descends from one: revoking it ends the whole family.
type grant struct {
	kind    string // the grant_type that began it
	user    string // "" for client_credentials
	scope   string
	revoked bool
}

// An authorization is what a code stands for.
type authorization struct {
	*grant
	redirectURI string
	challenge   string // PKCE S256, "" when the application sent none
	expires     time.Time
	used        bool
}

type accessToken struct {
	*grant
	scope   string // may be less than the grant's
	expires time.Time
}

type refreshToken struct {
	*grant
	used bool // replaced by a newer one
}

// oauth2State is guarded by Provider.mu, as are all its methods.
type oauth2State struct {
	codes   map[string]*authorization
	access  map[string]*accessToken
	refresh map[string]*refreshToken
}

func newOAuth2State() oauth2State {
	return oauth2State{
		codes:   map[string]*authorization{},
		access:  map[string]*accessToken{},
		refresh: map[string]*refreshToken{},
	}
}

// newToken returns an unguessable token whose prefix tells what it is.
func newToken(prefix string) string { return prefix + "-" + rand.Text() }

// issue adds an access token to a grant and, if asked, a refresh token ("" if not).
func (s *oauth2State) issue(g *grant, scope string, lifetime time.Duration, withRefresh bool) (access, refresh string) {
	access = newToken("access")
	s.access[access] = &accessToken{grant: g, scope: scope, expires: time.Now().Add(lifetime)}
	if withRefresh {
		refresh = newToken("refresh")
		s.refresh[refresh] = &refreshToken{grant: g}
	}
	return access, refresh
}

// grants returns every grant that a code or token descends from, with repeats.
func (s *oauth2State) grants() (all []*grant) {
	for _, t := range s.codes {
		all = append(all, t.grant)
	}
	for _, t := range s.access {
		all = append(all, t.grant)
	}
	for _, t := range s.refresh {
		all = append(all, t.grant)
	}
	return all
}

// revoke ends a grant; p.mu is held.
func (p *Provider) revoke(g *grant) {
	if !g.revoked {
		g.revoked = true
		p.stats.RevokedGrants++
	}
}

// IssueTokens returns OAuth2 tokens as if the account owner had consented to
// the scope, without any request. It does not count as issued in [Stats].
func (p *Provider) IssueTokens(scope string) (access, refresh string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := &grant{kind: "authorization_code", user: p.Username, scope: scope}
	return p.oauth2.issue(g, scope, p.config.TokenLifetime, true)
}

// ExpireAccessTokens lets every access token issued so far expire now, before
// the time that its expires_in promised: OAuth2's, and OAuth1's that have a
// session to be renewed by.
func (p *Provider) ExpireAccessTokens() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, t := range p.oauth2.access {
		t.expires = now
	}
	for _, t := range p.oauth1.tokens {
		t.expires = now
	}
}

// RevokeAccessTokens forgets every access token issued so far, OAuth2's and
// OAuth1's. Refresh tokens stay valid.
func (p *Provider) RevokeAccessTokens() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.oauth2.access)
	clear(p.oauth1.tokens)
}

// RevokeGrants does what happens when the account owner disconnects the
// application: every code, access and refresh token issued so far is dead, and
// a refresh answers invalid_grant. OAuth1 tokens are dead too. The application
// may still ask for new grants.
func (p *Provider) RevokeGrants() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.oauth2.grants() {
		p.revoke(g)
	}
	clear(p.oauth1.tokens)
}

// hasScopes reports whether every word of want is one of have.
func hasScopes(have, want string) bool {
	held := map[string]bool{}
	for _, s := range strings.Fields(have) {
		held[s] = true
	}
	for _, s := range strings.Fields(want) {
		if !held[s] {
			return false
		}
	}
	return true
}
