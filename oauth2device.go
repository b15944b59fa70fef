package connectorauth

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// DeviceCode is for terminals and devices without a browser (RFC 8628): the account owner
// opens a page on another device, and types a code there. See [OAuth2.BeginDevice].
type DeviceCode struct {
	// DeviceURL is the provider's device authorization endpoint. Required; https except on
	// loopback.
	DeviceURL string
	// Params are further parameters of the device authorization request. Empty means none.
	Params url.Values
}

// GrantType returns the grant type of RFC 8628 section 3.4.
func (DeviceCode) GrantType() string { return "urn:ietf:params:oauth:grant-type:device_code" }

// Parameters returns an error: the parameters come from PollDevice.
func (DeviceCode) Parameters(context.Context, *TokenRequest) error {
	return fmt.Errorf("%w: use BeginDevice and FinishDevice, or SetToken", ErrNotConnected)
}

// Traits says that the grant needs the account owner.
func (DeviceCode) Traits() GrantTraits { return GrantTraits{NeedsOwner: true, SingleUse: true} }

// check reports what is wrong with the grant.
func (d DeviceCode) check() error {
	var problems check.List
	_, err := origin.Endpoint(d.DeviceURL)
	problems.Field("Grant: DeviceURL", err)
	for _, name := range []string{"client_id", "client_secret", "scope", "resource"} {
		if d.Params.Has(name) {
			problems.Add("Grant: Params: %s is set by the library; remove %[1]s", name)
		}
	}
	return problems.Joined()
}

// A DevicePrompt is what the account owner must see.
type DevicePrompt struct {
	// UserCode is the code to type, such as "WDJB-MJHT".
	UserCode string
	// VerificationURI is the page where the account owner types the code.
	VerificationURI string
	// VerificationURIComplete is the page with the code, for a QR code beside the two
	// others. Empty if the provider has none.
	VerificationURIComplete string
	// Expires is when the code expires.
	Expires time.Time
}

// A DevicePoll is what one [OAuth2.PollDevice] has found.
type DevicePoll struct {
	// Done reports that the account is connected.
	Done bool
	// Pending is for the next PollDevice, which should come after Wait. Empty if Done.
	Pending Secret
	// Wait is 0 if Done.
	Wait time.Duration
}

// The times of RFC 8628 section 3.5.
const (
	deviceInterval = 5 * time.Second // where the provider names none, and of slow_down
	maxInterval    = 5 * time.Minute
	deviceBackOff  = time.Minute // the longest pause that failed requests lead to

	deviceLock = 45 * time.Second // longer than the poll of another process
)

// devicePending is a device grant under way, as the program keeps it.
type devicePending struct {
	For      string        `json:"for"`
	Code     string        `json:"device_code"`
	Key      string        `json:"key,omitempty"` // of a Proof
	Expires  time.Time     `json:"expires"`
	Interval time.Duration `json:"interval"`
	Next     time.Time     `json:"next"` // of the next poll
}

// later returns what the next poll needs, and when.
func (d devicePending) later() DevicePoll {
	text, _ := json.Marshal(d) // texts and numbers: cannot fail
	return DevicePoll{Pending: Secret(text), Wait: max(time.Until(d.Next), 0)}
}

// BeginDevice asks the provider for a code (RFC 8628 section 3.1). Show prompt to the account
// owner, and call [OAuth2.FinishDevice] or [OAuth2.PollDevice] with pending. pending contains
// the device code and, with a Proof, the key of the account: keep pending where nobody else
// can read pending, encrypted if it leaves the process. Another process with the same config
// may go on. An error may be a [*TokenError].
func (c *OAuth2) BeginDevice(ctx context.Context) (prompt DevicePrompt, pending Secret, err error) {
	s := c.scheme()
	grant, ok := s.grant.(DeviceCode)
	if !ok {
		return prompt, "", errNoDevice
	}
	wants, err := s.asked()
	if err != nil {
		return prompt, "", err
	}
	d := devicePending{For: s.deviceIdentity(grant)}
	if d.Key, err = s.newProofKey(); err != nil {
		return prompt, "", s.subject("").name(err)
	}
	params := url.Values{}
	maps.Copy(params, grant.Params)
	wants.addTo(params)
	if scope := s.scopeWith(wants); scope != "" {
		params.Set("scope", scope)
	}
	s.addResources(params)
	r := s.providerRequest(grant.DeviceURL, params)
	began := time.Now()
	err = s.tell(ctx, r, d.Key, "device authorization request", func(resp *endpoint.Response) error {
		return d.read(resp, began, &prompt)
	})
	if err != nil {
		return DevicePrompt{}, "", err
	}
	return prompt, d.later().Pending, nil
}

// read reads the response of the device authorization endpoint (RFC 8628 section 3.2).
func (d *devicePending) read(resp *endpoint.Response, began time.Time, prompt *DevicePrompt) error {
	var granted struct {
		Device   string      `json:"device_code"`
		User     string      `json:"user_code"`
		URI      string      `json:"verification_uri"`
		Google   string      `json:"verification_url"`
		Complete string      `json:"verification_uri_complete"`
		Expires  json.Number `json:"expires_in"`
		Interval json.Number `json:"interval"`
	}
	if json.Unmarshal(resp.Text(), &granted) != nil {
		return errors.New("the response is not the JSON of RFC 8628")
	}
	if granted.URI == "" {
		granted.URI = granted.Google
	}
	switch {
	case granted.Device == "":
		return errors.New("the response has no device_code")
	case granted.User == "" || len(granted.User) > 100 || strings.ContainsFunc(granted.User, unicode.IsControl):
		return errors.New("the response has no user_code that a person can type")
	case !isPage(granted.URI):
		return errors.New("the response has no verification_uri that a browser can open")
	}
	seconds := func(n json.Number, least, most, otherwise time.Duration) time.Duration {
		value, err := n.Float64()
		if err != nil || value <= 0 {
			return otherwise
		}
		return time.Duration(max(min(value, most.Seconds()), least.Seconds()) * float64(time.Second))
	}
	d.Code, d.Interval = granted.Device, seconds(granted.Interval, time.Second, maxInterval, deviceInterval)
	d.Expires = began.Add(seconds(granted.Expires, time.Second, pending.MaxLifetime, pending.Lifetime)).Round(0)
	d.Next = time.Now().Add(d.Interval).Round(0) // some providers answer slow_down to a first poll at once
	*prompt = DevicePrompt{UserCode: granted.User, VerificationURI: granted.URI, Expires: d.Expires}
	if isPage(granted.Complete) {
		prompt.VerificationURIComplete = granted.Complete
	}
	return nil
}

// isPage reports whether a person can be sent to raw.
func isPage(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && !strings.ContainsFunc(raw, unicode.IsControl) // also those that url.Parse lets pass, and a terminal obeys
}

var (
	errNoDevice      = errors.New("connectorauth: only the DeviceCode grant has a device to begin with")
	errDevicePending = errors.New("connectorauth: pending is not a value that BeginDevice or PollDevice of this connector returned")
)

// deviceIdentity tells the device grants of this connector from others.
func (s *oauth2Scheme) deviceIdentity(grant DeviceCode) string {
	return pending.Identity("device", s.clientID, grant.DeviceURL, s.tokenURL, s.account)
}

// FinishDevice waits until the account owner has decided, and saves the token. FinishDevice
// polls as [OAuth2.PollDevice] does. If ctx ends first, the same pending serves again.
func (c *OAuth2) FinishDevice(ctx context.Context, pending Secret) error {
	for {
		poll, err := c.PollDevice(ctx, pending)
		if err != nil || poll.Done {
			return err
		}
		pending = poll.Pending
		timer := time.NewTimer(poll.Wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// PollDevice asks the provider once whether the account owner has decided (RFC 8628 section
// 3.4), and saves the token. A call before the time of the next poll sends nothing. The
// provider's slow_down makes polls five seconds slower for good, and a request without a
// usable response doubles the pause, up to a minute. The token is saved even if ctx ends
// meanwhile.
//
// Several processes may poll with the same pending, as after a restart that overlaps. With
// a [SharedTokenStore], one process polls at a time, and a code that has obtained the
// account's token is not sent again: PollDevice is Done in all of them. If the Store cannot
// lock the account, nothing is sent, and the error has a method Temporary() bool that
// returns true: the same pending serves again. With another TokenStore, two polls at the
// same time both reach the provider, who refuses one.
//
// The account owner's refusal and the end of the code are a [*TokenError] with the Code
// access_denied or expired_token: begin again.
func (c *OAuth2) PollDevice(ctx context.Context, text Secret) (DevicePoll, error) {
	s := c.scheme()
	grant, ok := s.grant.(DeviceCode)
	if !ok {
		return DevicePoll{}, errNoDevice
	}
	var d devicePending
	if json.Unmarshal([]byte(text), &d) != nil || d.Code == "" || d.For != s.deviceIdentity(grant) {
		return DevicePoll{}, errDevicePending
	}
	d.Interval = max(min(d.Interval, maxInterval), time.Second)
	if !time.Now().Before(d.Expires) {
		return DevicePoll{}, &TokenError{Code: "expired_token", Description: "the account owner took too long; begin again", Account: s.account, refused: true}
	}
	if wait := time.Until(d.Next); wait > 0 && wait <= maxInterval {
		return d.later(), nil
	}
	if err := ctx.Err(); err != nil {
		return DevicePoll{}, err
	}
	end, err := s.shared.group.Begin(s.account)
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
	case failed.Code == "slow_down":
		d.Interval += deviceInterval
	case failed.StatusCode == 0, failed.StatusCode >= 500, failed.StatusCode == http.StatusTooManyRequests, failed.Code == "" && failed.StatusCode >= 400:
		d.Interval = max(min(2*d.Interval, deviceBackOff), d.Interval)
	default:
		return DevicePoll{}, err
	}
	d.Next = time.Now().Add(max(d.Interval, min(failed.RetryAfter, maxInterval))).Round(0)
	return d.later(), nil
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
		err := foreign("Lock", func() (err error) { lease, err = store.Lock(waiting, s.account); return err })
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
	return errors.Join(err, s.engine.Set(ctx, s, t)) // a hook's failure loses nothing
}
