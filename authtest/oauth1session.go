package authtest

import (
	"net/http"
	"time"
)

// A session renews access tokens by a session handle (OAuth Session extension).
type session struct {
	handle string
	ends   time.Time // zero means never
}

func (p *Provider) newSession() *session {
	s := &session{handle: newToken("session")}
	if p.config.OAuth1Session > 0 {
		s.ends = time.Now().Add(p.config.OAuth1Session)
	}
	return s
}

// joinSession adds a token to a session, and adds the session to the response.
// The caller holds p.mu.
func (p *Provider) joinSession(token string, s *session, response map[string]any) {
	t := p.oauth1.tokens[token]
	t.session, t.expires = s, time.Now().Add(p.config.OAuth1Lifetime)
	response["oauth_session_handle"] = s.handle
	response["oauth_expires_in"] = seconds(p.config.OAuth1Lifetime)
	if !s.ends.IsZero() {
		response["oauth_authorization_expires_in"] = seconds(time.Until(s.ends))
	}
}

// seconds returns d in seconds, rounded up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// renewOAuth1 replaces an access token of a session, even an expired token. The
// caller holds p.mu.
func (p *Provider) renewOAuth1(protocol map[string]string) (map[string]any, *refusal) {
	old := p.oauth1.tokens[protocol["oauth_token"]]
	handle, ok := protocol["oauth_session_handle"]
	switch {
	case !ok:
		return nil, absent("oauth_session_handle")
	case old.session == nil || !equal(handle, old.session.handle):
		return nil, oauth1Refusal(http.StatusUnauthorized, "token_rejected", "oauth_session_handle does not belong to oauth_token")
	case !old.session.ends.IsZero() && !time.Now().Before(old.session.ends):
		return nil, oauth1Refusal(http.StatusUnauthorized, "token_expired", "the session has ended: the account owner must authorize again")
	}
	delete(p.oauth1.tokens, protocol["oauth_token"])
	p.stats.AccessTokens++
	token, secret := p.oauth1.issue(old.user)
	response := map[string]any{"oauth_token": token, "oauth_token_secret": secret}
	p.joinSession(token, old.session, response)
	return response, nil
}
