package connectorauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

func providersGToZ() []dialectRow {
	return []dialectRow{
		{
			// docs.github.com/en/apps, "Refreshing user access tokens": the answer is a
			// form unless JSON is asked for, and a refusal has status 200.
			name:   "GitHub",
			config: OAuth2Config{Grant: AuthorizationCode{}, ClientAuth: ClientSecretPost},
			token:  inBody,
			answer: func(_ url.Values, a map[string]any) any {
				form := url.Values{}
				for name, value := range a {
					form.Set(name, fmt.Sprint(value))
				}
				return form
			},
			refusal: func(map[string]any) (int, any) { return 200, url.Values{"error": {"bad_refresh_token"}} },
		},
		{
			// developers.google.com/identity/protocols/oauth2/web-server
			name: "Google",
			config: OAuth2Config{
				Grant:      AuthorizationCode{Params: url.Values{"access_type": {"offline"}, "prompt": {"consent"}}},
				ClientAuth: ClientSecretPost,
			},
			authorize: func(q url.Values) error {
				return errors.Join(expect(q, "access_type", "offline"), expect(q, "prompt", "consent"))
			},
			token:      inBody,
			noRotation: true,
		},
		{
			// developers.hubspot.com, "OAuth tokens": the error of a dead refresh token is
			// in status. Uncertain: newer versions of the endpoint answer error instead,
			// as the standard does.
			name: "HubSpot",
			config: OAuth2Config{
				Grant:      AuthorizationCode{},
				ClientAuth: ClientSecretPost,
				Dialect: dialect.OAuth2{
					Response:          dialect.Response{Error: "status", ErrorDescription: "message"},
					InvalidGrantCodes: []string{"BAD_REFRESH_TOKEN"},
				},
			},
			token: inBody,
			refusal: func(map[string]any) (int, any) {
				return 400, map[string]any{"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}
			},
		},
		{
			// developers.facebook.com/docs/instagram-platform, access_token and
			// refresh_access_token, which live on another host than the token endpoint. A
			// refresh is documented without client_id and client_secret; the library sends
			// them all the same.
			name: "Instagram",
			config: OAuth2Config{
				Grant:       AuthorizationCode{},
				ClientAuth:  ClientSecretPost,
				RenewBefore: 10 * 24 * time.Hour,
				Dialect: dialect.OAuth2{
					ScopeSeparator:    ",",
					LongLived:         dialect.TokenExchange{GrantType: "ig_exchange_token"},
					Extend:            dialect.TokenExchange{GrantType: "ig_refresh_token"},
					InvalidGrantCodes: []string{"190"},
				},
			},
			hosts: func(c *OAuth2Config, p *authtest.Provider) {
				c.Dialect.LongLived.URL, c.Dialect.Extend.URL = p.TokenURL+"/access_token", p.TokenURL+"/refresh_access_token"
			},
			authorize: fromCommas("scope"),
			token: func(r *http.Request, form url.Values) error {
				switch grant := form.Get("grant_type"); {
				case grant == "authorization_code":
					return inBody(r, form)
				case r.Method != "GET",
					(grant == "ig_exchange_token") != strings.HasSuffix(r.URL.Path, "/access_token"),
					(grant == "ig_refresh_token") != strings.HasSuffix(r.URL.Path, "/refresh_access_token"):
					return errors.New("wrong method or URL")
				}
				return nil
			},
			answer: func(form url.Values, a map[string]any) any {
				if form.Get("grant_type") == "authorization_code" {
					return map[string]any{"access_token": a["access_token"], "user_id": 17841400000000000, "permissions": "read,write"}
				}
				return map[string]any{"access_token": a["access_token"], "token_type": "bearer", "expires_in": a["expires_in"]}
			},
			lifetime: 5183944 * time.Second,
			extra:    map[string]any{"permissions": "read,write"},
		},
		{
			// developer.getjobber.com/docs/building_your_app/app_authorization: tokens live
			// for an hour, and the answer does not say so.
			name: "Jobber",
			config: OAuth2Config{
				Grant:      AuthorizationCode{},
				ClientAuth: ClientSecretPost,
				Dialect:    dialect.OAuth2{Response: dialect.Response{Lifetime: time.Hour}},
			},
			token:  inBody,
			answer: withoutExpiry,
		},
		{
			// learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow: the
			// tenant is in the URL. scope is optional on refresh by now; the older endpoints
			// and some tenants ask for it.
			name: "Microsoft",
			config: OAuth2Config{
				Grant:      AuthorizationCode{},
				ClientAuth: ClientSecretPost,
				Dialect:    dialect.OAuth2{RefreshParams: url.Values{"scope": {"read write"}}},
			},
			hosts: func(c *OAuth2Config, p *authtest.Provider) { c.TokenURL = p.TokenURL + "/contoso/v2.0/token" },
			token: func(r *http.Request, form url.Values) error {
				if !strings.Contains(r.URL.Path, "/contoso/") {
					return errors.New("no tenant")
				}
				if form.Get("grant_type") == "refresh_token" {
					return errors.Join(inBody(r, form), expect(form, "scope", "read write"))
				}
				return inBody(r, form)
			},
		},
		{
			// developers.notion.com/docs/authorization: Basic with a JSON body. Uncertain:
			// refresh tokens are documented for newer integrations only; the others' tokens
			// do not expire, as here.
			name: "Notion",
			config: OAuth2Config{
				Grant:   AuthorizationCode{Params: url.Values{"owner": {"user"}}},
				Scopes:  []string{},
				Dialect: dialect.OAuth2{TokenEncoding: dialect.EncodeJSON, TokenHeader: http.Header{"Notion-Version": {"2022-06-28"}}},
			},
			authorize: func(q url.Values) error { return expect(q, "owner", "user") },
			token: func(r *http.Request, _ url.Values) error {
				if r.Header.Get("Notion-Version") != "2022-06-28" {
					return errors.New("want Notion-Version")
				}
				return errors.Join(isJSON(r), basic(r))
			},
			answer: func(_ url.Values, a map[string]any) any {
				return map[string]any{"access_token": a["access_token"], "token_type": "bearer", "workspace_id": "w1"}
			},
			static:   true,
			lifetime: -1,
			extra:    map[string]any{"workspace_id": "w1"},
		},
		{
			// developer.intuit.com, "OAuth 2.0": realmId, the company, is in the callback.
			name:     "QuickBooks",
			config:   OAuth2Config{Grant: AuthorizationCode{}, Dialect: dialect.OAuth2{CallbackValues: []string{"realmId"}}},
			callback: func(q url.Values) { q.Set("realmId", "9130347") },
			token:    func(r *http.Request, _ url.Values) error { return errors.Join(isForm(r), basic(r)) },
			answer:   adding(map[string]any{"token_type": "bearer", "x_refresh_token_expires_in": 8726400}),
			extra:    map[string]any{"realmId": "9130347"},
		},
		{
			// github.com/reddit-archive/reddit/wiki/OAuth2: a User-Agent of one's own is asked
			// for, and without duration=permanent there is no refresh token.
			name: "Reddit",
			config: OAuth2Config{
				Grant:   AuthorizationCode{Params: url.Values{"duration": {"permanent"}}},
				Dialect: dialect.OAuth2{TokenHeader: http.Header{"User-Agent": {"web:example:v1 (by /u/example)"}}},
			},
			authorize: func(q url.Values) error { return expect(q, "duration", "permanent") },
			token: func(r *http.Request, _ url.Values) error {
				if !strings.HasPrefix(r.UserAgent(), "web:") {
					return errors.New("User-Agent is " + r.UserAgent())
				}
				return basic(r)
			},
			noRotation: true,
		},
		{
			// help.salesforce.com, "OAuth 2.0 Web Server Flow": no expires_in; a session ends
			// as the organization's policy has it, and the API answers 401.
			name:   "Salesforce",
			config: OAuth2Config{Grant: AuthorizationCode{}, ClientAuth: ClientSecretPost},
			token:  inBody,
			answer: func(_ url.Values, a map[string]any) any {
				a["instance_url"], a["issued_at"] = "https://example.my.salesforce.com", "1700000000000"
				delete(a, "expires_in")
				return a
			},
			rejected: func() (int, any) {
				return 401, []any{map[string]any{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}}
			},
			noRotation: true,
			lifetime:   -1,
			extra:      map[string]any{"instance_url": "https://example.my.salesforce.com"},
		},
		{
			// shopify.dev/docs/apps/build/authentication-authorization, offline tokens, which
			// do not expire. Uncertain: newer apps may ask for expiring ones with refresh
			// tokens. The callback's hmac is for the program to verify.
			name: "Shopify",
			config: OAuth2Config{
				Grant:      AuthorizationCode{},
				ClientAuth: ClientSecretPost,
				Dialect: dialect.OAuth2{
					ScopeSeparator: ",",
					CallbackValues: []string{"shop"},
					Placement:      dialect.Placement{Name: "X-Shopify-Access-Token"},
				},
			},
			authorize: fromCommas("scope"),
			callback:  func(q url.Values) { q.Set("shop", "example.myshopify.com") },
			token:     inBody,
			answer: func(_ url.Values, a map[string]any) any {
				return map[string]any{"access_token": a["access_token"], "scope": "read,write"}
			},
			api:      fromHeader("X-Shopify-Access-Token", ""),
			static:   true,
			lifetime: -1,
			extra:    map[string]any{"shop": "example.myshopify.com", "scope": "read,write"},
		},
		{
			// docs.slack.dev/authentication, "Installing with OAuth" and "Using token
			// rotation": the user's token is in authed_user, beside the bot's. The answer to
			// a refresh has it at the top; that is from Slack's own SDK for Python
			// (TokenRotator), as the documentation shows bot tokens only.
			name: "Slack",
			config: OAuth2Config{
				Grant:      AuthorizationCode{},
				ClientAuth: ClientSecretPost,
				Dialect: dialect.OAuth2{
					ScopeSeparator: ",",
					AuthNames:      map[string]string{"scope": "user_scope"},
					Response: dialect.Response{
						AccessToken:  "authed_user.access_token",
						RefreshToken: "authed_user.refresh_token",
						Expiry:       "authed_user.expires_in",
						Scope:        "authed_user.scope",
						AnyTokenType: true, // it is "user", or "bot" at the top
					},
					Rejections: []dialect.Rejection{{Path: "error", Value: "token_expired"}, {Path: "error", Value: "invalid_auth"}},
				},
			},
			authorize: func(q url.Values) error {
				return errors.Join(take(q, "user_scope", "scope"), fromCommas("scope")(q))
			},
			token: inBody,
			answer: func(form url.Values, a map[string]any) any {
				a["token_type"] = "user"
				if form.Get("grant_type") == "refresh_token" {
					a["ok"] = true
					return a
				}
				return map[string]any{
					"ok": true, "access_token": "xoxb-bot", "token_type": "bot", "authed_user": a,
					"team": map[string]any{"id": "T1"},
				}
			},
			refusal: func(map[string]any) (int, any) {
				return 200, map[string]any{"ok": false, "error": "invalid_refresh_token"}
			},
			rejected: func() (int, any) { return 200, map[string]any{"ok": false, "error": "token_expired"} },
			extra:    map[string]any{"team": map[string]any{"id": "T1"}, "access_token": "xoxb-bot"},
		},
		{
			// docs.stripe.com/connect/oauth-reference: the secret key is the user name.
			// Tokens do not expire; a refresh token is there to change scope or mode.
			name:   "Stripe",
			secret: "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
			config: OAuth2Config{Grant: AuthorizationCode{}, ClientAuth: ClientSecretUser},
			token: func(r *http.Request, form url.Values) error {
				if form.Has("client_secret") {
					return errors.New("client_secret is there too")
				}
				return secretUser(r, "sk_test_4eC39HqLyjWDarjtT1zdp7dc")
			},
			answer: func(_ url.Values, a map[string]any) any {
				a["stripe_user_id"], a["token_type"] = "acct_1", "bearer"
				delete(a, "expires_in")
				return a
			},
			lifetime: -1,
			extra:    map[string]any{"stripe_user_id": "acct_1"},
		},
		{
			// developers.tiktok.com/doc/oauth-user-access-token-management has client_key and
			// commas. Answers within data are those of its first version and of TikTok for
			// Business, each with an error_code of 0 for none; v2 answers as the standard does.
			name: "TikTok",
			config: OAuth2Config{
				Grant:      AuthorizationCode{},
				ClientAuth: ClientSecretPost,
				Dialect: dialect.OAuth2{
					ScopeSeparator: ",",
					AuthNames:      map[string]string{"client_id": "client_key"},
					TokenNames:     map[string]string{"client_id": "client_key"},
					Response: dialect.Response{
						AccessToken: "data.access_token", RefreshToken: "data.refresh_token", Expiry: "data.expires_in",
						Scope: "data.scope", Error: "data.error_code", ErrorDescription: "data.description",
					},
					InvalidGrantCodes: []string{"10010"},
				},
			},
			authorize: func(q url.Values) error {
				return errors.Join(take(q, "client_key", "client_id"), fromCommas("scope")(q))
			},
			token: func(r *http.Request, form url.Values) error {
				return errors.Join(take(form, "client_key", "client_id"), inBody(r, form))
			},
			answer: func(_ url.Values, a map[string]any) any {
				a["error_code"], a["open_id"] = 0, "o1"
				return map[string]any{"data": a, "message": "success"}
			},
			refusal: func(map[string]any) (int, any) {
				return 200, map[string]any{"data": map[string]any{"error_code": 10010, "description": "refresh token expired"}, "message": "error"}
			},
			extra: map[string]any{"message": "success"},
		},
		{
			// Workday's documentation is for its customers; the catalogue has a fixed
			// lifetime, and the tenant in the URL.
			name:   "Workday",
			config: OAuth2Config{Grant: AuthorizationCode{}, Dialect: dialect.OAuth2{Response: dialect.Response{Lifetime: 4 * time.Hour}}},
			token:  func(r *http.Request, _ url.Values) error { return basic(r) },
			answer: withoutExpiry, noRotation: true,
			lifetime: 4 * time.Hour,
		},
		{
			// developer.xero.com/documentation/guides/oauth2/auth-flow
			name:   "Xero",
			config: OAuth2Config{Grant: AuthorizationCode{}, Scopes: []string{"openid", "offline_access"}},
			token:  func(r *http.Request, _ url.Values) error { return errors.Join(isForm(r), basic(r)) },
			answer: adding(map[string]any{"id_token": "e30.e30."}),
			extra:  map[string]any{"id_token": "e30.e30."},
		},
		{
			// developer.zendesk.com, "OAuth Tokens for Grant Types": JSON, and scope in the
			// token request as well. Tokens expire, and are refreshed, for newer clients only.
			name: "Zendesk",
			config: OAuth2Config{
				Grant:      AuthorizationCode{},
				ClientAuth: ClientSecretPost,
				Dialect:    dialect.OAuth2{TokenEncoding: dialect.EncodeJSON, TokenParams: url.Values{"scope": {"read write"}}},
			},
			token: func(r *http.Request, form url.Values) error {
				if form.Get("grant_type") == "refresh_token" {
					return errors.Join(isJSON(r), inBody(r, form))
				}
				return errors.Join(isJSON(r), inBody(r, form), expect(form, "scope", "read write"))
			},
		},
		{
			// developers.zoom.us/docs/internal-apps/s2s-oauth
			name: "Zoom server-to-server",
			config: OAuth2Config{
				Grant:   ClientCredentials{},
				Scopes:  []string{},
				Dialect: dialect.OAuth2{GrantType: "account_credentials", TokenParams: url.Values{"account_id": {"acc1"}}},
			},
			token: func(r *http.Request, form url.Values) error {
				err := errors.Join(basic(r), expect(form, "grant_type", "account_credentials"), expect(form, "account_id", "acc1"))
				form.Set("grant_type", "client_credentials")
				return err
			},
			answer: adding(map[string]any{"api_url": "https://api.zoom.us"}),
			extra:  map[string]any{"api_url": "https://api.zoom.us"},
		},
	}
}

func withoutExpiry(_ url.Values, a map[string]any) any {
	delete(a, "expires_in")
	return a
}
