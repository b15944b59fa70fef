package authtest

import (
	"crypto/sha256"
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const tokenPath = "/oauth2/token"

// An oauth2Error is an error response of RFC 6749 section 5.2.
type oauth2Error struct {
	status      int
	code        string
	description string
}

func badRequest(description string) *oauth2Error {
	return &oauth2Error{http.StatusBadRequest, "invalid_request", description}
}

func invalidGrant(description string) *oauth2Error {
	return &oauth2Error{http.StatusBadRequest, "invalid_grant", description}
}

func (e *oauth2Error) write(w http.ResponseWriter) {
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="authtest", charset="UTF-8"`)
	}
	writeJSON(w, e.status, map[string]string{"error": e.code, "error_description": e.description})
}

// serveToken is the token endpoint (RFC 6749 section 3.2).
func (p *Provider) serveToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.Header().Set("Date", time.Now().Add(p.config.ClockSkew).UTC().Format(http.TimeFormat))
	form, problem := p.clientForm(w, r)
	if problem != nil {
		problem.write(w)
		return
	}
	p.mu.Lock()
	response, problem := p.provenToken(w, r, form)
	p.mu.Unlock()
	if problem != nil {
		problem.write(w)
		return
	}
	writeJSON(w, http.StatusOK, response)
}

// serveRevoke is the revocation endpoint (RFC 7009). Revoking a refresh token
// revokes the grant. Revoking an access token revokes nothing else.
func (p *Provider) serveRevoke(w http.ResponseWriter, r *http.Request) {
	form, problem := p.clientForm(w, r)
	if problem == nil && form.Get("token") == "" {
		problem = badRequest("token is required (RFC 7009 section 2.1)")
	}
	if problem != nil {
		problem.write(w)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.oauth2.access, form.Get("token"))
	if t := p.oauth2.refresh[form.Get("token")]; t != nil {
		p.revoke(t.grant)
	}
}

// clientForm returns the form that the application posted. The application
// authenticates by the form or by Basic (RFC 6749 section 2.3).
func (p *Provider) clientForm(w http.ResponseWriter, r *http.Request) (url.Values, *oauth2Error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &oauth2Error{http.StatusMethodNotAllowed, "invalid_request", "use POST (RFC 6749 section 3.2)"}
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != formType {
		return nil, badRequest("the Content-Type must be " + formType)
	}
	form, err := url.ParseQuery(string(bodyOf(r)))
	if err != nil {
		return nil, badRequest("the body is not a well-formed form")
	}
	if name := repeated(form); name != "" {
		return nil, badRequest(name + " is present more than once (RFC 6749 section 3.2)")
	}
	for _, name := range []string{"client_id", "client_secret", "code", "refresh_token", "password", "token"} {
		if r.URL.Query().Has(name) {
			return nil, badRequest(name + " must be in the body, never in the URL (RFC 6749 section 2.3.1)")
		}
	}
	return form, p.authenticateClient(r, form)
}

func (p *Provider) authenticateClient(r *http.Request, form url.Values) *oauth2Error {
	refuse := func(description string) *oauth2Error {
		return &oauth2Error{http.StatusUnauthorized, "invalid_client", description}
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	authorization := r.Header.Values("Authorization")
	switch {
	case len(authorization) > 1:
		return badRequest("the request has more than one Authorization header")
	case len(authorization) == 1 && form.Has("client_secret"):
		return badRequest("authenticate by Basic or by client_secret in the body, not by both (RFC 6749 section 2.3)")
	case len(authorization) == 1:
		rawID, rawSecret, ok := r.BasicAuth()
		if !ok {
			return refuse("the Authorization header is not Basic credentials")
		}
		basicID, err := url.QueryUnescape(rawID)
		basicSecret, err2 := url.QueryUnescape(rawSecret)
		if err != nil || err2 != nil || (equal(rawSecret, p.ClientSecret) && rawSecret != basicSecret) {
			return refuse("form-urlencode the client id and secret before Basic (RFC 6749 section 2.3.1)")
		}
		if form.Has("client_id") && id != basicID {
			return badRequest("client_id in the body differs from the client ID in the Authorization header")
		}
		id, secret = basicID, basicSecret
	case form.Has("client_assertion"):
		if description := p.clientAssertion(form); description != "" {
			return refuse(description)
		}
		return nil
	case id == "" && form.Get("grant_type") == jwtBearer:
		return nil // the assertion says it all
	case id == "":
		return refuse("client authentication is missing: send Basic, or client_id and client_secret in the body")
	}
	p.mu.Lock()
	want, method, known := p.client(id)
	p.mu.Unlock()
	basic := len(authorization) == 1
	switch {
	case !known:
		return refuse("the client id is unknown")
	case method == "client_secret_basic" && !basic, method == "client_secret_post" && basic:
		return refuse("this client has registered " + method)
	}
	form.Set("client_id", id)
	if !equal(secret, want) {
		if secret == "" {
			return refuse("this client has a secret and must send it")
		}
		return refuse("the client secret is wrong")
	}
	return nil
}

// provenToken handles a request of an authenticated client, which may have a proof. The
// caller holds p.mu.
func (p *Provider) provenToken(w http.ResponseWriter, r *http.Request, form url.Values) (map[string]any, *oauth2Error) {
	thumbprint, problem := p.proof(w, r, "")
	if problem == nil {
		problem = p.checkKey(form, thumbprint)
	}
	if problem == nil {
		problem = p.checkTarget(form, p.grantOf(form))
	}
	if problem != nil {
		return nil, problem
	}
	response, problem := p.token(r, form)
	if problem == nil {
		p.bind(response, thumbprint)
	}
	return response, problem
}

// token handles a request of an authenticated client. The caller holds p.mu.
func (p *Provider) token(r *http.Request, form url.Values) (map[string]any, *oauth2Error) {
	switch kind := form.Get("grant_type"); kind {
	case "authorization_code":
		return p.exchangeCode(r, form)
	case "refresh_token":
		return p.refreshGrant(r, form)
	case "password":
		if form.Get("username") == "" || !form.Has("password") {
			return nil, badRequest("username and password are required (RFC 6749 section 4.3.2)")
		}
		owner := p.owners.signIn(form.Get("username"), form.Get("password"))
		if owner == nil || p.elsewhere(r, owner.Username) {
			return nil, invalidGrant("the user name or password is wrong")
		}
		return p.newGrant(&grant{kind: kind, user: owner.Username, scope: form.Get("scope"), client: p.registered(form.Get("client_id"))}), nil
	case "client_credentials":
		if p.config.PublicClient {
			return nil, &oauth2Error{http.StatusBadRequest, "unauthorized_client", "a public client cannot use client_credentials (RFC 6749 section 4.4)"}
		}
		return p.newGrant(&grant{kind: kind, scope: form.Get("scope"), client: p.registered(form.Get("client_id"))}), nil
	case jwtBearer:
		return p.bearerGrant(form)
	case tokenExchange:
		return p.exchangeGrant(form)
	case deviceCode:
		return p.deviceGrant(form)
	case "":
		return nil, badRequest("grant_type is required")
	default:
		return nil, &oauth2Error{http.StatusBadRequest, "unsupported_grant_type", "use authorization_code, refresh_token, client_credentials, password, jwt-bearer or token-exchange"}
	}
}

// newGrant issues the first tokens of a grant.
func (p *Provider) newGrant(g *grant) map[string]any {
	withRefresh := slices.Contains(p.config.RefreshGrants, g.kind)
	access, refresh := p.oauth2.issue(g, g.scope, p.config.TokenLifetime, withRefresh)
	return p.issued(g.kind, access, refresh, g.scope)
}

// issued returns the response of RFC 6749 section 5.1.
func (p *Provider) issued(grantType, access, refresh, scope string) map[string]any {
	p.stats.Issued[grantType]++
	response := map[string]any{
		"access_token": access,
		"token_type":   "Bearer",
		"expires_in":   int64((p.config.TokenLifetime + time.Second - 1) / time.Second),
	}
	if refresh != "" {
		response["refresh_token"] = refresh
	}
	if scope != "" {
		response["scope"] = scope
	}
	return response
}

// exchangeCode exchanges a code for tokens (RFC 6749 section 4.1.3, RFC 7636
// section 4.6). The first attempt uses up the code. A second attempt revokes
// the grant.
func (p *Provider) exchangeCode(r *http.Request, form url.Values) (map[string]any, *oauth2Error) {
	if form.Get("code") == "" {
		return nil, badRequest("code is required (RFC 6749 section 4.1.3)")
	}
	code := p.oauth2.codes[form.Get("code")]
	verifier := form.Get("code_verifier")
	switch {
	case code == nil:
		return nil, invalidGrant("the code is unknown")
	case code.client != p.registered(form.Get("client_id")):
		return nil, invalidGrant("the code was issued to another application (RFC 6749 section 5.2)")
	case code.used:
		p.stats.ReuseDetected++
		p.revoke(code.grant)
		return nil, invalidGrant("the code was used before: all tokens issued for the code are revoked (RFC 6749 section 4.1.2)")
	case code.revoked:
		return nil, invalidGrant("the account owner has revoked the grant")
	case p.elsewhere(r, code.user):
		return nil, invalidGrant("the code is of another tenant")
	}
	code.used = true
	switch {
	case !time.Now().Before(code.expires):
		return nil, invalidGrant("the code has expired")
	case form.Get("redirect_uri") != code.redirectURI:
		return nil, invalidGrant("redirect_uri must equal, byte for byte, the redirect_uri of the authorization request (RFC 6749 section 4.1.3)")
	case code.challenge == "" && verifier != "":
		return nil, invalidGrant("code_verifier must be absent: the authorization request had no code_challenge (RFC 9700 section 2.1.1)")
	case code.challenge != "" && verifier == "":
		return nil, invalidGrant("code_verifier is required: the authorization request had a code_challenge (RFC 7636 section 4.5)")
	case code.challenge != "" && !verifierSyntax.MatchString(verifier):
		return nil, invalidGrant("code_verifier must have 43 to 128 unreserved characters (RFC 7636 section 4.1)")
	case code.challenge != "" && !equal(s256(verifier), code.challenge):
		return nil, invalidGrant("code_verifier does not match the code_challenge (RFC 7636 section 4.6)")
	}
	return p.newGrant(code.grant), nil
}

var verifierSyntax = regexp.MustCompile(`^[A-Za-z0-9\-._~]{43,128}$`)

// s256 returns the code challenge of a verifier (RFC 7636 section 4.2).
func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// refreshGrant issues a new access token for a refresh token (RFC 6749 section
// 6). A refresh token that was replaced before revokes the grant (RFC 9700
// section 4.14.2).
func (p *Provider) refreshGrant(r *http.Request, form url.Values) (map[string]any, *oauth2Error) {
	if form.Get("refresh_token") == "" {
		return nil, badRequest("refresh_token is required (RFC 6749 section 6)")
	}
	token := p.oauth2.refresh[form.Get("refresh_token")]
	switch {
	case token == nil:
		return nil, invalidGrant("the refresh token is unknown")
	case token.client != p.registered(form.Get("client_id")):
		return nil, invalidGrant("the refresh token was issued to another application (RFC 6749 section 5.2)")
	case token.used:
		p.stats.ReuseDetected++
		p.revoke(token.grant)
		return nil, invalidGrant("the refresh token was replaced before: all tokens of the grant are revoked (RFC 9700 section 4.14.2)")
	case token.revoked:
		return nil, invalidGrant("the grant is revoked")
	case p.elsewhere(r, token.user):
		return nil, invalidGrant("the refresh token is of another tenant")
	}
	scope := token.scope
	if form.Get("scope") != "" {
		if scope = form.Get("scope"); !hasScopes(token.scope, scope) {
			return nil, &oauth2Error{http.StatusBadRequest, "invalid_scope", "scope must not ask for more than the grant has (RFC 6749 section 6)"}
		}
	}
	token.used = !p.config.NoRotation
	access, refresh := p.oauth2.issue(token.grant, scope, p.config.TokenLifetime, token.used)
	return p.issued("refresh_token", access, refresh, scope), nil
}

// bearerToken returns the access token of an API request (RFC 6750 section
// 2.1), or a description of the problem. A request without credentials has an
// empty description.
func (p *Provider) bearerToken(r *http.Request) (token *accessToken, description string) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return nil, ""
	}
	scheme, value, _ := strings.Cut(headers[0], " ")
	proves := strings.EqualFold(scheme, "DPoP")
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") && !proves {
		return nil, "send one Authorization header, of the form: Bearer token"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch token = p.oauth2.access[value]; {
	case token == nil:
		return nil, "the access token is unknown or was revoked"
	case token.revoked:
		return nil, "the grant of the access token was revoked"
	case !time.Now().Before(token.expires):
		return nil, "the access token has expired"
	case proves != (token.thumbprint != ""):
		return nil, "a token that is bound to a key has the scheme DPoP, others Bearer (RFC 9449 section 7)"
	}
	return token, ""
}
