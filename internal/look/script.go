package look

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

var (
	//go:embed connect.js
	connectJS string

	//go:embed page.js
	pageJS         string
	scriptTemplate = sync.OnceValue(func() *template.Template {
		return template.Must(template.New("script").Parse(
			`<script nonce="{{.Nonce}}" data-origin="{{.Origin}}" data-popup="{{.Popup}}" data-outcome="{{.Word}}" data-text="{{.Text}}"` +
				`{{with .Account}} data-account="{{.}}"{{end}}{{if .Stay}} data-stay{{end}}>{{.Code}}</script>`))
	})
)

// Connected is the outcome for success.
const Connected = "connected"

// An Outcome is what a page tells the window that has opened its popup.
type Outcome struct {
	Nonce   string
	Origin  string // of the windows that may learn of the outcome
	Popup   string // the popup's ID from connect.js; empty without a popup
	Word    string // Connected, or why nothing is connected; empty means that nobody is told yet
	Text    string // what the person reads
	Account string // what was connected, or empty
	Stay    bool   // the popup stays open
}

// Script returns the script element that tells the outcome.
func (o Outcome) Script() (template.HTML, error) {
	var script bytes.Buffer
	err := scriptTemplate().Execute(&script, struct {
		Outcome
		Code template.JS
	}{o, template.JS(pageJS)})
	return template.HTML(script.String()), err
}

// Opens are the functions of connect.js, by name. Each opens a URL below that of the
// script: a path, and the name of the query parameter for the argument of the function.
// Two empty texts mean that the argument is the URL.
type Opens map[string][2]string

// ServeScript serves connect.js with these functions. closed has the text for a popup that
// the person has closed, in the order of Languages; in is the index of the person's.
func (l *Look) ServeScript(w http.ResponseWriter, r *http.Request, functions Opens, closed []string, in int) {
	texts := map[string]string{"": closed[in]}
	for i, other := range l.Languages {
		texts[strings.ToLower(other.Tag)] = closed[i]
	}
	textsJSON, _ := json.Marshal(texts) // maps of strings are always JSON
	functionsJSON, _ := json.Marshal(functions)
	script := strings.NewReplacer("{/* texts */}", string(textsJSON), "{/* functions */}", string(functionsJSON)).Replace(connectJS)
	header := w.Header()
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("Cache-Control", "no-cache") // browsers keep the script, and compare the ETag before each use
	sum := sha256.Sum256([]byte(script))
	header.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:])[:16]+`"`)
	header.Add("Vary", "Accept-Language")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(w, r, "connect.js", time.Time{}, strings.NewReader(script))
}

// IsPopup reports whether text can be the ID of a popup from connect.js. Empty means no
// popup.
func IsPopup(text string) bool {
	return len(text) <= 64 && strings.Trim(text, "0123456789abcdef") == ""
}

// maxPath is the maximum length of the path for the way back, in bytes.
const maxPath = 1024

// IsPath reports whether text, behind an origin, is a path on this origin for
// every browser. Characters that browsers remove or replace are not allowed.
func IsPath(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= maxPath &&
		strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") &&
		u.Scheme == "" && u.Host == "" && u.User == nil && u.Opaque == "" &&
		!strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == '\\' || c >= 0x7f })
}
