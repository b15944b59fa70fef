package consent

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/look"
	"github.com/connectorauth/connectorauth/internal/pending"
)

// maxConnector is the maximum length of the connector in the query of a start, in bytes.
const maxConnector = 256

// start begins a consent: start puts a record of the consent into a cookie and
// redirects the browser to the provider.
func (h *Handler) start(w http.ResponseWriter, r *http.Request) {
	rec, err := readStart(r.URL.RawQuery)
	if err == nil && h.isStart(rec.ReturnTo) {
		err = errors.New("return_to is the start of a consent")
	}
	if err != nil {
		h.finish(w, r, record{}, fail(ReasonInvalid, err))
		return
	}
	if h.needsConfirmation(r) {
		h.show(w, r, rec, confirm, http.StatusOK)
		return
	}
	flow, err := h.config.Flow(r, rec.Connector)
	if err != nil {
		h.finish(w, r, rec, flowError(err))
		return
	}
	if named, ok := flow.(interface{ ServiceName() string }); ok {
		rec.Service = cut(named.ServiceName())
	}
	if polls, ok := onDevice(flow); ok {
		h.startDevice(w, r, rec, polls)
		return
	}
	rec.Callback, err = h.callbackName(rec.Connector, flow)
	if err == nil {
		err = mayUse(flow, rec.Callback)
	}
	if err != nil {
		h.finish(w, r, rec, fail(ReasonInternal, err))
		return
	}
	authURL, pending, err := flow.Begin(r.Context(), h.callbackURL(rec.Callback))
	if err != nil {
		h.finish(w, r, rec, classify(err, ReasonInternal))
		return
	}
	query, err := requested(authURL, pending)
	if err != nil {
		h.finish(w, r, rec, fail(ReasonInternal, err))
		return
	}
	reference, err := reference(query)
	if err != nil {
		h.finish(w, r, rec, fail(ReasonInternal, err))
		return
	}
	rec.Began, rec.Lifetime, rec.Pending = time.Now().Unix(), int64(lifetimeOf(flow).Seconds()), string(pending)
	if err := h.cookies.set(w, r, h.cookies.name(reference), rec); err != nil {
		h.finish(w, r, rec, fail(ReasonInternal, err))
		return
	}
	look.SeeOther(w, authURL)
}

// cut returns the beginning of a name, which has room in a cookie.
func cut(name string) string {
	if letters := []rune(name); len(letters) > 64 {
		return string(letters[:63]) + "…"
	}
	return name
}

// needsConfirmation reports whether a link on another site led to the start. An
// attacker can sign this browser in to the attacker's account at the provider.
// Without a confirmation, a link of the attacker would then connect this account.
func (h *Handler) needsConfirmation(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin": // old browsers do not send the header
		return false
	}
	return !h.otherOrigin
}

// isStart reports whether a path on Config.Origin is a start of this handler, in any
// spelling. A person who takes the way back comes from a page of this handler, so
// needsConfirmation would not ask.
func (h *Handler) isStart(returnTo string) bool {
	u, err := url.Parse(returnTo)
	base, _ := url.Parse(h.base) // cannot fail: New has read the URL
	if err != nil || returnTo == "" || h.otherOrigin {
		return false
	}
	above, last := path.Split(strings.ToLower(path.Clean(u.Path)))
	return last == "start" && strings.HasPrefix(above, strings.ToLower(strings.TrimRight(base.Path, "/"))+"/")
}

// readStart reads the query of a start. Unknown parameters, such as a state, have
// no effect.
func readStart(rawQuery string) (record, error) {
	query, err := url.ParseQuery(rawQuery)
	rec := record{Connector: query.Get("connector"), Popup: query.Get("popup"), ReturnTo: query.Get("return_to"),
		Language: query.Get("language")}
	switch {
	case err != nil:
		return record{}, errors.New("the query is malformed")
	case len(rec.Connector) > maxConnector:
		return record{}, fmt.Errorf("connector has %d bytes, more than %d", len(rec.Connector), maxConnector)
	case !utf8.ValidString(rec.Connector) || strings.ContainsFunc(rec.Connector, isControl):
		return record{}, errors.New("connector has a control character, or is not UTF-8")
	case !look.IsPopup(rec.Popup):
		return record{}, errors.New("popup is not an ID made by connect.js")
	case rec.ReturnTo != "" && !look.IsPath(rec.ReturnTo):
		return record{}, errors.New("return_to is not a path such as /settings?tab=2")
	}
	if _, ok := look.Tag(rec.Language); !ok { // a mistake here costs the language only
		rec.Language = ""
	}
	return rec, nil
}

// isControl reports whether c can break or disguise a line of text.
func isControl(c rune) bool {
	return unicode.In(c, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// requested returns the parameters of an authorization URL. What was pushed to the provider
// (RFC 9126) is in the pending value alone.
func requested(authURL string, value connectorauth.Secret) (url.Values, error) {
	u, err := url.Parse(authURL)
	if err != nil {
		return nil, errors.New("the authorization URL is malformed")
	}
	query := u.Query()
	if begun, ok := pending.Read(string(value)); ok && query.Has("request_uri") && !query.Has("state") {
		query.Set("state", begun.State)
		if begun.Verifier != "" {
			query.Set("code_challenge", "S256") // any
		}
	}
	return query, nil
}

// reference returns the parameter that the authorization URL and the callback of
// a consent share: the state of OAuth2, or the oauth_token of OAuth1's temporary
// credentials. Some OAuth1 providers name the token "denied" in the callback of a
// denied consent. An empty parameter counts as missing (RFC 6749 section 3.1).
func reference(query url.Values) (string, error) {
	for _, name := range []string{"state", "oauth_token", "denied"} {
		switch values := query[name]; {
		case len(values) > 1:
			return "", errors.New("the parameter " + name + " is repeated")
		case len(values) == 1 && values[0] != "":
			return values[0], nil
		}
	}
	return "", errNoReference
}

var errNoReference = errors.New("the parameters state and oauth_token are missing")
