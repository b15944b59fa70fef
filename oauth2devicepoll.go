package connectorauth

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/poll"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// FinishDevice waits until the account owner has decided, and saves the token. FinishDevice
// polls as [OAuth2.PollDevice] does. If ctx ends first, the same pending serves again.
func (c *OAuth2) FinishDevice(ctx context.Context, pending Secret) error {
	return poll.Paced(ctx, func() (bool, time.Duration, error) {
		p, err := c.PollDevice(ctx, pending)
		pending = p.Pending
		return p.Done, p.Wait, err
	})
}

// PollDevice asks the provider once whether the account owner has decided (RFC 8628 section
// 3.4), and saves the token. A call before the time of the next poll sends nothing. The
// provider's slow_down makes polls five seconds slower for good, and a request without a
// usable response doubles the pause, up to a minute. The token is saved even if ctx ends
// meanwhile. held is the pending value of [OAuth2.BeginDevice] at first, and then that of the
// last [DevicePoll].
//
// Several processes may poll with the same pending value, as after a restart that overlaps. With
// a [SharedTokenStore], one process polls at a time, and a code that has obtained the
// account's token is not sent again: PollDevice is Done in all of them. If the Store cannot
// lock the account, nothing is sent, and the error has a method Temporary() bool that
// returns true: held serves again. With another TokenStore, two polls at the
// same time both reach the provider, who refuses one.
//
// The account owner's refusal and the end of the code are a [*TokenError] with the Code
// access_denied or expired_token: begin again.
func (c *OAuth2) PollDevice(ctx context.Context, held Secret) (DevicePoll, error) {
	s := c.scheme()
	d, err := s.devicePending(held)
	if err != nil {
		return DevicePoll{}, err
	}
	d.Interval = max(min(d.Interval, maxInterval), time.Second)
	if !time.Now().Before(d.Expires) {
		e := &TokenError{Code: "expired_token", Description: "the account owner took too long; begin again", Account: s.engine.Key(), refused: true}
		if d.Failed != "" {
			e.Description = "begin again; the last request failed: " + scrub.Text(d.Failed, 200)
		}
		return DevicePoll{}, e
	}
	if wait := time.Until(d.Next); wait > 0 && wait <= maxInterval {
		return d.later(), nil
	}
	if err := ctx.Err(); err != nil {
		return DevicePoll{}, err
	}
	end, err := s.shared.group.Begin(s.engine.Key())
	if err != nil {
		return DevicePoll{}, pending.Open(err)
	}
	err = pending.Detached(ctx, func(ctx context.Context) error {
		defer end()
		return s.obtainDeviceOnce(ctx, d)
	})
	var failed *TokenError
	switch {
	case err == nil:
		return DevicePoll{Done: true}, nil
	case !errors.As(err, &failed):
		return DevicePoll{}, err
	case failed.Code == "authorization_pending":
		d.Failed = ""
	case failed.Code == "slow_down":
		d.Interval, d.Failed = min(d.Interval+deviceInterval, maxInterval), ""
	case failed.StatusCode == 0, failed.StatusCode >= 500, failed.StatusCode == http.StatusTooManyRequests, failed.Code == "" && failed.StatusCode >= 400,
		failed.Code == "use_dpop_nonce", failed.Code == "invalid_dpop_proof":
		d.Interval, d.Failed = max(min(2*d.Interval, deviceBackOff), d.Interval), scrub.Text(failed.Error(), 200)
	default:
		return DevicePoll{}, err
	}
	d.Next = time.Now().Add(max(d.Interval, min(failed.RetryAfter, maxInterval))).Round(0)
	return d.later(), nil
}

// DeviceDone reports whether a PollDevice with pending has obtained the account's token, in any
// process. DeviceDone reads the Store, and makes no request: it serves where the response to the
// person was lost, and no other token is wanted.
func (c *OAuth2) DeviceDone(ctx context.Context, pending Secret) (bool, error) {
	s := c.scheme()
	d, err := s.devicePending(pending)
	if err != nil {
		return false, err
	}
	known, err := s.engine.Known(ctx, s)
	return err == nil && known.Value != nil && known.Value.Device == d.mark(), err
}

// devicePending reads the pending value of a device grant of this connector.
func (s *oauth2Scheme) devicePending(held Secret) (d devicePending, err error) {
	grant, ok := s.grant.(DeviceCode)
	if !ok {
		return d, errNoDevice
	}
	if json.Unmarshal([]byte(held), &d) != nil || d.Code == "" || d.For != s.deviceIdentity(grant) {
		return d, errDevicePending
	}
	return d, nil
}

// mark stands for the device code in the account's record. 0 stands for none.
func (d devicePending) mark() uint64 {
	sum := sha256.Sum256([]byte(d.Code))
	return binary.BigEndian.Uint64(sum[:])
}

// obtainDeviceOnce polls once, unless the code has obtained the account's token before. The
// lock of the store keeps other processes from polling meanwhile.
func (s *oauth2Scheme) obtainDeviceOnce(ctx context.Context, d devicePending) error {
	check := func() error { return nil }
	if store, ok := s.engine.Store().(renew.SharedStore); ok {
		waiting, cancel := context.WithTimeout(ctx, deviceLock)
		defer cancel()
		var lease Lease
		err := foreign("Lock", func() (err error) { lease, err = store.Lock(waiting, s.engine.Key()); return err })
		if err != nil {
			return errDeviceLock(err)
		}
		defer foreign("Unlock", func() error { lease.Unlock(); return nil })
		check = func() error { return foreign("Check", func() error { return lease.Check(waiting) }) }
	}
	if known, err := s.engine.Known(ctx, s); err == nil && known.Value != nil && known.Value.Device == d.mark() {
		return nil
	}
	if err := check(); err != nil {
		return errDeviceLock(err)
	}
	return s.obtainDevice(ctx, d)
}

// errDeviceLock is the error of a poll that was not made.
func errDeviceLock(err error) error {
	return pending.Open(fmt.Errorf("connectorauth: the account cannot be locked in the token store, so nothing was sent: %w", err))
}

// obtainDevice polls once, and saves the token.
func (s *oauth2Scheme) obtainDevice(ctx context.Context, d devicePending) error {
	r := s.newRequest(s.grant.GrantType())
	params := url.Values{"device_code": {d.Code}}
	s.addResources(params)
	r.params, r.further = values(params), s.dialect.TokenParams
	kept := &token{Device: d.mark()}
	if d.Key != "" {
		kept.Bound = &binding{Key: d.Key}
	}
	t, err := s.ask(ctx, r, kept)
	if t == nil || t.Access == "" {
		return err
	}
	err = errors.Join(err, s.engine.Set(ctx, s, t)) // a hook's failure loses nothing
	tellNotKept(ctx, s.engine.Store(), notKept(t.left, t.unread), s.Observe, t)
	return err
}
