package definition_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// service reads the definition of a service.
func service(t testing.TB, name string) *definition.Definition {
	t.Helper()
	file := filepath.Join("testdata", "services", name+".json")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	d, err := definition.Parse(file, text, definition.Options{})
	require.NoError(t, err)
	require.Equal(t, name, d.Name)
	return d
}

func TestServicesWithFixedCredentials(t *testing.T) {
	for _, test := range []struct {
		service, method string
		values          values
		path, url       string
		header          map[string]string
	}{
		{"shopify", "key", values{"subdomain": "my-store", "token": "t"}, "/admin/shop.json", "https://my-store.myshopify.com/admin/shop.json", map[string]string{"X-Shopify-Access-Token": "t"}},
		{"zendesk", "token", values{"subdomain": "a", "email": "ada@example.com", "token": "t"}, "/api/v2", "https://a.zendesk.com/api/v2", map[string]string{"Authorization": "Basic YWRhQGV4YW1wbGUuY29tL3Rva2VuOnQ="}},
		{"stripe", "", values{"apiKey": "sk_test_1"}, "/v1/account", "https://api.stripe.com/v1/account", map[string]string{"Authorization": "Bearer sk_test_1", "Stripe-Version": ""}},
		{"stripe", "", values{"apiKey": "sk_test_1", "version": "2026-01"}, "/v1", "https://api.stripe.com/v1", map[string]string{"Stripe-Version": "2026-01"}},
		{"trello", "", values{"key": "k", "token": "t"}, "/members/me", "https://api.trello.com/1/members/me?key=k&token=t", nil},
		{"twilio", "", values{"account": "AC00000000000000000000000000000000", "token": "t"}, "/x", "https://api.twilio.com/2010-04-01/x", map[string]string{"Authorization": "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDp0"}},
		{"pipedrive", "key", values{"token": "t"}, "/users/me", "https://api.pipedrive.com/users/me?api_token=t", nil},
		{"datadog", "", values{"apiKey": "a", "appKey": "b", "region": "us3.datadoghq.com"}, "/api/v1", "https://api.us3.datadoghq.com/api/v1", map[string]string{"Dd-Api-Key": "a", "Dd-Application-Key": "b"}},
		{"telegram-bot", "", values{"bot": "1:a"}, "/getMe", "https://api.telegram.org/bot1:a/getMe", nil},
	} {
		c, err := service(t, test.service).Connect(definition.Connection{Method: test.method, Values: test.values})
		require.NoError(t, err, test.service)
		req := sent(t, c, "GET", test.path, "")
		assert.Equal(t, test.url, req.URL.String(), test.service)
		for name, value := range test.header {
			assert.Equal(t, value, req.Header.Get(name), "%s: %s", test.service, name)
		}
	}
}

func TestServiceWithFields(t *testing.T) {
	c, err := service(t, "pushover").Connect(definition.Connection{Values: values{"app": "a", "user": "u"}})
	require.NoError(t, err)
	body, err := io.ReadAll(sent(t, c, "POST", "/messages.json", `{"message":"hello"}`).Body)
	require.NoError(t, err)
	assert.JSONEq(t, `{"message":"hello","token":"a","user":"u"}`, string(body))
}

func TestServiceWithALogin(t *testing.T) {
	var login, content string
	c, err := service(t, "tableau").Connect(definition.Connection{
		Values: values{"server": "10ax.online.tableau.com", "name": `a"b`, "secret": "s&t"},
		HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			text, err := io.ReadAll(req.Body)
			login, content = req.URL.String(), string(text)
			return fakehttp.Respond(200, `<tsResponse><credentials token="T1"><site id="9"/></credentials></tsResponse>`), err
		})},
	})
	require.NoError(t, err)
	req := sent(t, c, "GET", "/sites", "")
	assert.Equal(t, "https://10ax.online.tableau.com/api/3.26/sites", req.URL.String())
	assert.Equal(t, "T1", req.Header.Get("X-Tableau-Auth"))
	assert.Equal(t, "https://10ax.online.tableau.com/api/3.26/auth/signin", login)
	assert.Equal(t, `<tsRequest><credentials personalAccessTokenName="a&#34;b" personalAccessTokenSecret="s&amp;t"><site contentUrl=""/></credentials></tsRequest>`, content)
}

// A provider responds to token requests.
type provider struct {
	token    map[string]any
	requests []string // their URLs
	params   url.Values
}

func (p *provider) client(t *testing.T) *http.Client {
	return &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		p.requests = append(p.requests, req.URL.String())
		text, err := io.ReadAll(req.Body)
		require.NoError(t, err)
		p.params, _ = url.ParseQuery(string(text))
		response, err := json.Marshal(p.token)
		return fakehttp.Respond(200, string(response)), err
	})}
}

// consented leads an account through a consent.
func consented(t *testing.T, c *definition.Connected, callback url.Values) (authURL *url.URL) {
	t.Helper()
	account := c.Credential().(*connectorauth.OAuth2)
	raw, pending, err := account.Begin(t.Context(), "https://app.example.com/callback")
	require.NoError(t, err)
	authURL, err = url.Parse(raw)
	require.NoError(t, err)
	callback.Set("state", authURL.Query().Get("state"))
	callback.Set("code", "c")
	require.NoError(t, account.Finish(t.Context(), pending, callback))
	return authURL
}

func TestServicesWithAConsent(t *testing.T) {
	for _, test := range []struct {
		service       string
		values        values
		token         map[string]any
		callback      url.Values
		auth, request string
		url, revoke   string
		header        map[string]string
		scope         string
	}{
		{"shopify", values{"subdomain": "my-store"}, map[string]any{"token_type": "shop"}, url.Values{}, "https://my-store.myshopify.com/admin/oauth/authorize", "https://my-store.myshopify.com/admin/oauth/access_token", "https://my-store.myshopify.com/x", "", map[string]string{"X-Shopify-Access-Token": "T"}, "read_products,read_orders"},
		{"zendesk", values{"subdomain": "a"}, nil, url.Values{}, "https://a.zendesk.com/oauth/authorizations/new", "https://a.zendesk.com/oauth/tokens", "https://a.zendesk.com/x", "", map[string]string{"Authorization": "Bearer T"}, "read"},
		{"salesforce", nil, map[string]any{"instance_url": "https://acme.my.salesforce.com"}, url.Values{}, "https://login.salesforce.com/services/oauth2/authorize", "https://login.salesforce.com/services/oauth2/token", "https://acme.my.salesforce.com/x", "https://login.salesforce.com/services/oauth2/revoke", nil, ""},
		{"notion", nil, nil, url.Values{}, "https://api.notion.com/v1/oauth/authorize", "https://api.notion.com/v1/oauth/token", "https://api.notion.com/v1/x", "", map[string]string{"Notion-Version": "2022-06-28"}, ""},
		{"quickbooks", nil, nil, url.Values{"realmId": {"77"}}, "https://appcenter.intuit.com/connect/oauth2", "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer", "https://quickbooks.api.intuit.com/v3/company/77/x", "https://developer.api.intuit.com/v2/oauth2/tokens/revoke", nil, "com.intuit.quickbooks.accounting"},
		{"pipedrive", nil, map[string]any{"api_domain": "https://acme.pipedrive.com/"}, url.Values{}, "https://oauth.pipedrive.com/oauth/authorize", "https://oauth.pipedrive.com/oauth/token", "https://acme.pipedrive.com/x", "", nil, ""},
	} {
		p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer", "refresh_token": "R", "expires_in": 3600}}
		for name, value := range test.token {
			p.token[name] = value
		}
		c, err := service(t, test.service).Connect(definition.Connection{
			Values: test.values, Client: definition.Client{ID: "id", Secret: "secret"}, HTTPClient: p.client(t),
		})
		require.NoError(t, err, test.service)
		auth := consented(t, c, test.callback)
		assert.Equal(t, test.scope, auth.Query().Get("scope"), test.service)
		auth.RawQuery = ""
		assert.Equal(t, test.auth, auth.String())
		assert.Equal(t, []string{test.request}, p.requests)
		req := sent(t, c, "GET", "/x", "")
		assert.Equal(t, test.url, req.URL.String())
		for name, value := range test.header {
			assert.Equal(t, value, req.Header.Get(name), "%s: %s", test.service, name)
		}
		status, err := c.Credential().(*connectorauth.OAuth2).Status(t.Context())
		require.NoError(t, err)
		assert.Equal(t, test.service == "quickbooks", status.ReauthBy.After(time.Now().Add(99*24*time.Hour)), test.service)
		require.NoError(t, c.Credential().(*connectorauth.OAuth2).Renew(t.Context()))
		if test.service != "notion" { // which takes JSON
			assert.Equal(t, "R", p.params.Get("refresh_token"), test.service)
		}
		if test.revoke != "" {
			require.NoError(t, c.Credential().(*connectorauth.OAuth2).Revoke(t.Context()))
			assert.Equal(t, test.revoke, p.requests[len(p.requests)-1])
		}
	}
}

// A provider, or whoever speaks for a provider, cannot lead requests elsewhere.
func TestCapturedValuesStayWithinTheDefinition(t *testing.T) {
	for _, value := range []any{
		"https://evil.com", "https://evil.com/.salesforce.com", "https://salesforce.com.evil.com", "http://a.salesforce.com", "https://evil.com#.salesforce.com",
		"https://evil@a.salesforce.com", "https://evilsalesforce.com", "https://a.salesforce.com/evil", "", nil, 7, []any{"x"},
	} {
		p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer", "instance_url": value}}
		c, err := service(t, "salesforce").Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "secret"}, HTTPClient: p.client(t)})
		require.NoError(t, err)
		consented(t, c, url.Values{})
		base, err := c.BaseURL(t.Context(), "")
		assert.ErrorContains(t, err, "the provider gave no instance_url, or one that the definition does not allow", "%v: %s", value, base)
		if err != nil {
			assert.NotContains(t, err.Error(), "evil")
		}
		_, err = connectorauth.NewClient(c.Connector(), p.client(t)).Get("https://evil.com/")
		assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	}
}

func TestServiceWithOAuth1(t *testing.T) {
	var asked []string
	c, err := service(t, "trello").Connect(definition.Connection{
		Method: "oauth1", Client: definition.Client{ID: "id", Secret: "secret"},
		HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			asked = append(asked, req.URL.String())
			return fakehttp.Respond(200, "oauth_token=T&oauth_token_secret=S&oauth_callback_confirmed=true"), nil
		})},
	})
	require.NoError(t, err)
	account := c.Credential().(*connectorauth.OAuth1)
	authURL, pending, err := account.Begin(t.Context(), "https://app.example.com/callback")
	require.NoError(t, err)
	assert.Equal(t, "https://trello.com/1/OAuthAuthorizeToken?oauth_token=T", authURL)
	require.NoError(t, account.Finish(t.Context(), pending, url.Values{"oauth_token": {"T"}, "oauth_verifier": {"v"}}))
	assert.Equal(t, []string{"https://trello.com/1/OAuthGetRequestToken", "https://trello.com/1/OAuthGetAccessToken"}, asked)
	assert.Contains(t, sent(t, c, "GET", "/members/me", "").Header.Get("Authorization"), `oauth_token="T"`)
}

func TestScopesThatAProgramChooses(t *testing.T) {
	d := service(t, "zendesk")
	connection := definition.Connection{Values: values{"subdomain": "a"}, Client: definition.Client{ID: "id", Secret: "s"}, Scopes: []string{"write", "raed"}}
	_, err := d.Connect(connection)
	assert.EqualError(t, err, `definition: zendesk: Scopes: "raed" is no scope of the definition; did you mean read?`)
	connection.Scopes = []string{"write", "read"}
	c, err := d.Connect(connection)
	require.NoError(t, err)
	raw, _, err := c.Credential().(*connectorauth.OAuth2).Begin(t.Context(), "https://app.example.com/callback")
	require.NoError(t, err)
	assert.Contains(t, raw, "scope=write%20read")

	_, err = d.Connect(definition.Connection{Values: values{"subdomain": "a"}})
	assert.ErrorContains(t, err, "Client: ID is missing")
}
