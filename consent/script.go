package consent

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

//go:embed connect.js
var connectJS string

// scriptIn returns connect.js for a person with this language. The script knows the
// texts of all languages, for options.language.
func (l *look) scriptIn(in *language) string {
	closed := map[string]string{"": in.say(in.messages.Closed, Page{})}
	for _, other := range l.languages {
		closed[strings.ToLower(other.tag)] = other.say(other.messages.Closed, Page{})
	}
	texts, _ := json.Marshal(closed) // a map of strings is always JSON
	return strings.Replace(connectJS, "{/* texts */}", string(texts), 1)
}

// serveScript serves connect.js in the person's language.
func (h *Handler) serveScript(w http.ResponseWriter, r *http.Request) {
	script := h.look.scriptIn(h.look.choose("", r))
	header := w.Header()
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("Cache-Control", "no-cache") // browsers keep the script, and compare the ETag before each use
	header.Set("ETag", `"`+digest(script)[:16]+`"`)
	header.Add("Vary", "Accept-Language")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(w, r, "connect.js", time.Time{}, strings.NewReader(script))
}
