package pages

import (
	"errors"
	"net/http"
	"strings"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/internal/look"
)

// A route is what the handler does at a path for the owner of accounts.
type route struct {
	pattern string // as in http.ServeMux, below the path of the handler
	serve   func(*exchange) error
}

// routes are all routes of owners. A pattern below /api is part of the JSON API.
var routes = []route{
	{"GET /{$}", (*exchange).listPage},
	{"GET /connect", (*exchange).connectPage},
	{"POST /connect", (*exchange).connectForm},
	{"GET /account", (*exchange).accountPage},
	{"POST /test", (*exchange).testForm},
	{"GET /reconnect", (*exchange).reconnectPage},
	{"POST /reconnect", (*exchange).reconnectForm},
	{"GET /disconnect", (*exchange).disconnectPage},
	{"POST /disconnect", (*exchange).disconnectForm},

	{"GET /api/services", (*exchange).servicesJSON},
	{"GET /api/services/{service}", (*exchange).serviceJSON},
	{"GET /api/accounts", (*exchange).listJSON},
	{"POST /api/accounts", (*exchange).connectJSON},
	{"GET /api/accounts/{id}", (*exchange).accountJSON},
	{"DELETE /api/accounts/{id}", (*exchange).disconnectJSON},
	{"GET /api/accounts/{id}/form", (*exchange).formJSON},
	{"POST /api/accounts/{id}/reconnect", (*exchange).reconnectJSON},
	{"POST /api/accounts/{id}/test", (*exchange).testJSON},
}

// mount makes the mux.
func (h *Handler) mount() {
	h.mux = http.NewServeMux()
	for _, route := range routes {
		method, path, _ := strings.Cut(route.pattern, " ")
		h.mux.HandleFunc(method+" "+h.path+path, func(w http.ResponseWriter, r *http.Request) {
			h.serve(w, r, route.serve, strings.HasPrefix(path, "/api/"))
		})
	}
	h.mux.HandleFunc("GET "+h.path+"/connect.js", h.serveScript)
	for _, path := range []string{"/start", "/device", "/callback", "/callback/{name}"} {
		h.mux.Handle(h.path+path, h.consents)
	}
}

// serveScript serves connect.js, which also opens these pages.
func (h *Handler) serveScript(w http.ResponseWriter, r *http.Request) {
	closed := make([]string, len(h.languages))
	for i, in := range h.languages {
		closed[i] = in.text("closed")
	}
	h.look.ServeScript(w, r, look.Opens{"connect": {"connect", "service"}, "reconnect": {"reconnect", "id"}, "consent": {}}, closed, h.look.Choose("", r))
}

// An exchange is a request of a person and the response.
type exchange struct {
	*Handler
	w     http.ResponseWriter
	r     *http.Request
	owner string
	in    language
	way   way

	registry *accounts.Registry // of the actor
	method   string             // of the form that was sent
	faults   []error            // of Registry.Ready
}

// serve finds out who the person is, and calls f. An error of f becomes a page, or JSON.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, f func(*exchange) error, json bool) {
	x := &exchange{Handler: h, w: w, r: r, way: h.readWay(r.URL.Query())}
	x.in = h.languages[h.look.Choose(x.way.language, r)]
	x.w.Header().Add("Vary", "Accept-Language")
	err := x.enter()
	if err == nil {
		err = f(x)
	}
	if err == nil {
		return
	}
	failed := x.explain(err)
	if failed.internal {
		h.config.Failed(r, err)
	}
	if json {
		x.writeJSON(failed.status, failed)
		return
	}
	x.messagePage(failed)
}

// enter finds out whether the request comes from a page of this site, and for whom.
func (x *exchange) enter() error {
	if x.guard.Check(x.r) != nil {
		return errCrossSite
	}
	owner, err := x.ownerOf(x.r)
	if err == nil {
		x.owner, x.registry = owner, x.config.Registry.As(x.actor(x.r, owner))
	}
	return err
}

// actor returns who acts for an owner.
func (h *Handler) actor(r *http.Request, owner string) string {
	if h.config.Actor != nil {
		return h.config.Actor(r)
	}
	return owner
}

// ownerOf returns the owner for a request, who is somebody.
func (h *Handler) ownerOf(r *http.Request) (string, error) {
	owner, err := h.config.Owner(r)
	switch {
	case errors.Is(err, consent.ErrNotAllowed):
		return "", consent.ErrNotAllowed
	case err != nil:
		return "", err
	case owner == "":
		return "", consent.ErrNotAllowed
	}
	return owner, nil
}
