package connectorauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/internal/test/race"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/require"
)

// More secrets, beside those of the subjects.
const (
	refreshToken    = "REFRESH+/~=7d1b"
	authCode        = "CODE+/%&=~9c3e"
	temporarySecret = "TEMPSECRET+/%&=~5a6f" // of OAuth1's handshake
	oauth1Verifier  = "VERIFIER+/%&=~8e2a"
	temporaryToken  = "temporary"
	redirectURL     = "http://127.0.0.1/callback"
	providerURL     = "https://login.example.test"
)

// newCanary watches for all of these secrets.
func newCanary(t *testing.T) *canary.Canary {
	return canary.New(t,
		secretKey, password, clientSecret, accessToken, tokenSecret, fieldValue, customSecret, loginValue,
		refreshToken, authCode, temporarySecret, oauth1Verifier,
		url.QueryEscape(clientSecret), // as it is within Basic
	)
}

// inBubble runs f as a subtest in which time passes at once, so that retries and
// timeouts in the background end with it.
func inBubble(t *testing.T, name string, f func(t *testing.T, c *canary.Canary)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f(t, newCanary(t))
			time.Sleep(time.Hour) // of the bubble
		})
	})
}

// bird is a connector to watch: how to make it, and what it was made of.
type bird struct {
	name  string
	build func(c *canary.Canary, provider http.RoundTripper, store connectorauth.TokenStore) (connectorauth.Connector, any)
}

// consentFlow are the connectors with a consent flow.
type consentFlow interface {
	connectorauth.Connector
	Begin(ctx context.Context, redirectURL string) (authURL string, pending connectorauth.Secret, err error)
	Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error
}

// birds returns every connector, in every way to set it up.
func birds() (list []bird) {
	for i, s := range subjects(tokenEndpoint()) {
		if s.name != "OAuth2" {
			list = append(list, bird{s.name, func(_ *canary.Canary, provider http.RoundTripper, _ connectorauth.TokenStore) (connectorauth.Connector, any) {
				return subjects(provider)[i].connector, nil
			}})
		}
	}
	for i, s := range pairs(tokenEndpoint()) {
		list = append(list, bird{s.name, func(_ *canary.Canary, provider http.RoundTripper, _ connectorauth.TokenStore) (connectorauth.Connector, any) {
			return pairs(provider)[i].connector, nil
		}})
	}
	list = append(list, bird{"OAuth1 with consent", func(_ *canary.Canary, provider http.RoundTripper, store connectorauth.TokenStore) (connectorauth.Connector, any) {
		config := connectorauth.OAuth1Config{
			ClientID: "client", ClientSecret: clientSecret,
			RequestTokenURL: providerURL + "/request", AuthorizeURL: providerURL + "/authorize", AccessTokenURL: providerURL + "/access",
			Store: store, Account: "account", Shared: new(connectorauth.Shared), HTTPClient: &http.Client{Transport: provider},
		}
		return must(connectorauth.NewOAuth1(config)), config
	}})
	for name, grant := range map[string]connectorauth.Grant{
		"code":               connectorauth.AuthorizationCode{AuthURL: providerURL + "/authorize"},
		"client credentials": connectorauth.ClientCredentials{},
		"password":           connectorauth.PasswordCredentials{Username: "user", Password: password},
	} {
		for _, auth := range []connectorauth.ClientAuth{connectorauth.ClientSecretBasic, connectorauth.ClientSecretPost} {
			list = append(list, bird{fmt.Sprintf("OAuth2 %s %d", name, auth), func(c *canary.Canary, provider http.RoundTripper, store connectorauth.TokenStore) (connectorauth.Connector, any) {
				config := connectorauth.OAuth2Config{
					ClientID: "client", ClientSecret: clientSecret, TokenURL: providerURL + "/token", Grant: grant, ClientAuth: auth,
					Store: store, Account: "account", HTTPClient: &http.Client{Transport: provider},
					Observe: func(e connectorauth.Event) { c.Value("event", e); c.Error("event", e.Err) },
				}
				return must(connectorauth.NewOAuth2(config)), config
			}})
		}
	}
	return list
}

// goodProvider answers token requests of OAuth2 and OAuth1 as they should be.
func goodProvider(req *http.Request) (*http.Response, error) {
	switch req.URL.Path {
	case "/request":
		return fakehttp.Respond(200, url.Values{"oauth_token": {temporaryToken}, "oauth_token_secret": {temporarySecret}, "oauth_callback_confirmed": {"true"}}.Encode()), nil
	case "/access":
		return fakehttp.Respond(200, url.Values{"oauth_token": {oauth1Token}, "oauth_token_secret": {tokenSecret}}.Encode()), nil
	}
	return fakehttp.Respond(200, fmt.Sprintf(`{"access_token":%q,"refresh_token":%q,"expires_in":3600}`, accessToken, refreshToken)), nil
}

// seed gives a connector that needs one a token, without a consent.
func seed(store connectorauth.TokenStore) {
	value := fmt.Sprintf(`{"v":1,"access_token":%q,"refresh_token":%q,"issued":%q,"expiry":%q,"oauth_token":%q,"oauth_token_secret":%q}`,
		accessToken, refreshToken, time.Now().Format(time.RFC3339), time.Now().Add(time.Hour).Format(time.RFC3339), oauth1Token, tokenSecret)
	store.Save(context.Background(), "account", []byte(value))
}

// echo returns the secrets that a token request carried, as a careless provider
// might say them back: as they were sent, and decoded.
func echo(req *http.Request) string {
	_, secret, _ := req.BasicAuth()
	decoded, _ := url.QueryUnescape(secret)
	list := []string{secret, decoded, url.PathEscape(decoded), req.Header.Get("Authorization")}
	if strings.Contains(req.Header.Get("Authorization"), "oauth_verifier=") {
		list = append(list, oauth1Verifier)
	}
	if req.GetBody != nil {
		text, _ := io.ReadAll(must(req.GetBody()))
		form, _ := url.ParseQuery(string(text))
		for _, name := range []string{"client_secret", "refresh_token", "code", "code_verifier", "password"} {
			list = append(list, form.Get(name), url.QueryEscape(form.Get(name)), url.PathEscape(form.Get(name)))
		}
	}
	return strings.Join(list, " ")
}

// providerFaults are ways in which a token request can fail.
func providerFaults() map[string]func(*http.Request) (*http.Response, error) {
	faults := map[string]func(*http.Request) (*http.Response, error){}
	add := func(name string, status int, body func(*http.Request) string) {
		faults[name] = func(req *http.Request) (*http.Response, error) { return fakehttp.Respond(status, body(req)), nil }
	}
	object := func(name string, status int, members func(req *http.Request) map[string]any) {
		add(name, status, func(req *http.Request) string {
			text, _ := json.Marshal(members(req))
			return string(text)
		})
	}
	object("invalid_client", 401, func(req *http.Request) map[string]any {
		return map[string]any{"error": "invalid_client", "error_description": echo(req)}
	})
	object("invalid_grant", 400, func(req *http.Request) map[string]any {
		return map[string]any{"error": "invalid_grant", "error_description": echo(req)}
	})
	object("secret as the code", 400, func(req *http.Request) map[string]any { return map[string]any{"error": echo(req)} })
	add("oauth_problem", 401, func(req *http.Request) string { return url.Values{"oauth_problem": {echo(req)}}.Encode() })
	object("error object", 400, func(req *http.Request) map[string]any {
		return map[string]any{"error": map[string]any{"code": echo(req), "message": echo(req)}}
	})
	object("error with status 200", 200, func(req *http.Request) map[string]any {
		return map[string]any{"error": "invalid_request", "error_description": echo(req)}
	})
	object("token type", 200, func(req *http.Request) map[string]any {
		return map[string]any{"access_token": accessToken, "token_type": "mac"}
	})
	object("unusable token", 200, func(req *http.Request) map[string]any {
		return map[string]any{"access_token": accessToken + "\r\n", "refresh_token": refreshToken}
	})
	object("no token", 200, func(req *http.Request) map[string]any { return map[string]any{"refresh_token": refreshToken} })
	add("HTML", 200, func(req *http.Request) string { return "<html>" + echo(req) + "</html>" })
	add("500", 500, func(req *http.Request) string { return echo(req) })
	add("form", 503, func(req *http.Request) string {
		return url.Values{"error": {"x"}, "error_description": {echo(req)}}.Encode()
	})
	add("token without a secret", 200, func(*http.Request) string { return "oauth_token=" + oauth1Token })
	add("token twice", 200, func(*http.Request) string {
		return "oauth_token=a&oauth_token=b&oauth_token_secret=" + url.QueryEscape(tokenSecret)
	})
	add("huge", 200, func(req *http.Request) string { return strings.Repeat(echo(req)+accessToken, 1<<15) })
	faults["cut short"] = func(*http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(200, "")
		resp.Body = new(fakehttp.Bodies).Open(`{"access_token":"`+accessToken, errBroken)
		return resp, nil
	}
	faults["redirect"] = func(*http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(307, "")
		resp.Header.Set("Location", foreign+"/?secret="+url.QueryEscape(clientSecret))
		return resp, nil
	}
	faults["dropped"] = func(req *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Post", URL: req.URL.String(), Err: errBroken}
	}
	faults["panic"] = func(req *http.Request) (*http.Response, error) { panic(echo(req)) }
	return faults
}

func TestCanaryConnectorsPrintNoSecret(t *testing.T) {
	c := newCanary(t)
	for _, b := range birds() {
		store := new(tokenstore.Memory)
		seed(store)
		connector, config := b.build(c, &fakehttp.Base{Answer: goodProvider}, store)
		client := connectorauth.NewClient(connector, &http.Client{Transport: &fakehttp.Base{}})
		for range 2 { // fresh, and with a token
			c.Value(b.name, connector)
			c.Value(b.name+" config", config)
			c.Value(b.name+" client", client)
			c.Value(b.name+" transport", client.Transport)
			resp, err := client.Post(home, "application/json", strings.NewReader(`{}`))
			require.NoError(t, err, b.name)
			c.Response(b.name, resp)
		}
	}
	for _, config := range []any{
		connectorauth.APIKeyConfig{Key: secretKey},
		connectorauth.BasicConfig{Username: "user", Password: password},
		connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{{Key: "key", Value: fieldValue}}},
		connectorauth.OAuth1Config{ClientID: "client", ClientSecret: clientSecret, Token: "token", TokenSecret: tokenSecret},
		connectorauth.OAuth2Config{ClientSecret: clientSecret, Grant: connectorauth.PasswordCredentials{Username: "user", Password: password}},
		must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{{Key: "key", Value: fieldValue}}})).Fields(),
	} {
		c.Value("config", config)
	}
}

func TestCanaryRequestsThatFail(t *testing.T) {
	tests := []struct {
		name        string
		url         string
		contentType string
		body        string
		answer      func(*http.Request) (*http.Response, error)
	}{
		{"401", home, "application/json", `{}`, fakehttp.Statuses(401)},
		{"403", home, "application/json", `{}`, fakehttp.Statuses(403)},
		{"500", home, "application/json", `{}`, fakehttp.Statuses(500)},
		{"base error", home, "application/json", `{}`, func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: r.Method, URL: r.URL.String(), Err: errBroken}
		}},
		{"base error in words", home + "/path?x=1", "application/json", `{}`, func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("%s %s failed: %w", r.Method, r.URL, errBroken)
		}},
		{"redirect that echoes", home, "application/json", `{}`, func(r *http.Request) (*http.Response, error) {
			resp := fakehttp.Respond(307, "")
			if r.URL.Host == "api.example.test" {
				resp.Header.Set("Location", foreign+"/?"+r.URL.RawQuery)
			} else {
				resp.StatusCode = 200
			}
			return resp, nil
		}},
		{"foreign host", foreign, "application/json", `{}`, nil},
		{"plain http", plainHTTP, "application/json", `{}`, nil},
		{"body that cannot carry fields", home, "text/plain", `hello`, nil},
		{"broken JSON", home, "application/json", `{"a":`, nil},
		{"broken form", home, "application/x-www-form-urlencoded", `a=%zz`, nil},
	}
	for _, test := range tests {
		for _, b := range birds() {
			inBubble(t, test.name+"/"+b.name, func(t *testing.T, c *canary.Canary) {
				store := new(tokenstore.Memory)
				seed(store)
				connector, _ := b.build(c, &fakehttp.Base{Answer: goodProvider}, store)
				client := connectorauth.NewClient(connector, &http.Client{Transport: &fakehttp.Base{Answer: test.answer}})
				resp, err := client.Post(test.url, test.contentType, strings.NewReader(test.body))
				c.Error("error", err)
				c.Response("response", resp)
			})
		}
	}
}

func TestCanaryTokenRequestsThatFail(t *testing.T) {
	n := 0
	for fault, answer := range providerFaults() {
		for _, b := range birds() {
			for _, seeded := range []bool{false, true} {
				if n++; n%race.Fewer(1, 10) > 0 {
					continue
				}
				inBubble(t, fmt.Sprintf("%s/%s/%v", fault, b.name, seeded), func(t *testing.T, c *canary.Canary) {
					store := new(tokenstore.Memory)
					if seeded {
						seed(store)
					}
					connector, _ := b.build(c, &fakehttp.Base{Answer: answer}, store)
					client := connectorauth.NewClient(connector, &http.Client{Transport: &fakehttp.Base{Answer: fakehttp.Statuses(401)}})
					for range 2 { // the failure, and the memory of it
						resp, err := client.Post(home, "application/json", strings.NewReader(`{}`))
						c.Error("error", err)
						c.Response("response", resp)
					}
					if o, ok := connector.(*connectorauth.OAuth2); ok && !seeded {
						_, err := o.Token(t.Context())
						require.Error(t, err)
						c.Error("Token", err)
						_, err = o.TokenSource(t.Context()).Token()
						c.Error("TokenSource", err)
					}
				})
			}
		}
	}
}
