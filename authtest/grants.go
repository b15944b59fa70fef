package authtest

import (
	"crypto/rand"
	"maps"
	"strings"
	"time"
)

// A grant is what the account owner allowed, or what the application may do for
// itself. Every token belongs to a grant. Revoking the grant ends all tokens of
// the grant.
type grant struct {
	kind    string // the grant_type with which the grant began
	user    string // "" for client_credentials
	client  string // an application that registered itself; "" is that of the Config
	scope   string
	revoked bool

	resources     []string  // of the consent (RFC 8707)
	acr           string    // acr_values of the consent: the account owner does as asked
	authenticated time.Time // when the account owner signed in; zero without a consent
}

// An authorization is a code and what the code stands for.
type authorization struct {
	*grant
	redirectURI string
	challenge   string // the S256 challenge of PKCE; empty if the application sent none
	expires     time.Time
	used        bool
	thumbprint  string // of the key to which the code is bound; or empty
}

type accessToken struct {
	*grant
	scope      string // may be less than the scope of the grant
	expires    time.Time
	thumbprint string // of the key to which the token is bound; or empty
}

type refreshToken struct {
	*grant
	used       bool   // replaced by a newer refresh token
	thumbprint string // of the key to which the token is bound; or empty
}

// oauth2State is the state of the OAuth2 endpoints. Provider.mu guards
// oauth2State. Callers of methods hold Provider.mu.
type oauth2State struct {
	codes   map[string]*authorization
	access  map[string]*accessToken
	refresh map[string]*refreshToken

	clients    map[string]*registeredClient // by client_id
	pushed     map[string]*pushedRequest    // by request_uri
	devices    map[string]*device           // by device_code
	assertions map[string]time.Time         // the identifiers of assertions that were used, and when they are forgotten
	signer     *signer                      // signs access tokens; nil means that they are random texts
}

func newOAuth2State() oauth2State {
	return oauth2State{
		codes:   map[string]*authorization{},
		access:  map[string]*accessToken{},
		refresh: map[string]*refreshToken{},

		clients:    map[string]*registeredClient{},
		pushed:     map[string]*pushedRequest{},
		devices:    map[string]*device{},
		assertions: map[string]time.Time{},
	}
}

// newToken returns a random token that begins with prefix. The prefix shows the
// kind of token.
func newToken(prefix string) string { return prefix + "-" + rand.Text() }

// issue adds an access token to a grant. With withRefresh, issue also adds a
// refresh token; otherwise refresh is empty.
func (s *oauth2State) issue(g *grant, scope string, lifetime time.Duration, withRefresh bool) (access, refresh string) {
	access = newToken("access")
	now := time.Now()
	if s.signer != nil {
		access = s.signer.sign(g.user, scope, now, now.Add(lifetime))
	}
	s.access[access] = &accessToken{grant: g, scope: scope, expires: now.Add(lifetime)}
	if withRefresh {
		refresh = newToken("refresh")
		s.refresh[refresh] = &refreshToken{grant: g}
	}
	return access, refresh
}

// grants returns the grants of all codes and tokens. A grant may appear more
// than once.
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

// revoke ends a grant. The caller holds p.mu.
func (p *Provider) revoke(g *grant) {
	if !g.revoked {
		g.revoked = true
		p.stats.RevokedGrants++
	}
}

// IssueTokens returns OAuth2 tokens as after a consent to scope, without any
// request. [Stats] does not count these tokens.
func (p *Provider) IssueTokens(scope string) (access, refresh string) {
	return p.IssueTokensAs(p.Username, scope)
}

// IssueTokensAs does the same as [Provider.IssueTokens], for another account owner.
func (p *Provider) IssueTokensAs(username, scope string) (access, refresh string) {
	owner := p.mustOwner(username)
	p.mu.Lock()
	defer p.mu.Unlock()
	g := &grant{kind: "authorization_code", user: owner.Username, scope: scope}
	return p.oauth2.issue(g, scope, p.config.TokenLifetime, true)
}

// ExpireAccessTokens makes every access token issued so far expire now, before
// the end in expires_in. This concerns all OAuth2 access tokens, and the OAuth1
// access tokens that a session handle can renew.
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

// RevokeAccessTokens revokes all access tokens issued so far, of OAuth2 and
// OAuth1. Refresh tokens stay valid.
func (p *Provider) RevokeAccessTokens() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.oauth2.access)
	clear(p.oauth1.tokens)
}

// RevokeGrants revokes all codes, access tokens and refresh tokens issued so
// far, as when the account owner disconnects the application. The response to a
// refresh is then invalid_grant. OAuth1 tokens are revoked too. The application
// may ask for new grants.
func (p *Provider) RevokeGrants() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.oauth2.grants() {
		p.revoke(g)
	}
	clear(p.oauth1.tokens)
}

// RevokeGrantsOf revokes what [Provider.RevokeGrants] revokes, of a single account owner.
func (p *Provider) RevokeGrantsOf(username string) {
	owner := p.mustOwner(username)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.oauth2.grants() {
		if g.user == owner.Username {
			p.revoke(g)
		}
	}
	maps.DeleteFunc(p.oauth1.tokens, func(_ string, t *tokenCredentials) bool { return t.user == owner.Username })
}

// hasScopes reports whether have contains every scope of want.
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
