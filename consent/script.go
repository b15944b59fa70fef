package consent

import (
	"net/http"

	"github.com/connectorauth/connectorauth/internal/look"
)

// serveScript serves connect.js in the person's language.
func (h *Handler) serveScript(w http.ResponseWriter, r *http.Request) {
	closed := make([]string, len(h.look.languages))
	for i, in := range h.look.languages {
		closed[i] = in.say(in.messages.Closed, Page{})
	}
	h.look.ServeScript(w, r, look.Opens{"connect": {"start", "connector"}}, closed, h.look.Choose("", r))
}
