package pages

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/look"
)

// Config describes a Handler.
type Config struct {
	// URL is the handler's URL in the browser, such as https://app.example/accounts. The
	// scheme is https, or http on loopback. The path has letters and digits of ASCII and the
	// characters -._~ between slashes, no element . or .., and does not end in "callback".
	// Open the pages at the same host: the cookies of localhost are not those of 127.0.0.1.
	// Required.
	URL string
	// Keys encrypt the cookies of consents. A key has 32 random bytes, the same in every
	// process: see consent.Config. Required.
	Keys []connectorauth.Secret
	// Registry has the accounts. The pages offer the methods of its definitions for which the
	// program is ready: see accounts.Registry.Ready. Required.
	Registry *accounts.Registry
	// Owner returns the owner of the accounts that the person may see and change, in the
	// words of accounts.Request.Owner. If nobody is signed in, return consent.ErrNotAllowed;
	// an empty owner means the same: the page says so, and has no link. A program that leads
	// people to its own sign-in does so before the handler. Owner is called for each request
	// but those for connect.js. Required.
	Owner func(r *http.Request) (string, error)
	// Actor returns who acts for the owner, such as a member of a team, for the audit log: see
	// accounts.Registry.As. Nil means the owner.
	Actor func(r *http.Request) string
	// Origin is the origin of the program's pages: the pages that use connect.js, and those
	// of the way back. Empty means the origin of URL.
	Origin string
	// Callback returns the last element of the callback URL of a definition, which is URL +
	// "/callback/" + name: see consent.Config. Register the callback URL at the provider. Nil
	// means the CallbackName of the accounts.Flow: the name of the definition, or with the
	// type MCP a name of each MCP server.
	Callback func(definition string) string
	// Pages says how the pages look and which languages they speak. Pages.Template is for the
	// pages of consents alone.
	Pages consent.Pages
	// Messages are texts in place of the built-in ones, and those of further languages, by a
	// tag of Pages.Languages. Empty means the built-in texts.
	Messages map[string]Messages
	// Done is called when an account was connected, for the first time or again, before the
	// person sees the page. The context of r does not end if the person closes the window. Nil
	// means no call.
	Done func(r *http.Request, a accounts.Account)
	// Failed is called with an error that no person can help, such as one of the Index, the
	// Store or Owner, or a registration that the program lacks or a provider refuses, for a
	// log. The person sees that something went wrong, and no reason. Nil means that
	// slog.Default() logs the error.
	Failed func(r *http.Request, err error)
}

// A Handler serves the pages and the JSON API below the path of Config.URL. Mount the
// handler at this path, without http.StripPrefix. A Handler is safe for concurrent use, and
// calls the functions of its Config from many goroutines.
type Handler struct {
	config    Config
	base      string // Config.URL without a final slash
	path      string // of base
	home      string // the origin of base
	origin    string // of the program's pages
	consents  *consent.Handler
	guard     *http.CrossOriginProtection
	look      *look.Look
	languages []language
	mux       *http.ServeMux
	offers    *offers
}

// unreserved are the characters that look the same in every spelling of a URL (RFC 3986
// section 2.3), and the slash.
const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"

// New checks config and returns a Handler. The error lists all mistakes. New makes no
// request.
func New(config Config) (*Handler, error) {
	var problems check.List
	if config.Registry == nil {
		problems.Add("Config.Registry: must not be nil")
	}
	if config.Owner == nil {
		problems.Add("Config.Owner: must not be nil")
	}
	if config.Failed == nil {
		config.Failed = logFailed
	}
	h := &Handler{config: config, guard: http.NewCrossOriginProtection(), offers: new(offers)}
	var err error
	h.consents, err = consent.New(consent.Config{
		URL: config.URL, Keys: config.Keys, Origin: config.Origin, Flow: h.flow, Pages: config.Pages, Done: h.consented,
	})
	if err != nil {
		problems.Join(errors.Unwrap(err))
	}
	h.config.Keys = nil // consent hides them from reflection
	u, err := url.Parse(config.URL)
	if err == nil {
		h.home, h.path = look.Origin(u), strings.TrimRight(u.EscapedPath(), "/")
		h.base, h.origin = h.home+h.path, h.home
		if strings.Trim(h.path, unreserved) != "" {
			problems.Add("Config.URL: the path must have letters, digits, slashes and -._~ alone")
		} else if h.path != "" && path.Clean(h.path) != h.path {
			problems.Add("Config.URL: the path must have no empty element, and none that is . or ..")
		}
	}
	if o, err := url.Parse(config.Origin); err == nil && config.Origin != "" {
		h.origin = look.Origin(o)
	}
	tags := []string{"de", "en"}
	if config.Pages.Languages != nil {
		tags = keys(config.Pages.Languages)
	}
	p := config.Pages
	h.look, err = look.New(look.Config{
		Name: p.Name, Logo: p.Logo, LogoDark: p.LogoDark, Accent: p.Accent, AccentDark: p.AccentDark, Languages: tags, Default: p.Default,
	})
	if err == nil { // or consent.New has told
		h.languages, err = newLanguages(h.look.Languages, config.Messages)
		problems.Field("Config.Messages", err)
	}
	if err := problems.Joined(); err != nil {
		return nil, fmt.Errorf("pages: New: %w", err)
	}
	if err := h.guard.AddTrustedOrigin(h.home); err != nil {
		return nil, fmt.Errorf("pages: New: Config.URL: %w", err)
	}
	h.mount()
	return h, nil
}

// Format writes the type alone, for every verb.
func (Handler) Format(f fmt.State, _ rune) { io.WriteString(f, "pages.Handler") }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// logFailed is Config.Failed of a program that has none.
func logFailed(r *http.Request, err error) {
	slog.ErrorContext(r.Context(), "accounts/pages: a request has failed", slog.String("path", r.URL.Path), slog.Any("error", err))
}
