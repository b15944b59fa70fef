package connectorauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
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
	Next     time.Time     `json:"next"`             // of the next poll
	Failed   string        `json:"failed,omitempty"` // why the last poll brought no decision
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
// may go on. An error may be a [*TokenError]. What [OAuth2.Asking] asks for is sent too.
func (c *OAuth2) BeginDevice(ctx context.Context) (prompt DevicePrompt, pending Secret, err error) {
	s := c.scheme()
	grant, ok := s.grant.(DeviceCode)
	if !ok {
		return prompt, "", errNoDevice
	}
	wanted, scope, err := s.wanted()
	if err != nil {
		return prompt, "", err
	}
	d := devicePending{For: s.deviceIdentity(grant)}
	if d.Key, err = s.newProofKey(); err != nil {
		return prompt, "", s.subject("").name(err)
	}
	params := url.Values{}
	maps.Copy(params, grant.Params)
	maps.Copy(params, wanted)
	if scope != "" {
		params.Set("scope", scope)
	}
	s.addResources(params)
	r := s.providerRequest(grant.DeviceURL, params)
	began := time.Now()
	err = s.callProvider(ctx, r, d.Key, "device authorization request", func(resp *endpoint.Response) error {
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
		Device   string `json:"device_code"`
		User     string `json:"user_code"`
		URI      string `json:"verification_uri"`
		Google   string `json:"verification_url"`
		Complete string `json:"verification_uri_complete"`
		Expires  any    `json:"expires_in"`
		Interval any    `json:"interval"`
	}
	dec := json.NewDecoder(bytes.NewReader(resp.Text()))
	dec.UseNumber()
	if dec.Decode(&granted) != nil {
		return errors.New("the response is not the JSON of RFC 8628")
	}
	if granted.URI == "" {
		granted.URI = granted.Google
	}
	switch {
	case granted.Device == "":
		return errors.New("the response has no device_code")
	case strings.TrimSpace(granted.User) == "" || len(granted.User) > 100 || !isLegible(granted.User):
		return errors.New("the response has no user_code that a person can type")
	case !isPage(granted.URI):
		return errors.New("the response has no verification_uri that a browser can open")
	}
	seconds := func(n any, least, most, otherwise time.Duration) time.Duration {
		value, err := strconv.ParseFloat(fmt.Sprint(n), 64)
		if err != nil || !(value > 0) { // which NaN is not
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
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil &&
		len(raw) <= maxPage && isLegible(raw) && !strings.Contains(raw, " ")
}

// maxPage is the length of the longest URL that a person is shown, in bytes.
const maxPage = 2 << 10

// isLegible reports whether a terminal shows s as it is: without control characters,
// invisible characters, and characters that turn text around.
func isLegible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar })
}

var (
	errNoDevice      = errors.New("connectorauth: only the DeviceCode grant has a device to begin with; the AuthorizationCode grant has Begin and Finish")
	errDevicePending = pending.NewMixUp("pending is not a value that BeginDevice or PollDevice of this connector returned")
)

// deviceIdentity tells the device grants of this connector from others.
func (s *oauth2Scheme) deviceIdentity(grant DeviceCode) string {
	return pending.Identity("device", s.clientID, grant.DeviceURL, s.tokenURL, s.engine.Key())
}
