package consent

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"html/template"
	"net/http"
	"strconv"
	"sync"

	"github.com/connectorauth/connectorauth/internal/look"
)

// A Page is the data of the template Pages.Template. A template must put Script at
// the end of the body, and Nonce into its style elements. The
// Content-Security-Policy of the page allows nothing else but images in the page
// itself (data URLs): no other script, no file from another URL. In a popup, Script
// hides the element with the id "back" and shows the button with the id "close".
type Page struct {
	Title, Message string
	Reason         Reason // why the consent failed; empty if the consent did not fail
	Name           string // Pages.Name; empty if unknown
	Service        string // display name of the service; empty if unknown
	Language       string // language tag, for <html lang="…">
	Direction      string // "ltr" or "rtl", for <html dir="…">

	Code    string // the code that the account owner types on another device (RFC 8628), which Title has too; empty on all other pages
	Address string // where the account owner types Code, which Message has too
	Open    string // URL of that page, perhaps with Code in the URL

	Continue string // URL for a person who confirms the start; empty on all other pages
	Retry    string // URL that starts the consent again; empty if unknown
	Back     string // URL of the application; empty for a command-line program

	OpenText, ContinueText, RetryText, BackText string // for the links to these URLs
	CloseText                                   string // for the button with the id "close"

	Logo     template.URL    // Pages.Logo, for <img src="…">; empty without a logo
	LogoDark template.Srcset // Pages.LogoDark, for <source srcset="…">; empty if Logo serves dark pages too

	Accent, OnAccent         string // Pages.Accent and the colour of a text on it, as #rrggbb
	AccentDark, OnAccentDark string // for people whose browser prefers dark pages

	Nonce  string        // for <style nonce="…">
	Script template.HTML // a script element; tells the opener the outcome and closes the popup

	popup   string // the popup's ID from connect.js; empty without a popup
	account string // the connector of the start; empty if unknown
}

var (
	//go:embed page.html
	pageHTML     string
	pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(look.Parts().New("page").Parse(pageHTML)) })
)

// send renders p and sends the page. Its script tells the outcome to a window of
// this origin alone.
func (a *appearance) send(w http.ResponseWriter, p Page, origin string, status int) {
	p.Nonce = rand.Text()
	outcome, text := string(p.Reason), p.Title+". "+p.Message
	if p.Reason == "" {
		outcome, text = connected, ""
	}
	if p.Continue != "" || p.Code != "" {
		outcome = ""
	}
	var page bytes.Buffer
	script, err := look.Outcome{Nonce: p.Nonce, Origin: origin, Popup: p.popup, Word: outcome, Text: text, Account: p.account}.Script()
	p.Script = script
	if err == nil {
		err = a.template.Execute(&page, p)
	}
	header := w.Header()
	look.SecureHeader(header, p.Nonce, "'none'")
	header.Set("Content-Language", p.Language)
	header.Add("Vary", "Accept-Language")
	if err != nil { // an error in Pages.Template
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
