package authtest

import (
	"net/http"
	"strings"
)

const resourceMetadataPath = "/.well-known/oauth-protected-resource"

// serverMetadata is the metadata of RFC 8414 and of OpenID Connect Discovery. Only the
// provider's URL is an issuer: there is no issuer with a path.
func (p *Provider) serverMetadata(w http.ResponseWriter, r *http.Request) {
	if strings.Count(r.URL.Path, "/") > 2 {
		http.NotFound(w, r)
		return
	}
	methods := []string{"client_secret_basic", "client_secret_post", "none"}
	if len(p.config.AssertionKeys) > 0 {
		methods = append(methods, "private_key_jwt", "client_secret_jwt")
	}
	serveMetadata(w, map[string]any{
		"issuer":                                         p.URL,
		"authorization_endpoint":                         p.AuthURL,
		"token_endpoint":                                 p.TokenURL,
		"revocation_endpoint":                            p.RevokeURL,
		"registration_endpoint":                          p.RegisterURL,
		"pushed_authorization_request_endpoint":          p.PushedAuthorizationRequestURL,
		"require_pushed_authorization_requests":          p.config.RequirePushed,
		"device_authorization_endpoint":                  p.DeviceURL,
		"response_types_supported":                       []string{"code"},
		"grant_types_supported":                          []string{"authorization_code", "refresh_token", "client_credentials", "password", deviceCode, jwtBearer, tokenExchange},
		"token_endpoint_auth_methods_supported":          methods,
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": p.config.SendIssuer,
	})
}

// resourceMetadata is the metadata of RFC 9728 of the API endpoint whose path follows.
func (p *Provider) resourceMetadata(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, resourceMetadataPath)
	if !strings.HasPrefix(path, "/api/") {
		http.NotFound(w, r)
		return
	}
	serveMetadata(w, map[string]any{
		"resource":                 p.URL + path,
		"authorization_servers":    []string{p.URL},
		"bearer_methods_supported": []string{"header"},
		"scopes_supported":         []string{"read", "write"},
	})
}

func serveMetadata(w http.ResponseWriter, members map[string]any) {
	w.Header().Set("Cache-Control", "max-age=600")
	writeJSON(w, http.StatusOK, members)
}

// pointed adds to a challenge where the metadata of the API endpoint are (RFC 9728
// section 5.1).
func (p *Provider) pointed(r *http.Request, refused *refusal) *refusal {
	path := strings.TrimPrefix(p.BearerURL, p.URL)
	if strings.HasPrefix(r.URL.Path, scopePath) {
		path = scopePath
	}
	refused.challenge += `, resource_metadata="` + p.URL + resourceMetadataPath + path + `"`
	return refused
}
