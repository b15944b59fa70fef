package authtest

import (
	"html/template"
	"net/http"
)

// A page is what a person sees in the browser: a form to sign in and consent, the
// consent with a verifier or code to copy, or an error.
type page struct {
	Title              string
	Error              string // shown above the form, or alone
	Form               bool
	Client, Scope      string
	Username, Password string
	Allowed            bool
	Verifier           string
}

var pageTemplate = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
{{with .Error}}<p id="error" role="alert">{{.}}</p>
{{end}}{{if .Form}}<p>The application <strong id="client">{{.Client}}</strong> asks for access to your account{{with .Scope}}: <strong id="scope">{{.}}</strong>{{end}}.</p>
<form method="post">
<p><label for="username">User name</label> <input id="username" name="username" value="{{.Username}}" autocomplete="username"></p>
<p><label for="password">Password</label> <input id="password" name="password" type="password" value="{{.Password}}" autocomplete="current-password"></p>
<p><button id="allow" name="decision" value="allow">Allow</button> <button id="deny" name="decision" value="deny">Deny</button></p>
</form>
{{end}}{{with .Verifier}}<p>Enter this code in the application: <code id="verifier">{{.}}</code></p>
{{else}}{{if .Allowed}}<p id="allowed">Go back to the application.</p>
{{end}}{{end}}</main>
</body>
</html>
`))

func writePage(w http.ResponseWriter, status int, content page) {
	switch {
	case content.Form:
		content.Title = "Sign in and allow access"
	case content.Allowed:
		content.Title = "Access allowed"
	default:
		content.Title = "The request failed"
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	pageTemplate.Execute(w, content)
}
