package authtest

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"net/url"
)

const (
	deviceCode     = "urn:ietf:params:oauth:grant-type:device_code"
	devicePath     = "/device"
	deviceInterval = 5 * time.Second
)

// A device waits for the account owner (RFC 8628).
type device struct {
	*grant
	userCode string
	expires  time.Time
	interval time.Duration
	polled   time.Time
	decision decision
	used     bool
}

// serveDeviceRequest is the device authorization endpoint (RFC 8628 section 3.1).
func (p *Provider) serveDeviceRequest(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	form, problem := p.clientForm(w, r)
	p.mu.Lock()
	defer p.mu.Unlock()
	if problem == nil {
		_, problem = p.proof(w, r, "")
	}
	if problem == nil {
		problem = p.checkTarget(form, nil)
	}
	if problem != nil {
		problem.write(w)
		return
	}
	text := rand.Text()
	d := &device{
		grant:    consented(form, p.Username, p.registered(form.Get("client_id"))),
		userCode: text[:4] + "-" + text[4:8], expires: time.Now().Add(consentLifetime), interval: deviceInterval, polled: time.Now(),
	}
	d.kind = deviceCode
	code := newToken("device")
	p.oauth2.devices[code] = d
	uri := p.URL + devicePath
	writeJSON(w, http.StatusOK, map[string]any{
		"device_code": code, "user_code": d.userCode, "verification_uri": uri,
		"verification_uri_complete": uri + "?" + url.Values{"user_code": {d.userCode}}.Encode(),
		"expires_in":                int(consentLifetime / time.Second), "interval": int(deviceInterval / time.Second),
	})
}

// serveDevice is the page where the account owner decides (RFC 8628 section 3.3).
func (p *Provider) serveDevice(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	d := p.oauth2.deviceOf(r.URL.Query().Get("user_code"))
	p.mu.Unlock()
	if d == nil {
		writePage(w, http.StatusNotFound, page{Error: "Add ?user_code= and the code of the device to the address."})
		return
	}
	decided, owner := p.consent(w, r, d.scope)
	if decided == undecided {
		return
	}
	p.mu.Lock()
	if d.decision, d.authenticated = decided, time.Now(); owner != nil {
		d.user = owner.Username
	}
	p.mu.Unlock()
	writePage(w, http.StatusOK, page{Allowed: true})
}

// deviceOf returns the device with a user code, or nil. The caller holds p.mu.
func (s *oauth2State) deviceOf(userCode string) *device {
	for _, d := range s.devices {
		if strings.EqualFold(d.userCode, userCode) && time.Now().Before(d.expires) && d.decision == undecided {
			return d
		}
	}
	return nil
}

// AuthorizeDevice takes the part of the account owner, who types the user code of a device
// and presses Allow.
func (p *Provider) AuthorizeDevice(userCode string) error { return p.decide(userCode, allowed) }

// DenyDevice does the same as [Provider.AuthorizeDevice], but presses Deny.
func (p *Provider) DenyDevice(userCode string) error { return p.decide(userCode, denied) }

func (p *Provider) decide(userCode string, by decision) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.oauth2.deviceOf(userCode)
	if d == nil {
		return errors.New("authtest: the user code is unknown, was used, or has expired")
	}
	if d.decision, d.authenticated = by, time.Now(); by == allowed {
		p.stats.Consents++
	} else {
		p.stats.Denials++
	}
	return nil
}

// deviceGrant answers the poll of a device (RFC 8628 section 3.5). The caller holds p.mu.
func (p *Provider) deviceGrant(form url.Values) (map[string]any, *oauth2Error) {
	refuse := func(code, description string) (map[string]any, *oauth2Error) {
		return nil, &oauth2Error{http.StatusBadRequest, code, description}
	}
	d := p.oauth2.devices[form.Get("device_code")]
	if d == nil || d.used {
		return nil, invalidGrant("the device code is unknown, or was used")
	}
	early := time.Since(d.polled) < d.interval
	d.polled = time.Now()
	switch {
	case !time.Now().Before(d.expires):
		return refuse("expired_token", "the device code has expired")
	case early:
		d.interval += 5 * time.Second
		return refuse("slow_down", "polls must be further apart")
	case d.decision == denied:
		return refuse("access_denied", "the account owner refused")
	case d.decision == undecided:
		return refuse("authorization_pending", "the account owner has not decided")
	}
	d.used = true
	return p.newGrant(d.grant), nil
}
