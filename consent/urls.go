package consent

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// maxName is the maximum length of an authorization server's name in a callback
// URL, in bytes.
const maxName = 64

// unreserved are the characters that look the same in every spelling of a URL (RFC
// 3986 section 2.3).
const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// CallbackURL returns the redirect URL of a connector, which the program's owner
// registers at the provider. The error says why the connector has none. A CallbackName of
// a Flow is unknown here.
func (h *Handler) CallbackURL(connector string) (string, error) {
	name, err := h.callbackName(connector, nil)
	return h.callbackURL(name), err
}

func (h *Handler) callbackURL(name string) string {
	if name == "" {
		return h.base + "/callback"
	}
	return h.base + "/callback/" + name
}

// callbackName returns the name of the connector's authorization server in the
// callback URL. An empty name means the shared callback URL. A nil flow is unknown.
func (h *Handler) callbackName(connector string, flow Flow) (string, error) {
	name := connector
	if h.config.Callback != nil {
		name = h.config.Callback(connector)
	} else if named, ok := flow.(interface{ CallbackName() string }); ok {
		name = named.CallbackName()
	}
	if !isName(name) {
		return "", fmt.Errorf("a callback URL cannot end in the name %.64q: use at most %d letters, digits and -._~, or set Config.Callback", name, maxName)
	}
	return name, nil
}

// isName reports whether name is empty, or looks the same in every spelling of a
// callback URL.
func isName(name string) bool {
	return len(name) <= maxName && strings.Trim(name, unreserved) == "" && name != "." && name != ".."
}

// mayUse reports whether flow may use the callback URL with this name. Only the iss
// in the callbacks tells the authorization servers at the shared URL apart.
func mayUse(flow Flow, name string) error {
	if name != "" || issuerOf(flow) != "" {
		return nil
	}
	return errors.New("the connector uses the shared callback URL and has no Issuer: let Config.Callback return the name of its authorization server, or set AuthorizationCode.Issuer (RFC 9700 section 2.1)")
}

// issuerOf returns the Issuer of flow. Empty means none.
func issuerOf(flow Flow) string {
	if issuing, ok := flow.(interface{ Issuer() string }); ok {
		return issuing.Issuer()
	}
	return ""
}

// StartURL returns the URL of a link that starts a consent for connector, with scheme
// and host. After the consent, the browser goes to returnTo, a path on Config.Origin.
// An empty returnTo means a page of the handler. A program that chooses the language
// adds "&language=de".
func (h *Handler) StartURL(connector, returnTo string) string {
	return h.startURL(record{Connector: connector, ReturnTo: returnTo})
}

func (h *Handler) startURL(rec record) string {
	query := url.Values{}
	for _, parameter := range []struct{ name, value string }{
		{"connector", rec.Connector}, {"return_to", rec.ReturnTo}, {"language", rec.Language}, {"popup", rec.Popup},
	} {
		if parameter.value != "" {
			query.Set(parameter.name, parameter.value)
		}
	}
	if len(query) == 0 {
		return h.base + "/start"
	}
	return h.base + "/start?" + query.Encode()
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	above, last := path.Split(strings.TrimRight(r.URL.Path, "/"))
	switch {
	case path.Base(above) == "callback":
		h.serveCallback(w, r, last)
	case last == "callback":
		h.serveCallback(w, r, "")
	case last == "start":
		if allow(w, r, http.MethodGet) {
			h.start(w, r)
		}
	case last == "device":
		if allow(w, r, http.MethodGet) {
			h.device(w, r)
		}
	case last == "connect.js":
		h.serveScript(w, r)
	default:
		http.NotFound(w, r)
	}
}

// serveCallback takes the callback as a query or as a form.
func (h *Handler) serveCallback(w http.ResponseWriter, r *http.Request, name string) {
	switch {
	case !allow(w, r, http.MethodGet, http.MethodPost):
	case r.Method == http.MethodPost:
		h.takeForm(w, r, name)
	default:
		h.callback(w, r, name)
	}
}

// allow reports whether the method of r is one of methods, and responds if not. A
// HEAD request must not use up a consent.
func allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) {
		return true
	}
	allowed := strings.Join(methods, ", ")
	w.Header().Set("Allow", allowed)
	http.Error(w, "use "+allowed, http.StatusMethodNotAllowed)
	return false
}
