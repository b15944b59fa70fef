package authtest

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const registerPath = "/oauth2/register"

// A registeredClient is an application that has registered itself at RegisterURL.
type registeredClient struct {
	id, secret, manage string // manage is the registration access token
	redirects          []string
	method             string         // token_endpoint_auth_method
	expires            time.Time      // of the secret; zero: never
	metadata           map[string]any // as the application sent, with defaults
}

// response returns the client information response (RFC 7591 section 3.2.1, RFC 7592
// section 3).
func (c *registeredClient) response(p *Provider) map[string]any {
	response := map[string]any{}
	maps.Copy(response, c.metadata)
	response["client_id"] = c.id
	response["registration_access_token"] = c.manage
	response["registration_client_uri"] = p.RegisterURL + "/" + c.id
	if c.secret != "" {
		response["client_secret"], response["client_secret_expires_at"] = c.secret, 0
		if !c.expires.IsZero() {
			response["client_secret_expires_at"] = c.expires.Unix()
		}
	}
	return response
}

// serveRegister is the client registration endpoint (RFC 7591 section 3), and below it
// the endpoints of registered clients (RFC 7592 section 2).
func (p *Provider) serveRegister(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	p.mu.Lock()
	defer p.mu.Unlock()
	if id := strings.TrimPrefix(r.URL.Path, registerPath+"/"); id != r.URL.Path {
		p.manageClient(w, r, id)
		return
	}
	token := p.config.RegistrationToken
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		badRequest("use POST (RFC 7591 section 3.1)").write(w)
		return
	case token != "" && !equal(r.Header.Get("Authorization"), "Bearer "+token):
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token", "error_description": "send the initial access token"})
		return
	}
	c := &registeredClient{id: "registered-" + rand.Text(), manage: newToken("manage")}
	if problem := c.read(r); problem != nil {
		problem.write(w)
		return
	}
	if c.method != "none" {
		c.secret = "registered secret+/%:&=" + rand.Text()
		if p.config.SecretLifetime > 0 {
			c.expires = time.Now().Add(p.config.SecretLifetime)
		}
	}
	p.oauth2.clients[c.id] = c
	p.stats.Registrations++
	writeJSON(w, http.StatusCreated, c.response(p))
}

// read reads client metadata (RFC 7591 section 2).
func (c *registeredClient) read(r *http.Request) *oauth2Error {
	refuse := func(code, description string) *oauth2Error {
		return &oauth2Error{http.StatusBadRequest, code, description}
	}
	metadata := map[string]any{}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != jsonType {
		return refuse("invalid_client_metadata", "the Content-Type must be application/json (RFC 7591 section 3.1)")
	}
	if json.Unmarshal(bodyOf(r), &metadata) != nil {
		return refuse("invalid_client_metadata", "the body must be a JSON object")
	}
	var redirects []string
	list, _ := metadata["redirect_uris"].([]any)
	for _, value := range list {
		redirect, _ := value.(string)
		u, err := url.Parse(redirect)
		if err != nil || !u.IsAbs() || strings.Contains(redirect, "#") {
			return refuse("invalid_redirect_uri", "redirect_uris must be absolute URLs without a fragment")
		}
		redirects = append(redirects, redirect)
	}
	if len(redirects) == 0 {
		return refuse("invalid_redirect_uri", "redirect_uris is required")
	}
	for name, value := range map[string]any{
		"token_endpoint_auth_method": "client_secret_basic", "grant_types": []string{"authorization_code"}, "response_types": []string{"code"},
	} {
		if metadata[name] == nil {
			metadata[name] = value
		}
	}
	method, _ := metadata["token_endpoint_auth_method"].(string)
	if !slices.Contains([]string{"client_secret_basic", "client_secret_post", "none"}, method) {
		return refuse("invalid_client_metadata", "token_endpoint_auth_method must be client_secret_basic, client_secret_post or none")
	}
	c.redirects, c.method, c.metadata = redirects, method, metadata
	return nil
}

// manageClient is the client configuration endpoint (RFC 7592 section 2). The response
// for a client that is not registered is 401. The caller holds p.mu.
func (p *Provider) manageClient(w http.ResponseWriter, r *http.Request, id string) {
	c := p.oauth2.clients[id]
	if c == nil || !equal(r.Header.Get("Authorization"), "Bearer "+c.manage) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	switch r.Method {
	case http.MethodGet:
	case http.MethodDelete:
		delete(p.oauth2.clients, id)
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodPut:
		next := *c
		if problem := next.read(r); problem != nil {
			problem.write(w)
			return
		}
		next.manage = newToken("manage") // a client must take the newest (RFC 7592 section 3)
		*c = next
	default:
		w.Header().Set("Allow", "GET, PUT, DELETE")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	writeJSON(w, http.StatusOK, c.response(p))
}

// ForgetClients removes all clients that have registered themselves at RegisterURL, as
// a provider does that keeps them in memory. Their requests get invalid_client.
func (p *Provider) ForgetClients() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.oauth2.clients)
}

// mayRedirect reports whether the provider may redirect to callback for an application.
// The caller holds p.mu.
func (p *Provider) mayRedirect(client, callback string) bool {
	if c := p.oauth2.clients[client]; c != nil {
		return slices.Contains(c.redirects, callback)
	}
	return p.allowedCallback(callback)
}

// registered returns the ID of an application that registered itself, and "" for that
// of the Config.
func (p *Provider) registered(id string) string {
	if id == p.ClientID {
		return ""
	}
	return id
}

// client returns the secret and the client authentication of an application. The method
// is empty if any is allowed. ok is false for an unknown application. The caller holds
// p.mu.
func (p *Provider) client(id string) (secret, method string, ok bool) {
	if equal(id, p.ClientID) {
		return p.ClientSecret, "", true
	}
	c := p.oauth2.clients[id]
	if c == nil || !c.expires.IsZero() && !time.Now().Before(c.expires) {
		return "", "", false
	}
	return c.secret, c.method, true
}
