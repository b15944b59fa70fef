package authtest

import (
	"cmp"
	"net/http"
	"net/url"
	"time"
)

// pushedLifetime is how long a request_uri is valid.
const pushedLifetime = time.Minute

const requestURI = "urn:ietf:params:oauth:request_uri:"

// A pushed authorization request waits for the account owner (RFC 9126).
type pushedRequest struct {
	params  url.Values
	expires time.Time // for the first visit of a browser
	shown   bool
}

// servePush is the endpoint for pushed authorization requests (RFC 9126 section 2).
func (p *Provider) servePush(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	form, problem := p.clientForm(w, r)
	if problem == nil {
		p.mu.Lock()
		var thumbprint string
		if thumbprint, problem = p.proof(w, r, ""); problem == nil && form.Get("dpop_jkt") != "" && thumbprint != "" && form.Get("dpop_jkt") != thumbprint {
			problem = badRequest("dpop_jkt is not the key of the proof (RFC 9449 section 10.1)")
		}
		p.mu.Unlock()
		if thumbprint != "" {
			form.Set("dpop_jkt", thumbprint)
		}
	}
	id := cmp.Or(form.Get("client_id"), p.ClientID) // an assertion need not be beside the ID
	p.mu.Lock()
	_, method, known := p.client(id)
	mayCall := p.mayRedirect(id, form.Get("redirect_uri"))
	p.mu.Unlock()
	switch {
	case problem != nil:
	case form.Has("request_uri"):
		problem = badRequest("request_uri must not be pushed (RFC 9126 section 2.1)")
	case !known:
		problem = badRequest("client_id is not the client that authenticated")
	case !mayCall:
		problem = badRequest("redirect_uri must be a loopback URL or one of Config.RedirectURLs, or of the redirect_uris of the registration")
	default:
		problem = p.checkAuthorize(form, method == "none" || method == "" && p.config.PublicClient)
	}
	if problem != nil {
		if problem.status == 0 {
			problem.status = http.StatusBadRequest
		}
		problem.write(w)
		return
	}
	for _, name := range []string{"client_secret", "client_assertion", "client_assertion_type"} {
		form.Del(name)
	}
	form.Set("client_id", id)
	uri := requestURI + newToken("pushed")
	p.mu.Lock()
	p.oauth2.pushed[uri] = &pushedRequest{params: form, expires: time.Now().Add(pushedLifetime)}
	p.mu.Unlock()
	writeJSON(w, http.StatusCreated, map[string]any{"request_uri": uri, "expires_in": int(pushedLifetime / time.Second)})
}

// pushedParams returns the parameters of an authorization request: those that were
// pushed, or q. problem is for the person in the browser. A request_uri serves one
// consent, which begins within pushedLifetime.
func (p *Provider) pushedParams(q url.Values) (params url.Values, problem string) {
	uri := q.Get("request_uri")
	switch {
	case uri == "" && p.config.RequirePushed:
		return nil, "the authorization request must be pushed (RFC 9126 section 4)."
	case uri == "":
		return q, ""
	case len(q) != 2 || !q.Has("client_id"):
		return nil, "beside request_uri, the URL must have client_id and no other parameter."
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	pushed := p.oauth2.pushed[uri]
	if pushed == nil || !pushed.shown && !time.Now().Before(pushed.expires) {
		return nil, "request_uri is unknown, was used, or has expired."
	}
	pushed.shown = true
	return pushed.params, ""
}
