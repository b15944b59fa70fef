package consent

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/look"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
)

// longLived is a Flow that says how long the account owner may take. 0 means ten
// minutes.
type longLived interface{ ConsentLifetime() time.Duration }

// lifetimeOf returns how long the consent of flow may take.
func lifetimeOf(flow Flow) time.Duration {
	if long, ok := flow.(longLived); ok {
		if lifetime := long.ConsentLifetime(); lifetime > 0 {
			return min(lifetime, pending.MaxLifetime)
		}
	}
	return pending.Lifetime
}

// A Flow is a connector with a consent: a *connectorauth.OAuth1, or a
// *connectorauth.OAuth2 with the AuthorizationCode or the DeviceCode grant. A Flow of your
// own may be a [PollFlow], and may have more methods:
//
//   - ConsentLifetime() time.Duration: how long the account owner may take, at most 24
//     hours, and 0 for ten minutes.
//   - CallbackName() string: the name of the authorization server, where Config.Callback
//     is nil.
//   - ServiceName() string: the display name of the service, where Config.Service is nil.
//     People whom Config.Flow does not allow the connector do not see the name.
//
// An error of Finish that has the method ConsentReason() string says why the consent failed, by
// the word of a [Reason].
type Flow interface {
	// Begin returns the URL of the provider's page, and a pending value for Finish.
	Begin(ctx context.Context, redirectURL string) (authURL string, pending connectorauth.Secret, err error)
	// Finish reads the query of the callback and obtains the token. Finish refuses a
	// pending value that was finished before, in this process or in another.
	Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error
}

// Config describes a [Handler].
type Config struct {
	// URL is the handler's URL in the browser, such as
	// https://app.example/connect. The scheme is https, or http on loopback. The last
	// element of the path must not be "callback". An international host may be written in
	// Unicode; the callback URLs have the xn-- form (RFC 5890). Required.
	URL string
	// Callback returns the name of a connector's authorization server. The redirect
	// URL to register there is URL + "/callback/" + name, so a callback of one
	// authorization server is not taken for the callback of another (RFC 9700
	// sections 2.1 and 4.4). A name has at most 64 bytes: letters and
	// digits of ASCII, and the characters -._~ as well. Several connectors of one
	// authorization server may have one name, such as "google" for "google/alice"
	// and "google/bob". Nil means the CallbackName of the Flow, or the connector's own name.
	//
	// An empty name means the shared URL + "/callback". A connector there must have an
	// AuthorizationCode.Issuer, or the start of its consent fails: the
	// authorization servers are then told apart by the iss in their callbacks (RFC
	// 9207). A [Flow] of your own has the method Issuer() string.
	Callback func(connector string) string
	// Keys encrypt the cookies with AES-256-GCM. A key has 32 random bytes. Every
	// process needs the same keys. The first key encrypts, and every key decrypts.
	// To rotate: put a new key first, and remove the last key when the consents under
	// way are over: after ten minutes, or the longest ConsentLifetime.
	// Required.
	Keys []connectorauth.Secret
	// Flow returns the connector of the person who is signed in. The handler calls
	// Flow twice for each consent, with requests of the same browser: at the start
	// and at the callback. A consent on another device calls Flow at the start and at each
	// look at the page with the code. All calls have the same connector: the query parameter
	// "connector" of the start. Required.
	//
	// Connectors of different people must have different Accounts, with or without
	// a Store. Finish compares the Accounts to see whether another person has
	// signed in since the start. If nobody is signed in, return [ErrNotAllowed]. Another
	// error may say why by its method ConsentReason: see [Flow].
	Flow func(r *http.Request, connector string) (Flow, error)
	// Origin is the origin of the pages with connect.js. The handler tells the
	// outcome to pages of Origin alone, and sends people back there. Empty means
	// the origin of URL. With another origin, the handler asks for no confirmation:
	// links on every site can start a consent.
	Origin string
	// Service returns the display name of a connector's service for the pages, such as
	// "Google Calendar". Empty means that the pages name no service. Nil means an empty
	// name for every connector. The connector comes from the query of a start: everybody
	// who opens a link can read the name.
	Service func(connector string) string
	// Pages says how the pages look and which languages the pages speak.
	Pages Pages
	// Done is called when a consent has ended or was refused at the start, before
	// the person sees the page. If Done returns an error although the account is
	// connected, as when an insert into a database fails, the page and connect.js
	// tell [ReasonUnrecorded]. The token stays in the Store, and a new consent calls Done
	// again. The handler neither shows nor logs the error: Done itself should. An error
	// for a Result with an Err changes nothing. The context of the request does not end
	// if the person closes the window. Nil means no call.
	Done func(r *http.Request, result Result) error
}

// Result is the outcome of a consent.
type Result struct {
	// Connector is the query parameter "connector" of the start. Empty if the
	// request is malformed, if this browser has no cookie for the callback, or if a
	// provider refuses without a state: then nobody knows which consent is meant, and
	// anybody may have sent the callback.
	Connector string
	// Err is nil if the account is connected, otherwise an [*Error]. Err never has
	// ReasonUnrecorded: the error of Done is Done's own.
	Err error
}

// Handler serves the consent of a web application at paths below its URL: /start
// begins a consent, /callback/ and a name receive the browser from the provider of
// this name, /device shows the code of a consent on another device, and /connect.js is the
// script. A callback is a GET request, or a POST
// request with a form of at most 16 KiB. The handler looks only at the last two
// elements of the path, so mount the handler with or without [http.StripPrefix]. A
// Handler is safe for concurrent use, and calls Flow, Callback, Service and Done from
// many goroutines.
//
// The query of /start has four optional parameters. connector is an argument of
// Config.Flow: at most 256 bytes of UTF-8 without control characters. return_to is a
// path on Config.Origin for the way back: at most 1024 bytes, and no start of the
// handler. language is a tag of Pages.Languages. connect.js sets popup. The handler cuts
// nothing: any other query is refused with status 400, and Flow is not called.
type Handler struct {
	config      Config
	base        string // Config.URL without a final slash
	otherOrigin bool   // Config.Origin differs from the origin of Config.URL
	sealer      sealer
	cookies     cookies
	look        *appearance
}

// New checks config and returns a handler. The error names all mistakes. New does
// not use the network.
func New(config Config) (*Handler, error) {
	var problems check.List
	h := &Handler{config: config}
	u, err := origin.Endpoint(config.URL)
	switch {
	case err != nil:
		problems.Field("Config.URL", err)
		u = new(url.URL)
	case u.RawQuery != "" || u.ForceQuery:
		problems.Add("Config.URL: must not have a query")
	case path.Base(u.Path) == "callback":
		problems.Add(`Config.URL: must not end in "callback", the handler adds "/callback" and a name`)
	}
	home := look.Origin(u)
	h.base = strings.TrimRight(home+u.EscapedPath(), "/")
	h.config.Origin = home
	if config.Origin != "" {
		o, err := origin.Endpoint(config.Origin)
		if err != nil || o.Scheme+"://"+o.Host != strings.TrimRight(config.Origin, "/") {
			problems.Add("Config.Origin: want a scheme and a host, such as https://app.example (http is for loopback only)")
		} else {
			h.config.Origin = look.Origin(o)
		}
	}
	h.otherOrigin = h.config.Origin != home
	if config.Flow == nil {
		problems.Add("Config.Flow: must not be nil")
	}
	h.look, err = config.Pages.check()
	problems.Field("Config.Pages", err)
	h.config.Keys = nil
	h.sealer, err = newSealer(config.Keys)
	problems.Field("Config.Keys", err)
	h.cookies = newCookies(h.callbackURL(""), u.Scheme == "https", h.sealer)
	if err := problems.Joined(); err != nil {
		return nil, fmt.Errorf("consent: %w", err)
	}
	return h, nil
}

// Format writes the type alone, for every verb.
func (Handler) Format(f fmt.State, _ rune) { io.WriteString(f, "consent.Handler") }
