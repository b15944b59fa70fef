package connectorauth_test

import (
	"context"
	"encoding/json"
	"errors"
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
	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
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

// beginWatched begins a consent at a connector that has one, and returns the callback that
// would end it well.
func beginWatched(c *canary.Canary, connector connectorauth.Connector) (flow consentFlow, pending connectorauth.Secret, callback url.Values) {
	c.T.Helper()
	flow = connector.(consentFlow)
	authURL, pending, err := flow.Begin(c.T.Context(), redirectURL)
	require.NoError(c.T, err)
	c.Value("pending", pending)
	var parts struct{ State, Verifier string }
	require.NoError(c.T, json.Unmarshal([]byte(pending), &parts))
	c.Secrets = append(c.Secrets, parts.Verifier)
	c.Text("authURL", authURL)
	if connector.AuthType() == connectorauth.AuthTypeOAuth1 {
		return flow, pending, url.Values{"oauth_token": {parts.State}, "oauth_verifier": {oauth1Verifier}}
	}
	return flow, pending, url.Values{"state": {parts.State}, "code": {authCode}}
}

// hasConsent tells the birds that can begin a consent.
func hasConsent(b bird) bool {
	return b.name == "OAuth1 with consent" || strings.Contains(b.name, "code")
}

func TestCanaryConsentsThatFail(t *testing.T) {
	faults := providerFaults()
	faults["none"] = goodProvider
	for fault, answer := range faults {
		for _, b := range birds() {
			if !hasConsent(b) {
				continue
			}
			inBubble(t, fault+"/"+b.name, func(t *testing.T, c *canary.Canary) {
				base := &fakehttp.Base{Answer: goodProvider} // until Begin has succeeded
				connector, _ := b.build(c, base, new(tokenstore.Memory))
				flow, pending, callback := beginWatched(c, connector)
				base.Answer = answer

				err := flow.Finish(t.Context(), pending, callback)
				assert.Equal(t, fault == "none", err == nil, "%v", err)
				c.Error("Finish", err)
				err = flow.Finish(t.Context(), pending, callback)
				require.Error(t, err, "a consent is finished once")
				c.Error("Finish again", err)
				c.Value("connector", connector)
				if fault != "panic" { // which is the caller's, on the caller's goroutine
					_, _, err = flow.Begin(t.Context(), redirectURL) // OAuth1 makes a request
					c.Error("Begin", err)
				}
			})
		}
	}
}

func TestCanaryCallbacksThatFail(t *testing.T) {
	callbacks := map[string]func(callback url.Values){
		"nothing":     func(q url.Values) { clear(q) },
		"wrong state": func(q url.Values) { q["state"], q["oauth_token"] = []string{authCode}, []string{authCode} },
		"no code":     func(q url.Values) { delete(q, "code"); delete(q, "oauth_verifier") },
		"two codes": func(q url.Values) {
			q["code"], q["oauth_verifier"] = []string{authCode, authCode}, []string{oauth1Verifier, ""}
		},
		"refusal": func(q url.Values) {
			q.Set("error", "access_denied\r\n<script>")
			q.Set("oauth_problem", "user_refused")
		},
		"refusal as X has": func(q url.Values) { q.Set("denied", q.Get("oauth_token")); delete(q, "state") },
	}
	pendings := map[string]func(pending connectorauth.Secret) connectorauth.Secret{
		"no pending":              func(connectorauth.Secret) connectorauth.Secret { return "" },
		"pending cut short":       func(p connectorauth.Secret) connectorauth.Secret { return p[:len(p)-3] },
		"pending of another flow": func(connectorauth.Secret) connectorauth.Secret { return `{"for":"x","state":"` + authCode + `"}` },
		"pending that is none":    func(connectorauth.Secret) connectorauth.Secret { return clientSecret },
	}
	for _, b := range birds() {
		if !hasConsent(b) {
			continue
		}
		inBubble(t, b.name, func(t *testing.T, c *canary.Canary) {
			base := &fakehttp.Base{Answer: goodProvider}
			connector, _ := b.build(c, base, new(tokenstore.Memory))
			for what, change := range callbacks {
				flow, pending, callback := beginWatched(c, connector)
				change(callback)
				err := flow.Finish(t.Context(), pending, callback)
				require.Error(t, err, what)
				c.Error(what, err)
			}
			for what, change := range pendings {
				flow, pending, callback := beginWatched(c, connector)
				err := flow.Finish(t.Context(), change(pending), callback)
				require.Error(t, err, what)
				c.Error(what, err)
			}
			flow, pending, callback := beginWatched(c, connector)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			err := flow.Finish(ctx, pending, callback)
			require.ErrorIs(t, err, context.Canceled)
			c.Error("cancelled", err)
			_, _, err = flow.Begin(t.Context(), "http://example.com/"+url.PathEscape(authCode))
			require.Error(t, err)
			c.Error("Begin", err)
		})
	}
}

// brokenStore fails in the ways that its fields say.
type brokenStore struct {
	tokenstore.Memory
	load, save, lock error
}

func (s *brokenStore) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if s.load != nil {
		return nil, false, s.load
	}
	return s.Memory.Load(ctx, key)
}

func (s *brokenStore) Save(ctx context.Context, key string, value []byte) error {
	return errors.Join(s.save, s.Memory.Save(ctx, key, value))
}

func (s *brokenStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if s.save != nil {
		return false, s.save
	}
	return s.Memory.CompareAndSwap(ctx, key, old, new)
}

func (s *brokenStore) Lock(ctx context.Context, key string) (connectorauth.Lease, error) {
	if s.lock != nil {
		return nil, s.lock
	}
	return s.Memory.Lock(ctx, key)
}

func TestCanaryStoresThatFail(t *testing.T) {
	stores := map[string]func() connectorauth.TokenStore{
		"load": func() connectorauth.TokenStore { return &brokenStore{load: errBroken} },
		"lock": func() connectorauth.TokenStore { return &brokenStore{lock: errBroken} },
		"save": func() connectorauth.TokenStore { return &brokenStore{save: errBroken} },
	}
	for what, value := range map[string]string{
		"not JSON":         clientSecret + refreshToken,
		"cut short":        `{"v":1,"access_token":"` + accessToken + `","refresh_token":"` + refreshToken,
		"other types":      `{"v":1,"access_token":["` + accessToken + `"],"oauth_token":{"x":"` + tokenSecret + `"}}`,
		"odd version":      `{"v":"` + refreshToken + `"}`,
		"later version":    `{"v":99,"access_token":"` + accessToken + `"}`,
		"odd time":         `{"v":1,"access_token":"x","expiry":"` + refreshToken + `","oauth_token":7}`,
		"unusable token":   `{"v":1,"access_token":"` + accessToken + `\n","oauth_token":"` + accessToken + `\n","oauth_token_secret":"` + tokenSecret + `"}`,
		"empty":            ``,
		"secret, no token": `{"v":1,"oauth_token_secret":"` + tokenSecret + `"}`,
	} {
		stores[what] = func() connectorauth.TokenStore {
			store := new(tokenstore.Memory)
			store.Save(context.Background(), "account", []byte(value))
			return store
		}
	}
	n := 0
	for what, newStore := range stores {
		for _, b := range birds() {
			if n++; n%race.Fewer(1, 10) > 0 {
				continue
			}
			inBubble(t, what+"/"+b.name, func(t *testing.T, c *canary.Canary) {
				connector, _ := b.build(c, &fakehttp.Base{Answer: goodProvider}, newStore())
				client := connectorauth.NewClient(connector, &http.Client{Transport: &fakehttp.Base{}})
				resp, err := client.Post(home, "application/json", strings.NewReader(`{}`))
				if strings.HasPrefix(b.name, "OAuth2") || hasConsent(b) { // what has no store cannot fail
					fails := what == "load" || what == "lock" || what == "later version"
					assert.Equal(t, !fails && !hasConsent(b), err == nil, "%v", err)
				} else {
					require.NoError(t, err)
				}
				c.Error("error", err)
				c.Response("response", resp)
				if o, ok := connector.(*connectorauth.OAuth2); ok {
					c.Error("SetToken", o.SetToken(t.Context(), &oauth2.Token{AccessToken: accessToken, RefreshToken: refreshToken}))
					c.Error("SetToken", o.SetToken(t.Context(), &oauth2.Token{AccessToken: accessToken + "\n"}))
					c.Error("SetToken", o.SetToken(t.Context(), nil))
					_, err = o.AddToken(t.Context(), &oauth2.Token{AccessToken: accessToken, RefreshToken: refreshToken})
					c.Error("AddToken", err)
					c.Error("HandOver", o.HandOver(t.Context(), func(_ context.Context, token *oauth2.Token) error {
						return errors.New("cannot keep " + token.AccessToken + token.RefreshToken)
					}))
				}
				if o, ok := connector.(*connectorauth.OAuth1); ok {
					_, err = o.AddToken(t.Context(), oauth1.NewToken(oauth1Token, tokenSecret))
					c.Error("AddToken", err)
					c.Error("HandOver", o.HandOver(t.Context(), func(_ context.Context, token *oauth1.Token) error {
						return errors.New("cannot keep " + token.TokenSecret)
					}))
				}
			})
		}
	}
}
