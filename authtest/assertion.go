package authtest

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	jwtBearer     = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	clientJWT     = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	accessType    = "urn:ietf:params:oauth:token-type:access_token"
	jwtType       = "urn:ietf:params:oauth:token-type:jwt"
)

// once reports whether an assertion has not been seen before. The caller holds p.mu.
func (s *oauth2State) once(t *jwt) bool {
	for id, expires := range s.assertions {
		if !time.Now().Before(expires) {
			delete(s.assertions, id)
		}
	}
	if _, seen := s.assertions[t.id]; seen || t.id == "" {
		return false
	}
	s.assertions[t.id] = time.Now().Add(maxAssertion) // whatever the clocks
	return true
}

// isUs reports whether an audience is the provider.
func (p *Provider) isUs(audience string) bool {
	u, err := url.Parse(audience)
	return audience == p.URL || err == nil && p.ours(u) && p.URL+withoutTenant(u.EscapedPath()) == p.TokenURL
}

// clientAssertion authenticates the client by an assertion (RFC 7523 section 2.2).
func (p *Provider) clientAssertion(form url.Values) (description string) {
	t, err := p.readJWT(form.Get("client_assertion"))
	switch {
	case form.Get("client_assertion_type") != clientJWT:
		return "client_assertion_type must be " + clientJWT
	case form.Has("client_secret"):
		return "send client_assertion or client_secret, not both (RFC 6749 section 2.3)"
	case err != nil:
		return "client_assertion: " + err.Error()
	case t.issuer != p.ClientID || t.subject != p.ClientID:
		return "client_assertion: iss and sub must be the client ID (RFC 7523 section 3)"
	case !p.isUs(t.audience):
		return "client_assertion: aud must be the provider's URL or token URL"
	case form.Has("client_id") && form.Get("client_id") != t.subject:
		return "client_id differs from the subject of the assertion"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.oauth2.once(t) {
		return "client_assertion: jti must be there, and new"
	}
	return ""
}

// bearerGrant exchanges an assertion for a token (RFC 7523 section 2.1). The caller holds
// p.mu.
func (p *Provider) bearerGrant(form url.Values) (map[string]any, *oauth2Error) {
	t, err := p.readJWT(form.Get("assertion"))
	switch {
	case form.Get("assertion") == "":
		return nil, badRequest("assertion is required (RFC 7523 section 2.1)")
	case err != nil:
		return nil, invalidGrant("assertion: " + err.Error())
	case t.issuer == "" || t.subject == "":
		return nil, invalidGrant("assertion: iss and sub are required (RFC 7523 section 3)")
	case !p.isUs(t.audience):
		return nil, invalidGrant("assertion: aud must be the provider's URL or token URL")
	case !p.oauth2.once(t):
		return nil, invalidGrant("assertion: jti must be there, and new")
	}
	return p.newGrant(&grant{kind: jwtBearer, user: t.subject, scope: form.Get("scope")}), nil
}

// exchangeGrant exchanges an access token of the provider, or an assertion, for an access
// token (RFC 8693). The caller holds p.mu.
func (p *Provider) exchangeGrant(form url.Values) (map[string]any, *oauth2Error) {
	user := ""
	for _, party := range []string{"actor", "subject"} {
		token, kind := form.Get(party+"_token"), form.Get(party+"_token_type")
		switch {
		case token == "" && kind == "" && party == "actor":
			continue
		case token == "" || kind == "":
			return nil, badRequest(party + "_token and " + party + "_token_type belong together (RFC 8693 section 2.1)")
		case kind == accessType:
			known := p.oauth2.access[token]
			if known == nil || known.revoked || !time.Now().Before(known.expires) {
				return nil, badRequest(party + "_token is not an access token of this provider, or has expired")
			}
			user = known.user
		case kind == jwtType:
			t, err := p.readJWT(token)
			if err != nil {
				return nil, badRequest(party + "_token: " + err.Error())
			}
			user = t.subject
		default:
			return nil, badRequest(party + "_token_type must be " + accessType + " or " + jwtType)
		}
	}
	if kind := form.Get("requested_token_type"); kind != "" && kind != accessType {
		return nil, badRequest("requested_token_type must be absent or " + accessType)
	}
	response := p.newGrant(&grant{kind: tokenExchange, user: user, scope: form.Get("scope")})
	response["issued_token_type"] = accessType
	return response, nil
}

// assertion requires an assertion in the Authorization header, which the client may use
// until it expires.
func (p *Provider) assertion(w http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	w.Header().Set("Date", time.Now().Add(p.config.ClockSkew).UTC().Format(http.TimeFormat))
	refuse := func(description string) (Identity, *refusal) {
		return Identity{}, bearerRefusal(http.StatusUnauthorized, "invalid_token", description, "")
	}
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return refuse("send one Authorization header")
	}
	text, ok := strings.CutPrefix(headers[0], "Bearer ")
	if !ok {
		return refuse("the Authorization header must be: Bearer assertion")
	}
	t, err := p.readJWT(text)
	if err != nil {
		return refuse(err.Error())
	}
	identity := p.owners.identity("Assertion", t.subject)
	identity.Client = t.issuer
	return identity, nil
}
