package authtest

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// consentLifetime is how long the account owner may take for each step of a
// consent.
const consentLifetime = 10 * time.Minute

// serveAuthorize is the authorization endpoint (RFC 6749 section 3.1). If the
// client ID or the callback is wrong, only the person in the browser sees the
// error. Otherwise the callback brings the error to the application.
func (p *Provider) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	sent, err := url.ParseQuery(r.URL.RawQuery)
	q, problem := p.pushedParams(sent)
	p.mu.Lock()
	_, method, known := p.client(q.Get("client_id"))
	mayCall := p.mayRedirect(q.Get("client_id"), q.Get("redirect_uri"))
	p.mu.Unlock()
	switch {
	case err != nil:
		writePage(w, http.StatusBadRequest, page{Error: "The query is malformed."})
		return
	case problem != "":
		writePage(w, http.StatusBadRequest, page{Error: problem})
		return
	case !known:
		writePage(w, http.StatusBadRequest, page{Error: "client_id is missing or unknown."})
		return
	case len(q["redirect_uri"]) != 1 || !mayCall:
		writePage(w, http.StatusBadRequest, page{Error: "redirect_uri must be given once, and be a loopback URL or one of Config.RedirectURLs, or of the redirect_uris of the registration."})
		return
	}
	response := url.Values{}
	if problem := p.checkAuthorize(q, method == "none" || method == "" && p.config.PublicClient); problem != nil {
		response.Set("error", problem.code)
		response.Set("error_description", problem.description)
	} else {
		switch decision, owner := p.consent(w, r, q.Get("scope")); decision {
		case undecided:
			return
		case denied:
			response.Set("error", "access_denied")
			response.Set("error_description", "the account owner refused")
		case allowed:
			response.Set("code", p.newCode(q, owner))
		}
	}
	p.mu.Lock()
	delete(p.oauth2.pushed, sent.Get("request_uri")) // serves once
	p.mu.Unlock()
	if q.Has("state") {
		response.Set("state", q.Get("state"))
	}
	if p.config.SendIssuer {
		response.Set("iss", p.URL)
	}
	if outOfBand(q.Get("redirect_uri")) {
		showCode(w, q.Get("redirect_uri"), response)
		return
	}
	sendBack(w, q.Get("redirect_uri"), response)
}

// checkAuthorize checks the parameters whose errors go to the callback.
func (p *Provider) checkAuthorize(q url.Values, public bool) *oauth2Error {
	challenge, method := q.Get("code_challenge"), q.Get("code_challenge_method")
	switch {
	case repeated(q) != "":
		return badRequest(repeated(q) + " is present more than once (RFC 6749 section 3.1)")
	case q.Get("response_type") == "":
		return badRequest("response_type is required: use code")
	case q.Get("response_type") != "code":
		return &oauth2Error{code: "unsupported_response_type", description: "response_type must be code"}
	case challenge == "" && method != "":
		return badRequest("code_challenge_method needs a code_challenge")
	case challenge == "" && public:
		return badRequest("a public client must use PKCE (RFC 9700 section 2.1.1)")
	case challenge != "" && method != "S256":
		return badRequest("code_challenge_method must be S256 (RFC 9700 section 2.1.1)")
	case challenge != "" && !challengeSyntax(challenge):
		return badRequest("an S256 code_challenge is 43 characters of unpadded base64url (RFC 7636 section 4.2)")
	}
	return p.checkTarget(q, nil)
}

func challengeSyntax(challenge string) bool {
	return len(challenge) == len(s256("")) && verifierSyntax.MatchString(challenge)
}

// newCode issues a code for an authorization request that the account owner
// allowed.
func (p *Provider) newCode(q url.Values, owner *Owner) string {
	code := newToken("code")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.oauth2.codes[code] = &authorization{
		grant:       consented(q, owner.Username, p.registered(q.Get("client_id"))),
		redirectURI: q.Get("redirect_uri"),
		challenge:   q.Get("code_challenge"),
		thumbprint:  q.Get("dpop_jkt"),
		expires:     time.Now().Add(consentLifetime),
	}
	return code
}

// allowedCallback reports whether the provider may redirect to callback.
// Registered URLs are allowed, and all loopback URLs, with any port (RFC 8252
// section 7.3).
func (p *Provider) allowedCallback(callback string) bool {
	if slices.Contains(p.config.RedirectURLs, callback) {
		return true
	}
	u, err := url.Parse(callback)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || strings.Contains(callback, "#") {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback() || u.Hostname() == "localhost"
}

// outOfBand reports whether a redirect URI means that a person copies the code.
func outOfBand(redirectURI string) bool {
	return redirectURI == "urn:ietf:wg:oauth:2.0:oob" || redirectURI == "urn:ietf:wg:oauth:2.0:oob:auto"
}

// showCode shows the person what a callback would bring to the application. Browsers
// ignore the Location of a page; Authorize returns the Location.
func showCode(w http.ResponseWriter, redirectURI string, response url.Values) {
	switch response.Get("error") {
	case "":
		w.Header().Set("Location", redirectURI+"?"+response.Encode())
		writePage(w, http.StatusOK, page{Allowed: true, Verifier: response.Get("code")})
	case "access_denied":
		writePage(w, http.StatusForbidden, page{Error: "You have denied access."})
	default:
		writePage(w, http.StatusBadRequest, page{Error: response.Get("error") + ": " + response.Get("error_description")})
	}
}

// sendBack redirects to callback, with response added to the query. The caller
// has checked that callback is allowed.
func sendBack(w http.ResponseWriter, callback string, response url.Values) {
	separator := "?"
	if strings.Contains(callback, "?") {
		separator = "&"
	}
	w.Header().Set("Location", callback+separator+response.Encode())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}
