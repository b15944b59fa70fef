package consent

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Page is what a Config.Page or LoopbackOptions.Page renders. Such a template
// may show any of it, must end its body with Script, and give Nonce to its
// style elements: the Content-Security-Policy allows nothing else, no image and
// no script from elsewhere included. In a popup the script hides an element with
// the id "back" and unhides a button with the id "close".
type Page struct {
	Title, Message string
	Reason         Reason        // why the consent failed; empty if it did not
	Name           string        // the application's
	Back           string        // where the application is; empty for a command-line program
	Retry          string        // where to begin the consent again; empty where that is not known
	Continue       string        // where to go on, on the page that asks for a confirmation; else empty
	Nonce          string        // for <style nonce="…">
	Script         template.HTML // a script element that tells the opener and closes a popup

	popup string // connect.js's name for the window, if it is one of its popups
}

var (
	//go:embed page.html
	pageHTML     string
	pageTemplate = template.Must(template.New("page").Parse(pageHTML))

	//go:embed page.js
	pageJS         string
	scriptTemplate = template.Must(template.New("script").Parse(
		`<script nonce="{{.Nonce}}" data-origin="{{.Origin}}" data-popup="{{.Popup}}" data-outcome="{{.Outcome}}">{{.Code}}</script>`))

	//go:embed connect.js
	connectJS     string
	connectJSETag = etag(connectJS)
)

func etag(content string) string {
	return `"` + condense(content)[:16] + `"`
}

// connected is the outcome that connect.js takes for success.
const connected = "connected"

func successPage() Page {
	return Page{Title: "Your account is connected", Message: "You can close this window."}
}

func confirmPage(link string) Page {
	return Page{
		Title:    "Do you want to connect an account?",
		Message:  "A link on another site brought you here. Go on only if you meant to connect an account of yours.",
		Continue: link,
	}
}

// pageTexts are the title and the message for each reason.
var pageTexts = map[Reason][2]string{
	ReasonDenied:     {"Access was not allowed", "You chose not to allow access, so nothing was connected."},
	ReasonInvalid:    {"This request is not valid", "Something in it is missing or damaged, so nothing was connected."},
	ReasonUnknown:    {"Nothing is waiting for this answer", "It was used already, or began in another browser or too long ago, or this browser blocks cookies. Nothing was connected just now."},
	ReasonExpired:    {"That took too long", "To keep your account safe, a connection must be completed within ten minutes. Nothing was connected."},
	ReasonUsed:       {"This was answered already", "The same answer came twice and counted once. Go back to see whether your account is connected."},
	ReasonMixUp:      {"This answer came from elsewhere", "It does not belong to the service and the account that you chose, so nothing was connected."},
	ReasonNotAllowed: {"You cannot connect this account", "Sign in first, and begin from there."},
	ReasonRefused:    {"The service refused the connection", "It does not accept this application as it is set up. Nothing was connected, and its makers need to know."},
	ReasonProvider:   {"The service did not answer", "It may be busy or down. Nothing was connected; try again in a few minutes."},
	ReasonStore:      {"The connection could not be saved", "Something is wrong on our side. Try again in a few minutes."},
	ReasonInternal:   {"Something went wrong", "Nothing was connected. Try again in a few minutes."},
}

func failurePage(reason Reason) Page {
	text := pageTexts[reason]
	return Page{Title: text[0], Message: text[1], Reason: reason}
}

// send renders the page. origin is whom its script may tell.
func (p Page) send(w http.ResponseWriter, t *template.Template, origin string, status int) {
	p.Nonce = rand.Text()
	outcome := string(p.Reason)
	if outcome == "" && p.Continue == "" {
		outcome = connected
	}
	var script, page bytes.Buffer
	err := scriptTemplate.Execute(&script, struct {
		Nonce, Origin, Popup, Outcome string
		Code                          template.JS
	}{p.Nonce, origin, p.popup, outcome, template.JS(pageJS)})
	p.Script = template.HTML(script.String())
	if err == nil {
		err = t.Execute(&page, p)
	}
	header := w.Header()
	secureHeader(header, p.Nonce)
	if err != nil { // the importer's template
		header.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		w.Write([]byte(p.Title + "\n(this page's template failed)\n"))
		return
	}
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(page.Len()))
	w.WriteHeader(status)
	w.Write(page.Bytes())
}

// secureHeader sets the headers of every page. The opener policy is the default
// one, set in case that a middleware has another: any other would take
// window.opener away.
func secureHeader(header http.Header, nonce string) {
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; script-src 'nonce-"+nonce+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("Cross-Origin-Opener-Policy", "unsafe-none")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("X-Robots-Tag", "noindex")
}

// serveScript serves connect.js, which is the same for everybody.
func serveScript(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("Cache-Control", "no-cache") // but ask whether the ETag is still right
	header.Set("ETag", connectJSETag)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(w, r, "connect.js", time.Time{}, strings.NewReader(connectJS))
}
