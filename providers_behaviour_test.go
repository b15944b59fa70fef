package connectorauth_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

// behaviours are what data cannot say of the providers in testdata/providers: what
// arrives there and what comes back. Nothing was tried against the providers
// themselves; the sources are in the data.
var behaviours = map[string]behaviour{
	"Amazon Selling Partner": {
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
		rejected: func() (int, any) {
			return 403, map[string]any{"errors": []any{map[string]any{
				"code": "Unauthorized", "details": "The access token you provided has expired.",
			}}}
		},
	},
	"Asana": {
		token: inBody,
	},
	"Atlassian": {
		authorize: func(q url.Values) error {
			return errors.Join(expect(q, "audience", "api.atlassian.com"), expect(q, "prompt", "consent"))
		},
		token: func(r *http.Request, form url.Values) error { return errors.Join(isJSON(r), inBody(r, form)) },
	},
	"Auth0": {
		token: func(r *http.Request, form url.Values) error {
			return errors.Join(inBody(r, form), expect(form, "audience", "https://api.example.com"))
		},
	},
	"Box": {
		token:  inBody,
		answer: adding(map[string]any{"token_type": "bearer", "restricted_to": []any{}}),
	},
	"Dropbox": {
		authorize: func(q url.Values) error { return expect(q, "token_access_type", "offline") },
		token:     func(r *http.Request, _ url.Values) error { return basic(r) },
		answer:    adding(map[string]any{"account_id": "dbid:A"}),
	},
	"eBay": {
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
		answer: adding(map[string]any{"token_type": "User Access Token"}),
	},
	"Facebook": {
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
	},
	"Figma": {
		hosts: func(c *connectorauth.OAuth2Config, p *authtest.Provider) {
			c.Dialect.RefreshURL = p.TokenURL + "/refresh"
		},
		authorize: fromCommas("scope"),
		token: func(r *http.Request, form url.Values) error {
			if isRefresh := form.Get("grant_type") == "refresh_token"; isRefresh != strings.HasSuffix(r.URL.Path, "/refresh") {
				return errors.New("wrong URL")
			}
			return basic(r)
		},
		answer: adding(map[string]any{"user_id": "42"}),
	},
	"Fiserv": {
		answer: adding(map[string]any{"expires_in": "1800000"}),
	},
	"GitHub": {
		token: inBody,
		answer: func(_ url.Values, a map[string]any) any {
			form := url.Values{}
			for name, value := range a {
				form.Set(name, fmt.Sprint(value))
			}
			return form
		},
		refusal: func(map[string]any) (int, any) { return 200, url.Values{"error": {"bad_refresh_token"}} },
	},
	"Google": {
		authorize: func(q url.Values) error {
			return errors.Join(expect(q, "access_type", "offline"), expect(q, "prompt", "consent"))
		},
		token: inBody,
	},
	"HubSpot": {
		token: inBody,
		refusal: func(map[string]any) (int, any) {
			return 400, map[string]any{"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}
		},
	},
	"Instagram": {
		hosts: func(c *connectorauth.OAuth2Config, p *authtest.Provider) {
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
	},
	"Jobber": {
		token:  inBody,
		answer: withoutExpiry,
	},
	"Microsoft": {
		hosts: func(c *connectorauth.OAuth2Config, p *authtest.Provider) {
			c.TokenURL = p.TokenURL + "/contoso/v2.0/token"
		},
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
	"Notion": {
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
	},
	"QuickBooks": {
		callback: func(q url.Values) { q.Set("realmId", "9130347") },
		token:    func(r *http.Request, _ url.Values) error { return errors.Join(isForm(r), basic(r)) },
		answer:   adding(map[string]any{"token_type": "bearer", "x_refresh_token_expires_in": 8726400}),
	},
	"Reddit": {
		authorize: func(q url.Values) error { return expect(q, "duration", "permanent") },
		token: func(r *http.Request, _ url.Values) error {
			if !strings.HasPrefix(r.UserAgent(), "web:") {
				return errors.New("User-Agent is " + r.UserAgent())
			}
			return basic(r)
		},
	},
	"Salesforce": {
		token: inBody,
		answer: func(_ url.Values, a map[string]any) any {
			a["instance_url"], a["issued_at"] = "https://example.my.salesforce.com", "1700000000000"
			delete(a, "expires_in")
			return a
		},
		rejected: func() (int, any) {
			return 401, []any{map[string]any{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}}
		},
	},
	"Shopify": {
		authorize: fromCommas("scope"),
		callback:  func(q url.Values) { q.Set("shop", "example.myshopify.com") },
		token:     inBody,
		answer: func(_ url.Values, a map[string]any) any {
			return map[string]any{"access_token": a["access_token"], "scope": "read,write"}
		},
		api: fromHeader("X-Shopify-Access-Token", ""),
	},
	"Slack": {
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
	},
	"Stripe": {
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
	},
	"TikTok": {
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
	},
	"Workday": {
		token:  func(r *http.Request, _ url.Values) error { return basic(r) },
		answer: withoutExpiry,
	},
	"Xero": {
		token:  func(r *http.Request, _ url.Values) error { return errors.Join(isForm(r), basic(r)) },
		answer: adding(map[string]any{"id_token": "e30.e30."}),
	},
	"Zendesk": {
		token: func(r *http.Request, form url.Values) error {
			if form.Get("grant_type") == "refresh_token" {
				return errors.Join(isJSON(r), inBody(r, form))
			}
			return errors.Join(isJSON(r), inBody(r, form), expect(form, "scope", "read write"))
		},
	},
	"Zoom server-to-server": {
		token: func(r *http.Request, form url.Values) error {
			err := errors.Join(basic(r), expect(form, "grant_type", "account_credentials"), expect(form, "account_id", "acc1"))
			form.Set("grant_type", "client_credentials")
			return err
		},
		answer: adding(map[string]any{"api_url": "https://api.zoom.us"}),
	},
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

func withoutExpiry(_ url.Values, a map[string]any) any {
	delete(a, "expires_in")
	return a
}
