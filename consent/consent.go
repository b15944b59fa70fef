// Package consent takes an account owner through the consent of an OAuth
// connector: in a web application by a [Handler] and the popup that its
// connect.js opens, in a command-line program by [Loopback].
//
//	handler, err := consent.New(consent.Config{
//		URL:  "https://app.example/connect", // register https://app.example/connect/callback at the provider
//		Keys: [][]byte{key},                 // 32 random bytes, the same on every replica
//		Flow: func(r *http.Request, connector string) (consent.Flow, error) {
//			user, ok := signedIn(r)
//			if !ok {
//				return nil, consent.ErrNotAllowed
//			}
//			return connectors.For(user, connector) // a *connectorauth.OAuth2 or *OAuth1
//		},
//		Store: store,
//	})
//	mux.Handle("/connect/", handler)
//
// # In the page
//
// The handler serves a script that opens the popup. Call connect from a click,
// or the browser will block it:
//
//	<script src="/connect/connect.js"></script>
//	<script>
//		button.onclick = () => connectorauth.connect("google").then(
//			() => location.reload(),
//			(error) => { if (error.reason !== "closed") show(error.message); })
//	</script>
//
// Where popups are blocked the script goes to the provider in the same window
// instead, as a plain link does too:
//
//	<a href="/connect/start?connector=google&return_to=/settings">Connect</a>
//
// # What protects the account owner
//
// What must come back to [Flow].Finish travels in a sealed cookie (__Host-,
// HttpOnly, Secure, SameSite=Lax) of its own for each consent, so a callback is
// taken only by the browser that began it, within ten minutes, by any replica
// with the same Keys. It is taken once: the cookie is deleted, and a mark is
// left in Store. A consent begun by a link on another site must be confirmed.
//
// The pages have no scripts but their own and show nothing that a callback
// carries. They do not work in a frame, nor should a provider's: open a browser,
// never an embedded web view (RFC 8252 section 8.12).
package consent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/origin"
)

// lifetime is how long an account owner may take from start to callback.
const lifetime = 10 * time.Minute

// A Flow is a connector whose account owner can consent: *connectorauth.OAuth1
// and *connectorauth.OAuth2 with the AuthorizationCode grant.
type Flow interface {
	Begin(ctx context.Context, redirectURL string) (authURL string, pending connectorauth.Secret, err error)
	Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error
}

// Config describes a [Handler].
type Config struct {
	// URL is where browsers reach the handler, such as
	// https://app.example/connect. The callback to register at the provider is
	// that with /callback. Required; https except on loopback.
	URL string
	// Keys seal the cookies, with AES-256-GCM: 32 random bytes each, the same on
	// every replica. The first one seals and all of them open: to rotate, put a
	// new key first and remove the last one ten minutes later. Required.
	Keys [][]byte
	// Flow returns the connector to connect for whoever is signed in. It is
	// called twice for each consent, at the start and at the callback, by
	// requests of the same browser; connector is the start's query parameter of
	// that name, brought to the callback under seal. Required.
	//
	// The connectors of different people must have different Accounts, with or
	// without a Store: that is how Finish knows that another person has signed
	// in meanwhile. Return [ErrNotAllowed] where nobody is signed in.
	Flow func(r *http.Request, connector string) (Flow, error)
	// Store keeps the marks of the consents that were answered, under 256 keys
	// that begin with "connectorauth-consent-". Empty means memory, which is
	// right for one process only.
	Store connectorauth.SharedTokenStore
	// Origin is that of the pages that open the popup, and the only one that is
	// told how it ended. People return there. Empty means the origin of URL. With
	// another origin, links on any site begin a consent without a confirmation.
	Origin string
	// Name is the application's, for the pages; empty means "the application".
	Name string
	// Page renders the pages, from a [Page]; empty means a page of our own.
	Page *template.Template
	// Done is told how each consent ended, before the page is shown; empty means
	// nobody is.
	Done func(r *http.Request, result Result)
}

// Result is how a consent ended.
type Result struct {
	// Connector is the name it was started with; empty where the callback
	// belongs to no consent of this browser.
	Connector string
	// Err is nil when the account is connected, and else an [*Error].
	Err error
}

// Handler serves the consent under its URL: /start begins one, /callback is
// where the provider sends the browser back to, and /connect.js is the script.
// Mount it with or without [http.StripPrefix]: it looks at the last element of
// the path only.
//
// The query of /start has three parameters, all optional: connector is given to
// Config.Flow, return_to is a path on Config.Origin to return to, and popup is
// set by connect.js.
type Handler struct {
	config   Config
	base     string // Config.URL, without a slash at its end
	crossing bool   // Config.Origin is another origin than URL's
	cookies  cookies
	marks    marks
}

// New returns a handler. It makes no request.
func New(config Config) (*Handler, error) {
	u, err := origin.Endpoint(config.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("consent: Config.URL: %w", err)
	case u.RawQuery != "" || u.ForceQuery:
		return nil, errors.New("consent: Config.URL: must not have a query")
	case config.Flow == nil:
		return nil, errors.New("consent: Config.Flow: is empty")
	}
	home := originOf(u)
	h := &Handler{config: config, base: strings.TrimRight(home+u.EscapedPath(), "/")}
	h.config.Origin = home
	if config.Origin != "" {
		o, err := origin.Endpoint(config.Origin)
		if err != nil || o.Scheme+"://"+o.Host != strings.TrimRight(config.Origin, "/") {
			return nil, fmt.Errorf("consent: Config.Origin: want https and a host, such as https://app.example (http is for loopback only)")
		}
		h.config.Origin = originOf(o)
	}
	h.crossing = h.config.Origin != home
	h.config.Name = cmp.Or(config.Name, "the application")
	if config.Page == nil {
		h.config.Page = pageTemplate
	}
	h.marks.store = config.Store
	if config.Store == nil {
		h.marks.store = new(connectorauth.MemoryStore)
	}
	h.cookies, err = newCookies(h.CallbackURL(), u.Scheme == "https", config.Keys)
	if err != nil {
		return nil, fmt.Errorf("consent: Config.Keys: %w", err)
	}
	return h, nil
}

// originOf returns u's origin as browsers write it.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// CallbackURL returns the redirect URL to register at the provider.
func (h *Handler) CallbackURL() string { return h.base + "/callback" }

// StartURL returns where a link begins a consent for connector and returns to
// returnTo, a path on Config.Origin; empty means that it ends on a page of the
// handler.
func (h *Handler) StartURL(connector, returnTo string) string {
	return h.startURL(record{Connector: connector, ReturnTo: returnTo})
}

func (h *Handler) startURL(rec record) string {
	query := url.Values{}
	for _, parameter := range []struct{ name, value string }{
		{"connector", rec.Connector}, {"return_to", rec.ReturnTo}, {"popup", rec.Popup},
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
	var serve func(http.ResponseWriter, *http.Request)
	switch path.Base(r.URL.Path) {
	case "start":
		serve = h.start
	case "callback":
		serve = h.callback
	case "connect.js":
		serveScript(w, r)
		return
	default:
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet { // HEAD too would use a consent up
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "use GET", http.StatusMethodNotAllowed)
		return
	}
	serve(w, r)
}
