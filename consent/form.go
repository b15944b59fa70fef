package consent

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/look"
	"github.com/connectorauth/connectorauth/internal/pending"
)

const (
	// formParameter is the query parameter in which the browser carries a form.
	formParameter = "connectorauth_form"
	// formLifetime is how long the browser may take for one redirect, beside pending.ClockError.
	formLifetime = time.Minute
)

// A form is a callback that came as a form, on the way to the callback URL.
type form struct {
	Came  int64  `json:"came"`  // Unix seconds
	Query string `json:"query"` // the form, as the query of a callback has it
}

// takeForm takes a callback as a form (OAuth 2.0 Form Post Response Mode). Another
// site has sent the form, so the browser keeps the cookie to itself: SameSite=Lax.
// takeForm sends the browser on with a GET request, which carries the cookie, and the
// form in encrypted. The code is in no URL that anybody can read, and a foreign form
// gains nothing: what a GET request must prove stays the same.
func (h *Handler) takeForm(w http.ResponseWriter, r *http.Request, name string) {
	query, status, err := readForm(w, r)
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	if !isName(name) {
		h.finish(w, r, record{}, fail(ReasonInvalid, errors.New("no callback URL of the handler has this name")))
		return
	}
	callbackURL := h.callbackURL(name)
	sealed, err := h.sealer.seal(callbackURL, form{time.Now().Unix(), query})
	if err != nil {
		h.finish(w, r, record{}, fail(ReasonInternal, err))
		return
	}
	look.SeeOther(w, callbackURL+"?"+formParameter+"="+sealed)
}

// opened returns the query of the callback with this name. If the query carries a
// form, opened returns the form instead.
func (h *Handler) opened(rawQuery, name string) (string, error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil || !query.Has(formParameter) {
		return rawQuery, nil // parseCallback tells what is wrong
	}
	var f form
	if !h.sealer.open(h.callbackURL(name), query.Get(formParameter), &f) {
		return "", errors.New("the form of the callback is not one that the handler has sealed")
	}
	if pending.Ended(f.Came, formLifetime+pending.ClockError) {
		return "", errors.New("the form of the callback is too old")
	}
	return f.Query, nil
}

// readForm reads a form as the query of a callback. status is for an error.
func readForm(w http.ResponseWriter, r *http.Request) (query string, status int, err error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return "", http.StatusUnsupportedMediaType, errors.New("want application/x-www-form-urlencoded")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallback))
	if errors.As(err, new(*http.MaxBytesError)) {
		return "", http.StatusRequestEntityTooLarge, errors.New("the form is too long")
	}
	if err != nil || !utf8.Valid(body) {
		return "", http.StatusBadRequest, errors.New("the form was cut off, or is not UTF-8")
	}
	return string(body), 0, nil
}
