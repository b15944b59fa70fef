package serve

import (
	"crypto/sha256"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/consent"
)

// pagesPath is the path of all pages. No definition has the name "-".
const pagesPath = "/-"

// linkLifetime is how long a link to sign in may be used.
const linkLifetime = 10 * time.Minute

// pagesURL returns the URL of package pages.
func (s *Server) pagesURL() string { return s.url + pagesPath + "/accounts" }

// accountURL returns the URL of the page of an account.
func (s *Server) accountURL(id string) string {
	return s.pagesURL() + "/account?" + url.Values{"id": {id}}.Encode()
}

// reconnectURL returns the URL of the form that connects an account again.
func (s *Server) reconnectURL(id string) string {
	return s.pagesURL() + "/reconnect?" + url.Values{"id": {id}}.Encode()
}

// Link returns a link that signs a browser in to the pages: once, and within ten minutes.
// Whoever has the link can sign in, so show the link to the person alone.
func (s *Server) Link() string {
	code := newSecret()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for old, end := range s.links {
		if now.After(end) {
			delete(s.links, old)
		}
	}
	s.links[sha256.Sum256([]byte(code))] = now.Add(linkLifetime)
	return s.url + pagesPath + "/sign-in?code=" + code
}

// use reports whether a code of a link is good, and ends the code.
func (s *Server) use(code string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	hash := sha256.Sum256([]byte(code))
	end, ok := s.links[hash]
	delete(s.links, hash)
	return ok && time.Now().Before(end)
}

// isBelow reports whether a path is a root, or below the root.
func isBelow(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// lower returns a host with ASCII letters in lower case.
func lower(host string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, host)
}

// servePages serves what is for browsers.
func (s *Server) servePages(w http.ResponseWriter, r *http.Request) {
	home := "http://"+lower(r.Host) == s.url
	switch path := r.URL.Path; {
	case !home && (r.Method == http.MethodGet || r.Method == http.MethodHead): // a cookie belongs to one name
		http.Redirect(w, r, s.url+r.URL.RequestURI(), http.StatusSeeOther)
	case path == pagesPath+"/sign-in":
		s.signIn(w, r)
	case !isBelow(path, pagesPath+"/accounts"):
		http.Redirect(w, r, s.pagesURL()+"/", http.StatusSeeOther)
	case s.isSignedIn(r), isBelow(path, pagesPath+"/accounts/callback"), path == pagesPath+"/accounts/connect.js":
		s.pages.ServeHTTP(w, r) // a callback as a form has no cookie: see package consent
	case isFromBrowser(r.Header) || strings.Contains(r.Header.Get("Accept"), "text/html"):
		s.writeSignIn(w, http.StatusUnauthorized, "")
	default:
		(&failure{status: http.StatusUnauthorized, Code: "token_missing", Message: "nobody has signed in, and the request has no token of this run"}).write(w)
	}
}

// owner is the Owner of package pages.
func (s *Server) owner(r *http.Request) (string, error) {
	if !s.isSignedIn(r) {
		return "", consent.ErrNotAllowed
	}
	return s.config.Owner, nil
}

// cookieName returns the name of the cookie. Browsers send a cookie to all ports, so the name
// has the port.
func (s *Server) cookieName() string { return "connectorauth_" + s.port }

// isSignedIn reports whether a browser has the cookie of this run, or a program the token.
func (s *Server) isSignedIn(r *http.Request) bool {
	for _, c := range r.CookiesNamed(s.cookieName()) {
		if equal(c.Value, s.session()) {
			return true
		}
	}
	if isFromBrowser(r.Header) {
		return false
	}
	ok, _ := s.takeToken(r.Header.Clone())
	return ok
}

// signIn serves the page to sign in: GET with the code of a link, or POST with the token.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	switch code := r.URL.Query().Get("code"); r.Method {
	case http.MethodGet:
		if code == "" {
			s.writeSignIn(w, http.StatusOK, "")
		} else if s.use(code) {
			s.letIn(w)
		} else {
			s.writeSignIn(w, http.StatusForbidden, "This link was used, or is too old.")
		}
	case http.MethodPost:
		r.Body = http.MaxBytesReader(w, r.Body, 4096)
		if s.guard.Check(r) != nil || !equal(strings.TrimSpace(r.PostFormValue("token")), s.token()) {
			s.writeSignIn(w, http.StatusForbidden, "This is not the token of the present run.")
			return
		}
		s.letIn(w)
	default:
		w.Header().Set("Allow", "GET, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// letIn gives the browser the cookie, and sends the browser to the pages. SameSite is Lax,
// because a Strict cookie does not come along when the person returns from the page of a
// provider. Package pages refuses requests of other sites that change something.
func (s *Server) letIn(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: s.cookieName(), Value: s.session(), Path: pagesPath + "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", s.pagesURL()+"/")
	w.WriteHeader(http.StatusSeeOther)
}

var signInPage = template.Must(template.New("sign-in").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign in</title>
<h1>Sign in</h1>
{{with .}}<p role="alert">{{.}}</p>
{{end}}<p>Open the link that the terminal shows, or paste the token of this run.</p>
<form method="post" action="/-/sign-in">
<label>Token <input name="token" type="password" autocomplete="off" required autofocus></label>
<button>Sign in</button>
</form>
</html>
`))

// writeSignIn sends the page to sign in, with a text on what is wrong, or none.
func (s *Server) writeSignIn(w http.ResponseWriter, status int, wrong string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	signInPage.Execute(w, wrong) // an error is one of the connection
}
