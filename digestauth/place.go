package digestauth

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/wire"
)

const (
	patience   = 10 * time.Second // how long a request that tries the password may take
	firstPause = time.Hour        // after the first refusal of a password
	briefPause = time.Minute      // the same for a password that was accepted before
	maxPause   = 24 * time.Hour   // the longest pause
	maxTries   = 3                // how many requests carry a password that nobody has accepted
)

// place is what is known of one origin.
type place struct {
	login    login
	origin   *url.URL
	offer    *offer // the challenge; nil if there is none yet
	count    uint32 // of the requests with the nonce of offer
	accepted bool   // a response has accepted the nonce of offer
	failed   error  // why the last status 401 gave nothing to answer

	good  bool          // the last that is known of the password: accepted
	known bool          // the password was accepted at some time
	tries int           // responses with status 401 to credentials, since the password was good
	until time.Time     // no request carries a refused password before this time
	pause time.Duration // the last pause; 0 without a refusal
	trial chan struct{} // is closed at the end of the request that tries the password; nil if there is none
	ends  time.Time     // when trial is given up
}

// enter lets a request with credentials pass. While another request tries the
// password, enter returns what ends with the trial.
func (p *place) enter() (tried <-chan struct{}, err error) {
	now := time.Now()
	if !p.good {
		if r := p.login.refused(); r.until.After(p.until) { // by another connector
			p.until, p.pause = r.until, r.pause
			p.fail()
		}
	}
	switch {
	case p.until.After(now):
		return nil, fmt.Errorf("%w; the next attempt is made in %v at the earliest", p.failed, p.until.Sub(now).Round(time.Second))
	case p.good || p.offer == nil:
		return nil, nil
	case p.trial != nil && p.ends.After(now):
		return p.trial, nil
	}
	p.settle()
	p.trial, p.ends = make(chan struct{}), now.Add(patience)
	return nil, nil
}

// settle ends the trial of the password.
func (p *place) settle() {
	if p.trial != nil {
		close(p.trial)
		p.trial = nil
	}
}

// wait waits for the end of a trial, at most for patience.
func wait(ctx context.Context, tried <-chan struct{}) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-tried:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// learn takes from resp what resp says of the challenge and of the password. nonce is
// that of the request; empty without credentials. A response to an older nonce, or
// from before a refusal, says nothing. learn returns the refusal of the password, or nil.
func (p *place) learn(nonce string, resp *http.Response, allowMD5 bool) (refusal error) {
	if p.offer == nil && nonce != "" || p.offer != nil && nonce != p.offer.nonce || p.until.After(time.Now()) {
		return nil
	}
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized:
		refusal = p.challenged(resp.Header, allowMD5)
	case nonce == "" || status >= 500 || status == http.StatusProxyAuthRequired || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		// Nobody has looked at the password.
	default:
		if !p.good {
			p.login.forget()
		}
		p.good, p.known, p.accepted, p.tries, p.pause, p.failed = true, true, true, 0, 0, nil
		p.follow(resp.Header)
	}
	p.settle()
	return refusal
}

// challenged takes the challenge of a status 401, and decides whether the response
// refuses the password. A nonce that was accepted before may have ended, even if the
// server does not say so. A realm that changes, and a nonce that is stale, are no
// refusal, but not time after time while nobody has accepted the password.
func (p *place) challenged(h http.Header, allowMD5 bool) (refusal error) {
	next, err := choose(challenge.Parse(h["Www-Authenticate"]), allowMD5)
	if p.offer != nil && !p.good {
		p.tries++
	}
	if p.offer != nil && !p.accepted && (err != nil || next.realm == p.offer.realm && !next.stale) || p.tries >= maxTries {
		p.refuse()
		return p.failed
	}
	if p.offer != nil && (err != nil || !next.stale) {
		p.good, p.accepted = false, false
	}
	if err != nil {
		p.failed = fmt.Errorf("digestauth: %s: %w", p.origin, err)
		return nil
	}
	p.offer, p.count, p.accepted, p.failed = next, 0, false, nil
	return nil
}

// refuse starts a pause. The challenge is given up, so the next try begins with
// a challenge that is not stale.
func (p *place) refuse() {
	pause := firstPause
	if p.known {
		pause = briefPause
	}
	p.pause = min(max(2*p.pause, pause), maxPause)
	p.until = time.Now().Add(p.pause)
	p.login.refuse(refusal{p.until, p.pause})
	p.fail()
}

// fail gives up the challenge of a refused password.
func (p *place) fail() {
	p.good, p.offer, p.tries = false, nil, 0
	p.failed = fmt.Errorf("digestauth: %w: %s refuses user name or password", connectorauth.ErrReauthRequired, p.origin)
}

// follow takes the next nonce of an Authentication-Info header (RFC 7616 section 3.5).
func (p *place) follow(h http.Header) {
	for _, info := range challenge.Parse(h["Authentication-Info"]) {
		if next := info.Params["nextnonce"]; next != "" && len(next) <= maxLength && !wire.HasControl(next) && next != p.offer.nonce {
			p.offer.nonce, p.count = next, 0
		}
	}
}
