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

// A Page is the data of the templates Config.Page and LoopbackOptions.Page. A
// template must put Script at the end of the body, and Nonce into its style
// elements. The Content-Security-Policy of the page allows nothing else: no image,
// no other script, no file from another URL. In a popup, Script hides the element
// with the id "back" and shows the button with the id "close".
type Page struct {
	Title, Message string
	Reason         Reason        // why the consent failed; empty if the consent did not fail
	Name           string        // name of the application
	Back           string        // URL of the application; empty for a command-line program
	Retry          string        // URL that starts the consent again; empty if unknown
	Continue       string        // URL for a person who confirms the start; empty on all other pages
	Nonce          string        // for <style nonce="…">
	Script         template.HTML // a script element; tells the opener the outcome and closes the popup

	popup string // the popup's ID from connect.js; empty without a popup
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
	return `"` + digest(content)[:16] + `"`
}

// connected is connect.js's word for success.
const connected = "connected"

func successPage() Page {
	return Page{Title: "Your account is connected", Message: "You can close this window."}
}

func confirmPage(link string) Page {
	return Page{
		Title:    "Do you want to connect an account?",
		Message:  "A link on another site brought you here. Continue only if you want to connect your account.",
		Continue: link,
	}
}

// pageTexts are the title and the message of the page for each reason.
var pageTexts = map[Reason][2]string{
	ReasonDenied:     {"Access was not allowed", "You did not allow access. No account was connected."},
	ReasonInvalid:    {"This request is not valid", "Something in the request is missing or damaged. No account was connected."},
	ReasonUnknown:    {"There is no connection to complete", "The connection may be complete already, or too old, or started in another browser. Or this browser blocks cookies. No account was connected just now."},
	ReasonExpired:    {"The connection took too long", "For your safety, you must connect an account within ten minutes. No account was connected."},
	ReasonUsed:       {"This page was opened twice", "Only the first time counts. Go back to see whether your account is connected."},
	ReasonMixUp:      {"This is not the service or account that you chose", "The response belongs to another service or to another person. No account was connected."},
	ReasonNotAllowed: {"You cannot connect this account", "Sign in first, then try again."},
	ReasonRefused:    {"The service refused the connection", "The service does not accept this application. No account was connected. Please tell the makers of the application."},
	ReasonProvider:   {"The service is not available", "The service may be busy or down. No account was connected. Try again in a few minutes."},
	ReasonStore:      {"The connection could not be saved", "Something is wrong on our side. Try again in a few minutes."},
	ReasonInternal:   {"Something went wrong", "No account was connected. Try again in a few minutes."},

	ReasonNotRecorded: {"The connection could not be recorded", "Your account may be connected, but something is wrong on our side. Go back to see whether the account is there. If not, try again in a few minutes."},
}

func failurePage(reason Reason) Page {
	text := pageTexts[reason]
	return Page{Title: text[0], Message: text[1], Reason: reason}
}

// send renders p with template t and sends the page. Its script tells the outcome
// to a window of this origin alone.
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
	if err != nil { // an error in Config.Page
		header.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		w.Write([]byte(p.Title + "\n(the template of this page has an error)\n"))
		return
	}
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(page.Len()))
	w.WriteHeader(status)
	w.Write(page.Bytes())
}

// secureHeader sets the headers of every page. Cross-Origin-Opener-Policy gets its
// default value, because a middleware may have set another value. Every other
// value would take window.opener away from the page.
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

// serveScript serves connect.js. The script is the same for every person.
func serveScript(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/javascript; charset=utf-8")
	header.Set("Cache-Control", "no-cache") // browsers keep the script, and compare the ETag before each use
	header.Set("ETag", connectJSETag)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(w, r, "connect.js", time.Time{}, strings.NewReader(connectJS))
}
