package consent

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/connectorauth/connectorauth"
)

// maxCallback is the maximum length of a callback's query, in bytes.
const maxCallback = 16 << 10

// callback finishes a consent: the query's reference names the cookie.
func (h *Handler) callback(w http.ResponseWriter, r *http.Request) {
	query, ref, err := readCallback(r.URL.RawQuery)
	if err != nil {
		h.finish(w, r, record{}, fail(ReasonInvalid, err))
		return
	}
	rec, ok := h.cookies.take(w, r, h.cookies.name(ref))
	if !ok {
		h.finish(w, r, record{}, fail(ReasonUnknown, errors.New("this browser has no cookie for the callback's state")))
		return
	}
	if failed := h.complete(r, rec, query); failed != nil {
		h.finish(w, r, rec, failed)
		return
	}
	h.finish(w, r, rec, nil)
}

// complete finishes the consent of rec with the callback's query. Only the first
// call for a consent reaches Finish.
func (h *Handler) complete(r *http.Request, rec record, query url.Values) *Error {
	if rec.expired() {
		return fail(ReasonExpired, errors.New("the consent began more than ten minutes ago"))
	}
	first, err := h.marks.claim(r.Context(), rec.ID)
	if err != nil {
		return fail(ReasonStore, err)
	}
	if !first {
		return fail(ReasonUsed, errors.New("the consent was finished before"))
	}
	flow, err := h.config.Flow(r, rec.Connector)
	if err != nil {
		return flowError(err)
	}
	// The account owner has consented. Closing the window must not stop Finish.
	err = flow.Finish(context.WithoutCancel(r.Context()), connectorauth.Secret(rec.Pending), query)
	if err != nil {
		return classify(err, ReasonStore)
	}
	return nil
}

// readCallback parses a callback's query and returns its reference.
func readCallback(rawQuery string) (query url.Values, ref string, err error) {
	if len(rawQuery) > maxCallback {
		return nil, "", errors.New("the callback's query is too long")
	}
	if query, err = url.ParseQuery(rawQuery); err != nil {
		return nil, "", errors.New("the callback's query is malformed")
	}
	ref, err = reference(query)
	return query, ref, err
}

// finish reports the outcome of a consent to Config.Done and to the person. A nil
// failed means success.
func (h *Handler) finish(w http.ResponseWriter, r *http.Request, rec record, failed *Error) {
	result := Result{Connector: rec.Connector}
	if failed != nil {
		result.Err = failed
	}
	if h.config.Done != nil {
		h.config.Done(r, result)
	}
	if failed == nil && rec.Popup == "" && rec.ReturnTo != "" {
		seeOther(w, h.config.Origin+rec.ReturnTo)
		return
	}
	page, status := successPage(), http.StatusOK
	if failed != nil {
		page, status = failurePage(failed.Reason), failed.status()
		if rec != (record{}) {
			page.Retry = h.startURL(rec)
		}
	}
	h.show(w, rec, page, status)
}

// show sends page to the browser, with the application's name and the way back.
func (h *Handler) show(w http.ResponseWriter, rec record, page Page, status int) {
	page.Name = h.config.Name
	page.Back = h.config.Origin + cmp.Or(rec.ReturnTo, "/")
	page.popup = rec.Popup
	page.send(w, h.config.Page, h.config.Origin, status)
}
