package authtest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// route sets the endpoint fields and the routes of the endpoints.
func (p *Provider) route() {
	p.routes = map[string]http.HandlerFunc{}
	add := func(field *string, path string, handler http.HandlerFunc) {
		*field = p.URL + path
		p.routes[path] = handler
	}
	add(&p.AuthURL, "/oauth2/authorize", p.serveAuthorize)
	add(&p.TokenURL, tokenPath, p.serveToken)
	add(&p.PushedAuthorizationRequestURL, "/oauth2/par", p.servePush)
	add(&p.DeviceURL, "/oauth2/device", p.serveDeviceRequest)
	p.routes[devicePath] = p.serveDevice
	add(&p.RevokeURL, "/oauth2/revoke", p.serveRevoke)
	add(&p.KeysURL, "/oauth2/keys", p.oauth2.signer.serveKeys)

	add(&p.RegisterURL, registerPath, p.serveRegister)
	add(&p.MetadataURL, "/.well-known/oauth-authorization-server", p.serverMetadata)
	add(&p.OpenIDMetadataURL, "/.well-known/openid-configuration", p.serverMetadata)
	add(&p.ResourceMetadataURL, resourceMetadataPath, p.resourceMetadata)

	add(&p.RequestTokenURL, "/oauth1/request", p.serveRequestToken)
	add(&p.AuthorizeURL, "/oauth1/authorize", p.serveAuthorize1)
	add(&p.AccessTokenURL, "/oauth1/access", p.serveAccessToken)

	add(&p.LoginJSONURL, "/login/json", p.serveLoginJSON)
	add(&p.LoginFormURL, "/login/form", p.serveLoginForm)
	add(&p.LoginXMLURL, "/login/xml", p.serveLoginXML)
	add(&p.LoginBasicURL, "/login/basic", p.serveLoginBasic)
	add(&p.LoginBeginURL, "/login/begin", p.serveLoginBegin)
	p.routes[loginFinishPath] = p.serveLoginFinish
	add(&p.LoginAssertionURL, "/login/assertion", p.serveLoginAssertion)
	add(&p.SessionRenewURL, "/login/renew", p.serveSessionRenew)
	add(&p.LogoutURL, "/logout", p.serveLogout)
	add(&p.SessionURL, "/api/session", p.api(p.session))

	add(&p.OpenURL, "/api/open", p.api(p.open))
	add(&p.BearerURL, "/api/bearer", p.api(p.bearer))
	add(&p.KeyHeaderURL, "/api/key/header", p.api(p.keyHeader))
	add(&p.KeyAuthorizationURL, "/api/key/authorization", p.api(p.keyAuthorization))
	add(&p.KeyQueryURL, "/api/key/query", p.api(p.keyQuery))
	add(&p.KeyCookieURL, "/api/key/cookie", p.api(p.keyCookie))
	add(&p.KeyBodyURL, "/api/key/body", p.api(p.keyBody))
	add(&p.KeyPathURL, keyPath, p.api(p.keyInPath))
	p.KeyPathURL += "/{key}"
	add(&p.BasicURL, "/api/basic", p.api(p.basic))
	add(&p.BasicKeyURL, "/api/basickey", p.api(p.basicKey))
	add(&p.OAuth1URL, "/api/oauth1", p.api(p.signed))
	add(&p.AssertionURL, "/api/assertion", p.api(p.assertion))
	add(&p.FieldsURL, "/api/fields", p.api(p.fields))
	p.routes[stepUpPath] = p.api(p.steppedUp)
	p.routes[scopePath] = p.api(p.scoped)
	p.routes[redirectPath] = serveRedirect
}

// find returns the route of a path below its tenant, or else of the nearest parent with a
// route.
func (p *Provider) find(path string) (route string, handler http.Handler) {
	for route = withoutTenant(path); strings.HasPrefix(route, "/"); route = route[:strings.LastIndexByte(route, '/')] {
		if h, ok := p.routes[route]; ok {
			return route, h
		}
	}
	return "", http.NotFoundHandler()
}

// maxBody is the limit of a request's body, in bytes.
const maxBody = 16 << 20

// Handler returns the provider as an http.Handler, for a server of your own or
// for a direct call of ServeHTTP. The URL fields still name the provider's own
// server.
func (p *Provider) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "authtest: the request body is incomplete or over 16 MiB", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		route, handler := p.find(r.URL.Path)
		if name, known := p.tenant(r); !known {
			route, handler = "", noTenant(name)
		}
		p.record(route, r, body)
		p.withFaults(route, handler).ServeHTTP(w, r)
	})
}
