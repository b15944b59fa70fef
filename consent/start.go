package consent

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// start begins a consent: it keeps what Finish will need in a cookie and sends
// the browser to the provider.
func (h *Handler) start(w http.ResponseWriter, r *http.Request) {
	rec, err := readStart(r.URL.RawQuery)
	if err != nil {
		h.finish(w, r, record{}, fail(ReasonInvalid, err))
		return
	}
	if h.fromElsewhere(r) {
		h.show(w, rec, confirmPage(h.startURL(rec)), http.StatusOK)
		return
	}
	flow, err := h.config.Flow(r, rec.Connector)
	if err != nil {
		h.finish(w, r, rec, flowError(err))
		return
	}
	authURL, pending, err := flow.Begin(r.Context(), h.CallbackURL())
	if err != nil {
		h.finish(w, r, rec, classify(err, ReasonInternal))
		return
	}
	reference, err := referenceOf(authURL)
	if err != nil {
		h.finish(w, r, rec, fail(ReasonInternal, err))
		return
	}
	rec.ID, rec.Began, rec.Pending = rand.Text(), time.Now().Unix(), string(pending)
	if err := h.cookies.set(w, r, h.cookies.name(reference), rec); err != nil {
		h.finish(w, r, rec, fail(ReasonInternal, err))
		return
	}
	seeOther(w, authURL)
}

// fromElsewhere reports whether another site sent the browser here. A link there
// must not connect, unasked, the provider account that its author has signed
// this browser in to.
func (h *Handler) fromElsewhere(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin": // the first from old browsers, which do not tell
		return false
	}
	return !h.crossing
}

// readStart reads the query of a start. What it does not know, such as a state,
// it ignores.
func readStart(rawQuery string) (record, error) {
	query, err := url.ParseQuery(rawQuery)
	rec := record{Connector: query.Get("connector"), Popup: query.Get("popup"), ReturnTo: query.Get("return_to")}
	switch {
	case err != nil:
		return record{}, errors.New("the query is malformed")
	case len(rec.Connector) > 256:
		return record{}, errors.New("connector is too long")
	case len(rec.Popup) > 64 || strings.Trim(rec.Popup, "0123456789abcdef") != "":
		return record{}, errors.New("popup is not what connect.js makes of it")
	case rec.ReturnTo != "" && !isPath(rec.ReturnTo):
		return record{}, errors.New("return_to is not a path such as /settings?tab=2")
	}
	return rec, nil
}

// isPath reports whether a browser takes text, after an origin, for a path on
// it, and with nothing in it that browsers repair.
func isPath(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= 1024 &&
		strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") &&
		u.Scheme == "" && u.Host == "" && u.User == nil && u.Opaque == "" &&
		!strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == '\\' || c >= 0x7f })
}

// referenceOf returns what an authorization URL and its callback have in common.
func referenceOf(authURL string) (string, error) {
	u, err := url.Parse(authURL)
	if err != nil {
		return "", errors.New("the authorization URL is malformed")
	}
	return reference(u.Query())
}

// reference returns what ties a callback to its consent: OAuth2's state, or
// OAuth1's temporary token, which services that say no call denied.
func reference(query url.Values) (string, error) {
	for _, name := range []string{"state", "oauth_token", "denied"} {
		switch values := query[name]; {
		case len(values) > 1:
			return "", errors.New("there is more than one " + name)
		case len(values) == 1 && values[0] == "":
			return "", errors.New(name + " is empty")
		case len(values) == 1:
			return values[0], nil
		}
	}
	return "", errors.New("there is neither a state nor an oauth_token")
}

// seeOther redirects with 303, which turns no GET into anything else and leaves
// nothing of this address behind.
func seeOther(w http.ResponseWriter, location string) {
	header := w.Header()
	header.Set("Location", location)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}
