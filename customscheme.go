package connectorauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// customScheme authenticates by the places and functions of a config.
type customScheme struct {
	constant
	config CustomConfig
	placed []customPlace
	login  *renew.Login                // nil without Login
	engine *renew.Reader[customRecord] // nil without Obtain
}

func (s *customScheme) transport() http.RoundTripper { return s.config.Transport }

func (s *customScheme) authenticate(req *http.Request, room room) (credential, error) {
	sent := &customCredential{s: s, out: req}
	if s.engine != nil {
		g, err := s.engine.Get(req.Context(), s)
		if err == nil && s.config.Idle > 0 {
			g, err = s.awake(req.Context(), g)
		}
		if err != nil {
			return nil, err
		}
		sent.from, sent.value = g, g.Value.credential()
	}
	var err error
	if sent.placed, err = s.values(req.Context(), sent.value); err != nil && sent.from != nil && !sent.from.Value.mine {
		// A program with another config has stored the credential.
		if sent.from, err = s.engine.Replace(req.Context(), s, sent.from); err == nil {
			sent.value = sent.from.Value.credential()
			sent.placed, err = s.values(req.Context(), sent.value)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := s.put(req, sent.placed, room.Room); err != nil {
		return nil, err
	}
	if s.config.Authenticate == nil {
		return sent, nil
	}
	host := req.URL.Host
	if s.config.Header != "" {
		dropHeader(req.Header, req.Header, s.config.Header)
	}
	if err := foreign("Authenticate", func() error { return s.config.Authenticate(req, sent.value) }); err != nil {
		return nil, withhold(err, sent.secrets()...)
	}
	if err := complete(req, host); err != nil {
		return nil, err
	}
	return sent, nil
}

// awake returns g, or the generation that follows g if no request has used g for too
// long.
func (s *customScheme) awake(ctx context.Context, g *renew.Generation[customRecord]) (*renew.Generation[customRecord], error) {
	last := g.Value.Issued
	if used := g.Value.used.Load(); used != nil {
		last = *used
	}
	if time.Since(last) > s.config.Idle {
		var err error
		if g, err = s.engine.Replace(ctx, s, g); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	g.Value.used.Store(&now)
	return g, nil
}

// customCredential is what one request carries.
type customCredential struct {
	s         *customScheme
	from      *renew.Generation[customRecord] // nil without Obtain
	value     CustomCredential
	placed    []string       // the values of the places
	out       *http.Request  // the request with the credential
	response  *http.Response // the last response, for Challenge
	rejection *http.Response // what rejected the credential, without a body
	first     bool           // the API has not accepted the credential before
}

func (c *customCredential) auth(int) Secret {
	if len(c.placed) > 0 {
		return Secret(c.placed[0])
	}
	return c.value.Value
}

// secrets returns what no error may quote.
func (c *customCredential) secrets() []string { return append(c.value.secrets(), c.placed...) }

func (c *customCredential) rejected(resp *http.Response) bool {
	if c.from == nil && c.s.config.Challenge == nil {
		return false
	}
	c.response = resp
	rejected := resp.StatusCode == http.StatusUnauthorized
	if c.s.config.Rejected != nil {
		seen := c.seen(resp)
		rejected = false
		foreign("Rejected", func() error { rejected = c.s.config.Rejected(seen); return nil })
	}
	if !rejected && len(c.s.config.Rejections) > 0 {
		rejected = challenge.Rejects(c.s.config.Rejections, resp)
	}
	if !rejected && resp.StatusCode/100 == 2 && c.from != nil {
		c.first = c.from.Value.good.CompareAndSwap(false, true)
	}
	if rejected {
		c.rejection = c.seen(resp)
	}
	return rejected
}

// noteRejection notes that the API has rejected the credential. A hook may have found the
// rejection in a response of success.
func (c *customCredential) noteRejection() {
	if c.first {
		c.from.Value.good.Store(false)
	}
	c.from.Value.bad.Store(true)
}

// seen returns a copy of resp, with the request as it was sent.
func (c *customCredential) seen(resp *http.Response) *http.Response {
	sent := *resp
	sent.Request = c.out
	return withoutBody(&sent)
}

// challenged calls Challenge.
func (c *customCredential) challenged(ctx context.Context) error {
	return foreign("Challenge", func() error { return c.s.config.Challenge(ctx, c.seen(c.response)) }, c.secrets()...)
}

func (c *customCredential) replace(ctx context.Context) error {
	if c.s.config.Challenge != nil {
		return c.challenged(ctx)
	}
	if c.from == nil {
		return errNotRenewable
	}
	c.noteRejection()
	_, err := c.s.engine.Replace(ctx, customRenewal{c.s, c.rejection}, c.from)
	return err
}

func (c *customCredential) replaceLater(ctx context.Context) error {
	if c.s.config.Challenge != nil {
		return c.challenged(ctx)
	}
	if c.from == nil {
		return errNotRenewable
	}
	c.noteRejection()
	return c.s.engine.ReplaceLater(ctx, customRenewal{c.s, c.rejection}, c.from)
}

func (c *customCredential) rejectedAgain() error {
	if c.from == nil || c.s.config.Challenge != nil {
		return nil
	}
	c.noteRejection()
	if c.s.login != nil && c.from.Value.inVain() > maxVain {
		c.s.engine.GiveUp(context.Background(), customRenewal{c.s, c.rejection}, c.from) // for other processes too
	}
	return c.s.engine.RejectedAgain(c.from)
}

// customRenewal is a customScheme that renews after a rejection.
type customRenewal struct {
	*customScheme
	rejection *http.Response
}

// Renew obtains the credential that follows old, after a rejection.
func (r customRenewal) Renew(ctx context.Context, old *customRecord) (*customRecord, error) {
	return r.obtain(ctx, old, r.rejection)
}

// Renew obtains the credential that follows old. Renew implements renew.Scheme.
func (s *customScheme) Renew(ctx context.Context, old *customRecord) (*customRecord, error) {
	return s.obtain(ctx, old, nil)
}

func (s *customScheme) obtain(ctx context.Context, old *customRecord, rejection *http.Response) (*customRecord, error) {
	issued := time.Now()
	vain := old.inVain()
	if s.login != nil && vain > maxVain && time.Since(old.Issued) < vainFor(vain) {
		return nil, s.subject().name(errVain)
	}
	var value, former CustomCredential
	if s.login == nil || vain == 0 {
		former = old.credential() // what was of no use is no beginning of a good one
	}
	err := foreign("Obtain", func() (err error) {
		value, err = s.config.Obtain(endpoint.Untraced(ctx), former, rejection)
		return err
	}, s.Secrets(old)...)
	if err == nil && !value.Expiry.IsZero() && !value.Expiry.After(issued) {
		err = errors.New("connectorauth: Obtain returned a credential that has expired")
	}
	if err == nil && s.config.Store != nil && slices.ContainsFunc(value.secrets(), func(text string) bool { return !utf8.ValidString(text) }) {
		err = errors.New("connectorauth: Obtain returned a value that is not valid UTF-8, of which Store would keep another text")
	}
	if err == nil {
		_, err = s.values(ctx, value)
	}
	if err != nil {
		return nil, s.subject().name(withhold(err, value.secrets()...))
	}
	r := &customRecord{Value: string(value.Value), Issued: issued, Expiry: value.Expiry, Vain: vain, mine: true, note: withhold(value.Note, value.secrets()...)}
	if len(value.More) > 0 {
		r.More = make(map[string]string, len(value.More))
	}
	for name, more := range value.More {
		r.More[name] = string(more)
	}
	return r, nil
}

// revoke ends and forgets the credential.
func (s *customScheme) revoke(ctx context.Context) error {
	var failed error
	err := s.engine.Forget(ctx, s, func(ctx context.Context, r *customRecord) error {
		failed = foreign("Revoke", func() error { return s.config.Revoke(endpoint.Untraced(ctx), r.credential()) }, r.credential().secrets()...)
		return nil // what cannot be ended at the service is forgotten too
	})
	if err != nil {
		return err // Revoke may not have returned
	}
	return failed
}

// subject returns what Obtain is about. A TokenError names its endpoint by itself.
func (s *customScheme) subject() subject { return subject{account: s.config.Account} }

// Verdict tells the engine what an error of Obtain means. Without Login, the verdict is
// never Dead: Obtain alone knows when the account owner has been back, and must be asked
// again. With Login, the record tells, and so does another Login.
func (s *customScheme) Verdict(err error) renew.Verdict {
	v := verdict(err)
	if v.Kind == renew.Dead {
		if v.Code != codeNotConnected {
			if v.Code = codeReauth; s.login != nil {
				v.Retry = true
				return v
			}
		}
		v.Kind, v.After, v.Own = renew.Temporary, max(v.After, time.Minute), true
	}
	return v
}

// Identity names the account, and where the credential comes from.
func (s *customScheme) Identity() string {
	name := "a Custom connector"
	if s.config.Identity != "" {
		name = fmt.Sprintf("%s for %q", name, s.config.Identity)
	}
	if u, err := url.Parse(s.config.Endpoint); err == nil && u.Host != "" {
		name += " at " + u.Scheme + "://" + u.Host
	}
	return name
}

// Login tells whether what the account owner has given has changed.
func (s *customScheme) Login(stored string) (string, bool) { return s.login.Match(stored) }

// Endpoint names the place of Obtain's requests, if the config names the place.
func (s *customScheme) Endpoint() renew.Endpoint {
	if s.config.Endpoint == "" {
		return renew.Endpoint{}
	}
	return s.config.Shared.orProgram().endpoint(s.config.Endpoint, "")
}

// Alone returns true: Obtain starts without a credential.
func (*customScheme) Alone() bool { return true }

// SingleUse returns false: nobody knows what Obtain sends.
func (*customScheme) SingleUse(*customRecord) bool { return false }

// Rotated returns false.
func (*customScheme) Rotated(_, _ *customRecord) bool { return false }

// Restore returns the error of an earlier call of Obtain.
func (s *customScheme) Restore(_ *customRecord, code string, dead bool, after time.Duration) error {
	about := subject{s.config.Account, s.config.Endpoint}
	if code == codeReauth && s.login != nil {
		return about.name(fmt.Errorf("%w: the service refused what the account owner has given; the next attempt is made in %v at the earliest, and with other credentials at once",
			ErrReauthRequired, after.Round(time.Second)))
	}
	return about.restored(code, dead, after)
}

// Secrets returns what no error may quote.
func (*customScheme) Secrets(r *customRecord) []string {
	return scrub.Spellings(r.credential().secrets()...)
}

// Lead returns how long before its expiry a credential is renewed.
func (s *customScheme) Lead() time.Duration { return s.config.RenewBefore }

// Expiry returns the times of a credential's life.
func (*customScheme) Expiry(r *customRecord) (issued, expiry time.Time) { return r.Issued, r.Expiry }

// Observe tells the program what happened.
func (s *customScheme) Observe(e renew.Event[customRecord]) {
	if s.config.Observe != nil {
		if e.Value != nil && (e.Happened == renew.Renewed || e.Happened == renew.Saved) {
			e.Err = cmp.Or(e.Err, e.Value.note)
		}
		s.config.Observe(newEvent(e, s.config.Account, s.Endpoint(), e.Value.credential().Expiry))
	}
}
