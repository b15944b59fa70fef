package authtest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// A loginSession is what a login gives.
type loginSession struct {
	user    string
	refresh string
	expires time.Time
}

// sessionState is the state of the login endpoints. Provider.mu guards sessionState.
// Callers of methods hold Provider.mu.
type sessionState struct {
	sessions map[string]*loginSession // by token
	tickets  map[string]string        // the cookies of first steps, by ticket
	locks    map[string]*loginLock    // by user name
}

// A loginLock counts what may lock an account.
type loginLock struct {
	wrong  int       // wrong passwords in a row
	locked time.Time // no login before this time
}

func newSessionState() sessionState {
	return sessionState{map[string]*loginSession{}, map[string]string{}, map[string]*loginLock{}}
}

const (
	sessionCookie = "SID"
	ticketCookie  = "PRESID"
	sessionHeader = "X-Session"
)

// begin checks user name and password, and returns a new token. The status is that of
// the refusal.
func (p *Provider) begin(r *http.Request, username, password string) (token string, s *loginSession, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lock := p.sessions.locks[username]
	if lock == nil {
		lock = &loginLock{} // for unknown user names too, so that nobody learns which exist
		p.sessions.locks[username] = lock
	}
	now := time.Now()
	if now.Before(lock.locked) {
		p.stats.LoginsRefused++
		return "", nil, http.StatusLocked
	}
	if p.owners.signIn(username, password) == nil || p.elsewhere(r, username) {
		p.stats.LoginsRefused++
		if lock.wrong++; lock.wrong >= p.config.LockAfter {
			lock.wrong, lock.locked = 0, now.Add(p.config.LockFor)
		}
		return "", nil, http.StatusUnauthorized
	}
	lock.wrong = 0
	p.stats.Logins++
	token, s = p.newLogin(username)
	return token, s, 0
}

// newLogin adds a session. The caller holds p.mu.
func (p *Provider) newLogin(user string) (string, *loginSession) {
	token := newToken("session")
	s := &loginSession{user: user, refresh: newToken("renewal"), expires: time.Now().Add(p.config.SessionLifetime)}
	p.sessions.sessions[token] = s
	return token, s
}

// refuseLogin writes a refusal as JSON.
func refuseLogin(w http.ResponseWriter, status int) {
	text := "user name or password is wrong"
	if status == http.StatusLocked {
		text = "the account is locked after too many wrong passwords"
	}
	writeJSON(w, status, map[string]any{"error": text})
}

// members are the JSON form of a session.
func (s *loginSession) members(token string) map[string]any {
	return map[string]any{
		"session": map[string]any{"token": token, "user": s.user},
		"renewal": s.refresh, "expires_in": int(time.Until(s.expires).Seconds() + 0.5), "expires": s.expires.UTC().Format(time.RFC3339),
	}
}

func (p *Provider) serveLoginJSON(w http.ResponseWriter, r *http.Request) {
	var login struct{ Username, Password string }
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&login) != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "POST a JSON object with username and password"})
		return
	}
	token, s, status := p.begin(r, login.Username, login.Password)
	if status != 0 {
		refuseLogin(w, status)
		return
	}
	writeJSON(w, http.StatusOK, s.members(token))
}

// serveLoginForm redirects as web pages do, also after a refusal.
func (p *Provider) serveLoginForm(w http.ResponseWriter, r *http.Request) {
	token, _, status := p.begin(r, r.PostFormValue("username"), r.PostFormValue("password"))
	if status != 0 {
		http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: "anonymous", Path: "/"})
		http.Redirect(w, r, "?failed=1", http.StatusSeeOther)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (p *Provider) serveLoginXML(w http.ResponseWriter, r *http.Request) {
	var login struct {
		XMLName     xml.Name `xml:"tsRequest"`
		Credentials struct {
			Name     string `xml:"name,attr"`
			Password string `xml:"password,attr"`
			Site     struct {
				ContentURL *string `xml:"contentUrl,attr"`
			} `xml:"site"`
		} `xml:"credentials"`
	}
	w.Header().Set("Content-Type", "application/xml")
	if err := xml.NewDecoder(r.Body).Decode(&login); err != nil || login.Credentials.Site.ContentURL == nil {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `<tsResponse><error code="400000"/></tsResponse>`)
		return
	}
	token, _, status := p.begin(r, login.Credentials.Name, login.Credentials.Password)
	if status != 0 {
		w.WriteHeader(status)
		fmt.Fprint(w, `<tsResponse><error code="401001"><summary>Signin Error</summary></error></tsResponse>`)
		return
	}
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><tsResponse xmlns="http://tableau.com/api"><credentials token="%s"><site id="site-1"/></credentials></tsResponse>`, token)
}

func (p *Provider) serveLoginBasic(w http.ResponseWriter, r *http.Request) {
	username, password, _ := r.BasicAuth()
	token, _, status := p.begin(r, username, password)
	if status != 0 {
		refuseLogin(w, status)
		return
	}
	w.Header().Set("X-Auth-Token", token)
	w.WriteHeader(http.StatusNoContent)
}

// serveLoginBegin is the first step of a login in two steps.
func (p *Provider) serveLoginBegin(w http.ResponseWriter, r *http.Request) {
	ticket, cookie := newToken("ticket"), newToken("presession")
	p.mu.Lock()
	p.sessions.tickets[ticket] = cookie
	p.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: ticketCookie, Value: cookie, Path: "/", Secure: r.TLS != nil})
	writeJSON(w, http.StatusOK, map[string]any{"data": []any{map[string]any{"ticket": ticket, "step": 1}}})
}

// serveLoginFinish is the second step: the ticket stands in the path, and the cookie goes
// along.
func (p *Provider) serveLoginFinish(w http.ResponseWriter, r *http.Request) {
	_, ticket, _ := cutLast(r.URL.Path)
	p.mu.Lock()
	want, known := p.sessions.tickets[ticket]
	delete(p.sessions.tickets, ticket)
	p.mu.Unlock()
	if c, err := r.Cookie(ticketCookie); err != nil || !known || !equal(c.Value, want) {
		writeJSON(w, http.StatusConflict, map[string]any{"error": "the ticket in the path is unknown or used, or its cookie is missing"})
		return
	}
	p.serveLoginJSON(w, r)
}

// cutLast splits a path before its last segment.
func cutLast(path string) (before, last string, found bool) {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[:i], path[i+1:], true
		}
	}
	return "", path, false
}

// serveSessionRenew replaces a session. The renewal token serves once.
func (p *Provider) serveSessionRenew(w http.ResponseWriter, r *http.Request) {
	renewal := r.PostFormValue("renewal")
	p.mu.Lock()
	defer p.mu.Unlock()
	for token, s := range p.sessions.sessions {
		if equal(s.refresh, renewal) {
			delete(p.sessions.sessions, token)
			p.stats.SessionRenewals++
			token, s = p.newLogin(s.user)
			writeJSON(w, http.StatusOK, s.members(token))
			return
		}
	}
	writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "the renewal token is unknown or used"})
}

func (p *Provider) serveLogout(w http.ResponseWriter, r *http.Request) {
	token := sessionToken(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sessions.sessions[token] == nil {
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "there is no such session"})
		return
	}
	delete(p.sessions.sessions, token)
	p.stats.Logouts++
	w.WriteHeader(http.StatusNoContent)
}

// sessionToken returns the token in a request, and "" if there are none or several.
func sessionToken(r *http.Request) string {
	found := r.Header.Values(sessionHeader)
	for _, c := range r.CookiesNamed(sessionCookie) {
		found = append(found, c.Value)
	}
	for _, value := range r.Header.Values("Authorization") {
		if len(value) > len("Bearer ") && value[:len("Bearer ")] == "Bearer " {
			found = append(found, value[len("Bearer "):])
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// session requires the token of a session.
func (p *Provider) session(_ http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	token := sessionToken(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sessions.sessions[token]
	if s == nil || !time.Now().Before(s.expires) {
		return Identity{}, &refusal{http.StatusUnauthorized, `Session realm="authtest"`, "unauthorized",
			"send the token of one valid session: in the header X-Session, in the cookie SID or after Bearer"}
	}
	return p.owners.identity("Session", s.user), nil
}

// ExpireSessions makes every session end now, before the expiry in the response to the
// login. Renewal tokens stay valid.
func (p *Provider) ExpireSessions() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sessions.sessions {
		s.expires = time.Now()
	}
}

// EndSessions ends every session, together with its renewal token.
func (p *Provider) EndSessions() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.sessions.sessions)
}

// LoginFinishURL returns the endpoint of the second step of a login: see LoginBeginURL.
func (p *Provider) LoginFinishURL(ticket string) string {
	return p.URL + loginFinishPath + "/" + url.PathEscape(ticket)
}

const loginFinishPath = "/login/finish"

// serveLoginAssertion gives a session to the subject of an assertion.
func (p *Provider) serveLoginAssertion(w http.ResponseWriter, r *http.Request) {
	identity, refused := p.assertion(w, r)
	if refused != nil {
		writeJSON(w, refused.status, refused)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Logins++
	token, s := p.newLogin(identity.User)
	writeJSON(w, http.StatusCreated, map[string]any{"token": token, "expires_at": s.expires.UTC().Format(time.RFC3339)})
}
