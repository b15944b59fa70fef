package connectorauth_test

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

// What follows is as the providers' documentation has it, cited at each row. It
// was not tried against the providers themselves; rows say where the
// documentation leaves something open.

func providersAToF() []dialectRow {
	return []dialectRow{
		{
			// developer-docs.amazon.com/sp-api, "Website authorization workflow". That
			// page has no scope, response_type or client_id in the authorization URI:
			// application_id names the application there, and is not its client_id.
			name: "Amazon Selling Partner",
			config: OAuth2Config{
				Grant:      AuthorizationCode{Params: url.Values{"application_id": {"amzn1.sp.solution.x"}}, DisablePKCE: true},
				ClientAuth: ClientSecretPost,
				Scopes:     []string{},
				Dialect: dialect.OAuth2{
					AuthNames:      map[string]string{"client_id": "", "response_type": ""},
					CodeName:       "spapi_oauth_code",
					CallbackValues: []string{"selling_partner_id"},
					Placement:      dialect.Placement{Name: "x-amz-access-token"},
					Rejections:     []dialect.Rejection{{Status: 403, Body: "access token you provided has expired"}},
				},
			},
			authorize: func(q url.Values) error {
				err := errors.Join(expect(q, "application_id", "amzn1.sp.solution.x"), expect(q, "redirect_uri", ""))
				if q.Has("client_id") || q.Has("response_type") {
					err = errors.New("a parameter that is not documented")
				}
				q.Set("client_id", "client")
				q.Set("response_type", "code")
				return err
			},
			callback: func(q url.Values) {
				take(q, "code", "spapi_oauth_code")
				q.Set("selling_partner_id", "A3F")
			},
			token: inBody,
			api:   fromHeader("X-Amz-Access-Token", ""),
			extra: map[string]any{"selling_partner_id": "A3F"},
			rejected: func() (int, any) {
				return 403, map[string]any{"errors": []any{map[string]any{
					"code": "Unauthorized", "details": "The access token you provided has expired.",
				}}}
			},
		},
		{
			// developers.asana.com/docs/oauth: a refresh answers no refresh token.
			name:       "Asana",
			config:     OAuth2Config{Grant: AuthorizationCode{}, ClientAuth: ClientSecretPost},
			token:      inBody,
			noRotation: true,
		},
		{
			// developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps
			name: "Atlassian",
			config: OAuth2Config{
				Grant:      AuthorizationCode{Params: url.Values{"audience": {"api.atlassian.com"}, "prompt": {"consent"}}},
				ClientAuth: ClientSecretPost,
				Dialect:    dialect.OAuth2{TokenEncoding: dialect.EncodeJSON},
			},
			authorize: func(q url.Values) error {
				return errors.Join(expect(q, "audience", "api.atlassian.com"), expect(q, "prompt", "consent"))
			},
			token: func(r *http.Request, form url.Values) error { return errors.Join(isJSON(r), inBody(r, form)) },
		},
		{
			// auth0.com/docs, "Client Credentials Flow": audience is required.
			name: "Auth0",
			config: OAuth2Config{
				Grant:      ClientCredentials{},
				ClientAuth: ClientSecretPost,
				Dialect:    dialect.OAuth2{TokenParams: url.Values{"audience": {"https://api.example.com"}}},
			},
			token: func(r *http.Request, form url.Values) error {
				return errors.Join(inBody(r, form), expect(form, "audience", "https://api.example.com"))
			},
		},
		{
			// developer.box.com/guides/authentication/oauth2: refresh tokens rotate.
			name:   "Box",
			config: OAuth2Config{Grant: AuthorizationCode{}, ClientAuth: ClientSecretPost},
			token:  inBody,
			answer: adding(map[string]any{"token_type": "bearer", "restricted_to": []any{}}),
		},
		{
			// dropbox.com/developers/documentation/http/documentation#authorization
			name:       "Dropbox",
			config:     OAuth2Config{Grant: AuthorizationCode{Params: url.Values{"token_access_type": {"offline"}}}},
			authorize:  func(q url.Values) error { return expect(q, "token_access_type", "offline") },
			token:      func(r *http.Request, _ url.Values) error { return basic(r) },
			answer:     adding(map[string]any{"account_id": "dbid:A"}),
			noRotation: true,
			extra:      map[string]any{"account_id": "dbid:A"},
		},
		{
			// developer.ebay.com, "Getting user access token": redirect_uri is the RuName,
			// which is no URL but stands for one, and token_type is in words of its own.
			name: "eBay",
			config: OAuth2Config{
				Grant: AuthorizationCode{Params: url.Values{"redirect_uri": {"Example-App-PRD-1"}}},
				Dialect: dialect.OAuth2{
					AuthNames:   map[string]string{"redirect_uri": ""},
					TokenNames:  map[string]string{"redirect_uri": ""},
					TokenParams: url.Values{"redirect_uri": {"Example-App-PRD-1"}},
					Response:    dialect.Response{AnyTokenType: true},
				},
			},
			authorize: func(q url.Values) error {
				err := expect(q, "redirect_uri", "Example-App-PRD-1")
				q.Set("redirect_uri", "http://127.0.0.1/callback")
				return err
			},
			token: func(r *http.Request, form url.Values) error {
				if form.Get("grant_type") == "refresh_token" {
					return basic(r)
				}
				err := errors.Join(basic(r), expect(form, "redirect_uri", "Example-App-PRD-1"))
				form.Set("redirect_uri", "http://127.0.0.1/callback")
				return err
			},
			answer:     adding(map[string]any{"token_type": "User Access Token"}),
			noRotation: true,
		},
		{
			// developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived.
			// Whether a long-lived token can be traded again and again is not documented;
			// it is what clients do (n8n, Nango), and 190 ends it.
			name: "Facebook",
			config: OAuth2Config{
				Grant:       AuthorizationCode{},
				ClientAuth:  ClientSecretPost,
				RenewBefore: 10 * 24 * time.Hour,
				Dialect: dialect.OAuth2{
					ScopeSeparator:    ",",
					TokenEncoding:     dialect.EncodeGet,
					LongLived:         dialect.TokenExchange{GrantType: "fb_exchange_token", Name: "fb_exchange_token"},
					Extend:            dialect.TokenExchange{GrantType: "fb_exchange_token", Name: "fb_exchange_token"},
					InvalidGrantCodes: []string{"190"},
					Rejections:        []dialect.Rejection{{Status: 400, Path: "error.code", Value: "190"}},
				},
			},
			authorize: fromCommas("scope"),
			token: func(r *http.Request, form url.Values) error {
				if r.Method != "GET" || r.ContentLength != 0 || len(r.TransferEncoding) != 0 {
					return errors.New("want a GET without a body")
				}
				if form.Get("grant_type") == "fb_exchange_token" {
					return take(form, "fb_exchange_token", "access_token")
				}
				return errors.Join(expect(form, "client_id", ""), expect(form, "client_secret", ""), expect(form, "code", ""))
			},
			answer: func(_ url.Values, a map[string]any) any {
				return map[string]any{"access_token": a["access_token"], "token_type": "bearer", "expires_in": a["expires_in"]}
			},
			rejected: func() (int, any) {
				return 400, map[string]any{"error": map[string]any{"message": "expired", "type": "OAuthException", "code": 190}}
			},
			lifetime: 5183944 * time.Second,
		},
		{
			// figma.com/developers/api#authentication: refresh has a URL of its own and
			// answers no refresh token. Scopes were separated by commas; by now a space is
			// documented too.
			name: "Figma",
			config: OAuth2Config{
				Grant:   AuthorizationCode{},
				Dialect: dialect.OAuth2{ScopeSeparator: ","},
			},
			hosts:     func(c *OAuth2Config, p *authtest.Provider) { c.Dialect.RefreshURL = p.TokenURL + "/refresh" },
			authorize: fromCommas("scope"),
			token: func(r *http.Request, form url.Values) error {
				if isRefresh := form.Get("grant_type") == "refresh_token"; isRefresh != strings.HasSuffix(r.URL.Path, "/refresh") {
					return errors.New("wrong URL")
				}
				return basic(r)
			},
			answer:     adding(map[string]any{"user_id": "42"}),
			noRotation: true,
		},
		{
			// The catalogue has Fiserv with expires_in in milliseconds; its documentation
			// is not public.
			name: "Fiserv",
			config: OAuth2Config{
				Grant:   ClientCredentials{},
				Dialect: dialect.OAuth2{Response: dialect.Response{ExpiryFormat: dialect.ExpiryMilliseconds}},
			},
			answer:   adding(map[string]any{"expires_in": "1800000"}),
			lifetime: 30 * time.Minute,
		},
	}
}

// fromHeader makes the token in a header a Bearer token.
func fromHeader(name, prefix string) func(*http.Request) error {
	return func(r *http.Request) error {
		value, ok := strings.CutPrefix(r.Header.Get(name), prefix)
		if !ok || value == "" || name != "Authorization" && r.Header.Get("Authorization") != "" {
			return errors.New("want the token in " + name + " alone")
		}
		r.Header.Del(name)
		r.Header.Set("Authorization", "Bearer "+value)
		return nil
	}
}

// fromCommas makes a list with commas one with spaces.
func fromCommas(name string) func(url.Values) error {
	return func(q url.Values) error {
		err := expect(q, name, "read,write")
		q.Set(name, "read write")
		return err
	}
}

// adding adds members to every answer.
func adding(more map[string]any) func(url.Values, map[string]any) any {
	return func(_ url.Values, a map[string]any) any {
		maps.Copy(a, more)
		return a
	}
}

// secretUser checks Basic with the secret as the user name, and makes it the
// standard form.
func secretUser(r *http.Request, secret string) error {
	user, password, ok := r.BasicAuth()
	if !ok || user != secret || password != "" {
		return errors.New("want the secret as the user name")
	}
	r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("client:"+secret)))
	return nil
}
