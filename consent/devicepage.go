package consent

import (
	"context"
	"crypto/rand"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/look"
	"github.com/connectorauth/connectorauth/internal/pending"
)

// A PollFlow is a Flow whose account owner types a code on another device (RFC 8628), if
// GrantType returns that of connectorauth.DeviceCode. A *connectorauth.OAuth2 is a PollFlow.
type PollFlow interface {
	// GrantType returns the grant type of the connector.
	GrantType() string
	// BeginDevice returns what the account owner must see, and a pending value for
	// PollDevice.
	BeginDevice(ctx context.Context) (prompt connectorauth.DevicePrompt, pending connectorauth.Secret, err error)
	// PollDevice asks once whether the account owner has decided, and obtains the token.
	PollDevice(ctx context.Context, pending connectorauth.Secret) (connectorauth.DevicePoll, error)
}

// onDevice returns flow as a PollFlow, if the account owner types a code.
func onDevice(flow Flow) (PollFlow, bool) {
	polls, ok := flow.(PollFlow)
	return polls, ok && polls.GrantType() == connectorauth.DeviceCode{}.GrantType()
}

// A prompt is what a record knows of a consent on another device.
type prompt struct {
	Code    string `json:"code,omitempty"`    // to type; empty for another consent
	Address string `json:"address,omitempty"` // of the page for the code
	Link    string `json:"link,omitempty"`    // of the page with the code; empty means Address
}

// startDevice begins a consent on another device, and leads the browser to the page with
// the code.
func (h *Handler) startDevice(w http.ResponseWriter, r *http.Request, rec record, flow PollFlow) {
	p, text, err := flow.BeginDevice(r.Context())
	if err != nil {
		h.finish(w, r, rec, classify(err, ReasonInternal))
		return
	}
	rec.prompt = prompt{p.UserCode, p.VerificationURI, p.VerificationURIComplete}
	rec.Began, rec.Lifetime, rec.Pending = time.Now().Unix(), int64(min(time.Until(p.Expires), pending.MaxLifetime).Seconds()), string(text)
	consent := rand.Text()
	if err := h.cookies.set(w, r, h.cookies.name(consent), rec); err != nil {
		h.finish(w, r, rec, fail(ReasonInternal, err))
		return
	}
	look.SeeOther(w, h.base+"/device?"+url.Values{"consent": {consent}}.Encode())
}

// device shows the code, and asks the provider at each look whether the account owner has
// decided. The browser looks again by itself, without a script.
func (h *Handler) device(w http.ResponseWriter, r *http.Request) {
	cookie := h.cookies.name(r.URL.Query().Get("consent"))
	rec, ok := h.cookies.read(r, cookie)
	if !ok || rec.Code == "" {
		h.finish(w, r, record{}, fail(ReasonUnknown, errors.New("this browser has no cookie for the code")))
		return
	}
	poll, failed, over := h.poll(r, rec)
	if over {
		h.cookies.delete(w, cookie)
	}
	if failed != nil || poll.Done {
		h.finish(w, r, rec, failed)
		return
	}
	rec.Pending = string(poll.Pending)
	if err := h.cookies.set(w, r, cookie, rec); err != nil {
		h.finish(w, r, rec, fail(ReasonInternal, err))
		return
	}
	w.Header().Set("Refresh", strconv.Itoa(max(int(math.Ceil(poll.Wait.Seconds())), 1)))
	h.show(w, r, rec, typing, http.StatusOK)
}

// poll asks the provider once. over is false if the same browser can still finish the
// consent.
func (h *Handler) poll(r *http.Request, rec record) (poll connectorauth.DevicePoll, failed *Error, over bool) {
	flow, err := h.config.Flow(r, rec.Connector)
	if err != nil {
		if failed = flowError(err); failed.Reason == ReasonInternal && !rec.expired() { // such as a database that is down
			return later(rec), nil, false
		}
		return poll, failed, false
	}
	polls, ok := onDevice(flow)
	if !ok {
		return poll, fail(ReasonMixUp, errors.New("the connector has no consent on another device any more")), true
	}
	// The account owner may have decided. Closing the window must not stop the token.
	poll, err = polls.PollDevice(context.WithoutCancel(r.Context()), connectorauth.Secret(rec.Pending))
	var open interface{ Temporary() bool }
	switch over = pending.Over(err); {
	case err == nil:
		return poll, nil, poll.Done
	case !over && errors.As(err, &open) && open.Temporary(): // a store that is down, or the end of this process
		return later(rec), nil, false
	}
	return poll, classifyDevice(err), over
}

// later returns what a look that could not ask the provider leaves to the next one: the person
// may be typing the code.
func later(rec record) connectorauth.DevicePoll {
	return connectorauth.DevicePoll{Pending: connectorauth.Secret(rec.Pending), Wait: pause}
}

// pause is the time until the next look after one that could not ask the provider.
const pause = 10 * time.Second

// classifyDevice returns the Error for an error of FinishDevice or PollDevice.
func classifyDevice(err error) *Error {
	var failed *connectorauth.TokenError
	if errors.As(err, &failed) && failed.Code == "expired_token" {
		return fail(ReasonExpired, err)
	}
	return classify(err, ReasonStore)
}
