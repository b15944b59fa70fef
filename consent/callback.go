package consent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/look"
	"github.com/connectorauth/connectorauth/internal/pending"
)

// maxCallback is the maximum length of a callback's query, in bytes.
const maxCallback = 16 << 10

// callback finishes a consent at the callback URL with this name. The query's
// reference names the cookie.
func (h *Handler) callback(w http.ResponseWriter, r *http.Request, name string) {
	if r.URL.RawQuery == "" { // page.js has removed the query, and the person loads the page again
		h.finish(w, r, record{}, fail(ReasonUnknown, errors.New("the callback has no parameters")))
		return
	}
	rawQuery, err := h.opened(r.URL.RawQuery, name)
	if err != nil {
		h.finish(w, r, record{}, fail(ReasonInvalid, err))
		return
	}
	query, err := parseCallback(rawQuery)
	if err != nil {
		h.finish(w, r, record{}, fail(ReasonInvalid, err))
		return
	}
	ref, err := reference(query)
	if err != nil {
		h.finish(w, r, record{}, cmp.Or(unbound(query), fail(ReasonInvalid, err)))
		return
	}
	cookie := h.cookies.name(ref)
	rec, ok := h.cookies.read(r, cookie)
	if !ok || rec.Code != "" { // of a consent on another device, which has no callback
		h.finish(w, r, record{}, fail(ReasonUnknown, errors.New("this browser has no cookie for the callback's state")))
		return
	}
	failed, over := h.complete(r, rec, name, query)
	if over {
		h.cookies.delete(w, cookie)
	}
	h.finish(w, r, rec, failed)
}

// complete finishes the consent of rec with a callback: the name in its URL, and
// its query. over is false if the same browser can still finish the consent.
func (h *Handler) complete(r *http.Request, rec record, name string, query url.Values) (failed *Error, over bool) {
	if rec.expired() {
		return fail(ReasonExpired, fmt.Errorf("the consent began more than %v ago", rec.lifetime())), true
	}
	if name != rec.Callback {
		return fail(ReasonMixUp, errors.New("the callback came at the URL of another authorization server (RFC 9700 section 4.4)")), false
	}
	flow, err := h.config.Flow(r, rec.Connector)
	if err != nil {
		return flowError(err), false
	}
	if err := mayUse(flow, name); err != nil {
		return fail(ReasonInternal, err), false
	}
	// The account owner has consented. Closing the window must not stop Finish.
	err = flow.Finish(context.WithoutCancel(r.Context()), connectorauth.Secret(rec.Pending), query)
	if err != nil {
		failed = classify(err, ReasonStore)
	}
	return failed, pending.Over(err)
}

// parseCallback parses a callback's query. A semicolon is a character as any other, for
// browsers too (URL Standard, section 5.1): some providers leave it in an explanation.
func parseCallback(rawQuery string) (url.Values, error) {
	if len(rawQuery) > maxCallback {
		return nil, errors.New("the callback's query is too long")
	}
	query, err := url.ParseQuery(strings.ReplaceAll(rawQuery, ";", "%3B"))
	if err != nil {
		return nil, errors.New("the callback's query is malformed")
	}
	return query, nil
}

// finish reports the outcome of a consent to Config.Done and to the person. A nil
// failed means success.
func (h *Handler) finish(w http.ResponseWriter, r *http.Request, rec record, failed *Error) {
	result := Result{Connector: rec.Connector}
	if failed != nil {
		result.Err = failed
	}
	if h.config.Done != nil {
		// What Done writes must not depend on a window that the person has closed.
		if err := h.config.Done(r.WithContext(context.WithoutCancel(r.Context())), result); err != nil && failed == nil {
			failed = fail(ReasonUnrecorded, err)
		}
	}
	if failed == nil && rec.Popup == "" && rec.ReturnTo != "" {
		look.SeeOther(w, h.config.Origin+rec.ReturnTo)
		return
	}
	if failed == nil {
		h.show(w, r, rec, connected, http.StatusOK)
		return
	}
	h.show(w, r, rec, string(failed.Reason), failed.status())
}

// show sends the page about a subject to the browser, with the ways on from there.
func (h *Handler) show(w http.ResponseWriter, r *http.Request, rec record, subject string, status int) {
	service := rec.Service
	if h.config.Service != nil && rec.Connector != "" {
		service = h.config.Service(rec.Connector)
	}
	page := h.look.page(subject, h.look.choose(rec.Language, r), service, rec.prompt)
	switch {
	case subject == confirm:
		page.Continue = h.startURL(rec)
	case page.Reason.again() && rec != (record{}):
		page.Retry = h.startURL(rec)
	}
	page.Back = h.config.Origin + "/"
	if subject != confirm { // nobody has confirmed yet that the link is to be trusted
		page.Back = h.config.Origin + cmp.Or(rec.ReturnTo, "/")
	}
	page.popup, page.account = rec.Popup, rec.Connector
	h.look.send(w, page, h.config.Origin, status)
}
