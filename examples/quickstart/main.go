// Quickstart makes requests with every kind of connector. The program starts a test
// provider on loopback, with TLS, and prints a table. Each row has the credential
// of a request (secrets are masked), the result, and the number of token requests.
// The last column is "ok" if the row is as the library promises. If a row is wrong,
// the program exits with status 1.
//
//	go run ./examples/quickstart
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

func main() {
	p := authtest.New(authtest.Config{TLS: true})
	defer p.Close()
	d := &demo{provider: p, table: tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)}
	fmt.Fprintf(d.table, "CONNECTOR\tSENT\tRESULT\tTOKEN REQUESTS\t\n")
	d.fixedCredentials()
	d.grants()
	d.oauth1()
	d.expiryUnderLoad()
	d.rotation()
	d.revocation()
	d.foreignRedirect()
	d.table.Flush()
	if d.failures > 0 {
		fmt.Printf("\n%d of %d rows are wrong\n", d.failures, d.rows)
		p.Close()
		os.Exit(1)
	}
	fmt.Printf("\nall %d rows are ok\n", d.rows)
}

// demo makes the requests and prints the table.
type demo struct {
	provider       *authtest.Provider
	table          *tabwriter.Writer
	rows, failures int
}

// row prints a row of the table.
func (d *demo) row(name, sent, result string, tokenRequests int, ok bool) {
	verdict := "ok"
	if d.rows++; !ok {
		d.failures++
		verdict = "WRONG"
	}
	fmt.Fprintf(d.table, "%s\t%s\t%s\t%d\t%s\n", name, sent, result, tokenRequests, verdict)
}

// call makes one request with c and prints a row. The row is ok if the status is 200
// and the request caused exactly wantTokenRequests token requests.
func (d *demo) call(name string, c connectorauth.Connector, method, url, contentType, body string, wantTokenRequests int) {
	before := d.provider.Stats().TokenRequests
	status, result := d.do(c, method, url, contentType, body)
	spent := d.provider.Stats().TokenRequests - before
	d.row(name, d.lastSent(url), result, spent, status == http.StatusOK && spent == wantTokenRequests)
}

// do makes one request with c. result names the account that the provider has seen,
// or the error.
func (d *demo) do(c connectorauth.Connector, method, url, contentType, body string) (status int, result string) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := connectorauth.NewClient(c, d.provider.Client()).Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	var who authtest.Identity
	if err := json.NewDecoder(resp.Body).Decode(&who); err != nil {
		return resp.StatusCode, resp.Status
	}
	return resp.StatusCode, fmt.Sprintf("%d for %s", resp.StatusCode, cmp.Or(who.User, who.Client, "the key's owner"))
}

// lastSent says where the last request to url carried the credential. The provider
// keeps the requests.
func (d *demo) lastSent(url string) string {
	requests := d.provider.Requests(url)
	if len(requests) == 0 {
		return "-"
	}
	r := requests[len(requests)-1]
	var parts []string
	for _, value := range r.Header["Authorization"] {
		parts = append(parts, "Authorization: "+mask(value, " "))
	}
	for range r.Header["X-Api-Key"] {
		parts = append(parts, "X-Api-Key: ***")
	}
	for _, value := range r.Header["Cookie"] {
		parts = append(parts, "Cookie: "+mask(value, "="))
	}
	if r.URL.RawQuery != "" {
		parts = append(parts, "?"+mask(r.URL.RawQuery, "="))
	}
	if len(parts) == 0 && len(r.Body) > 0 {
		parts = append(parts, fmt.Sprintf("body of %d bytes", len(r.Body)))
	}
	return r.Method + " " + strings.Join(parts, " ")
}

// mask replaces the text after the first separator by stars.
func mask(value, separator string) string {
	name, _, _ := strings.Cut(value, separator)
	return name + separator + "***"
}

// fixedCredentials shows the connectors without a token: no token requests.
func (d *demo) fixedCredentials() {
	p := d.provider
	key := connectorauth.Secret(p.APIKey)
	d.call("None", connectorauth.None{}, "GET", p.OpenURL, "", "", 0)
	for _, k := range []struct {
		name, url, method, contentType, body string
		config                               connectorauth.APIKeyConfig
	}{
		{"ApiKey, Authorization", p.KeyAuthorizationURL, "GET", "", "", connectorauth.APIKeyConfig{Key: key, Prefix: "ApiKey "}},
		{"ApiKey, header", p.KeyHeaderURL, "GET", "", "", connectorauth.APIKeyConfig{Key: key, Name: "X-Api-Key"}},
		{"ApiKey, query", p.KeyQueryURL, "GET", "", "", connectorauth.APIKeyConfig{Key: key, In: dialect.InQuery, Name: "api_key"}},
		{"ApiKey, cookie", p.KeyCookieURL, "GET", "", "", connectorauth.APIKeyConfig{Key: key, In: dialect.InCookie, Name: "api_key"}},
		{"ApiKey, body", p.KeyBodyURL, "POST", "application/json", `{"order": 7}`, connectorauth.APIKeyConfig{Key: key, In: dialect.InBody, Name: "api_key"}},
	} {
		d.call(k.name, must(connectorauth.NewAPIKey(k.config)), k.method, k.url, k.contentType, k.body, 0)
	}
	basic := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: p.Username, Password: connectorauth.Secret(p.Password)}))
	d.call("Basic", basic, "GET", p.BasicURL, "", "", 0)

	var fields []connectorauth.AuthField
	for key, value := range p.Fields {
		field := connectorauth.AuthField{Key: key, Value: connectorauth.Secret(fmt.Sprint(value))}
		switch value.(type) {
		case int:
			field.Type = dialect.FieldInteger
		case bool:
			field.Type = dialect.FieldBoolean
		}
		fields = append(fields, field)
	}
	authFields := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: fields}))
	d.call("AuthFields, JSON", authFields, "POST", p.FieldsURL, "application/json", `{"order": 7}`, 0)
	d.call("AuthFields, form", authFields, "POST", p.FieldsURL, "application/x-www-form-urlencoded", "order=7", 0)

	custom := must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
		req.Header.Set("X-Api-Key", p.APIKey)
		return nil
	}}))
	d.call("Custom", custom, "GET", p.KeyHeaderURL, "", "", 0)
}

// oauth2 returns an OAuth2 connector without a token.
func (d *demo) oauth2(grant connectorauth.Grant) *connectorauth.OAuth2 {
	p := d.provider
	return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret),
		TokenURL: p.TokenURL, Grant: grant, HTTPClient: p.Client(),
	}))
}

// consented returns an OAuth2 connector after the account owner's consent.
func (d *demo) consented() *connectorauth.OAuth2 {
	c := d.oauth2(connectorauth.AuthorizationCode{AuthURL: d.provider.AuthURL})
	d.consent(c)
	return c
}

// flow is an OAuth1 or OAuth2 connector during a consent.
type flow interface {
	Begin(ctx context.Context, redirectURL string) (authURL string, pending connectorauth.Secret, err error)
	Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error
}

// consent runs the consent for c. In an application the account owner presses Allow
// on the provider's page; here the test provider does.
func (d *demo) consent(c flow) {
	ctx := context.Background()
	authURL, pending, err := c.Begin(ctx, "http://127.0.0.1/callback")
	if err == nil {
		var callback *url.URL
		if callback, err = d.provider.Authorize(authURL); err == nil {
			err = c.Finish(ctx, pending, callback.Query())
		}
	}
	must(c, err)
}

// grants shows the three grants of OAuth2. A token request happens once, in the
// first request or in Finish.
func (d *demo) grants() {
	p := d.provider
	d.call("OAuth2, client credentials", d.oauth2(connectorauth.ClientCredentials{}), "GET", p.BearerURL, "", "", 1)
	password := connectorauth.PasswordCredentials{Username: p.Username, Password: connectorauth.Secret(p.Password)}
	d.call("OAuth2, password", d.oauth2(password), "GET", p.BearerURL, "", "", 1)
	before := p.Stats().TokenRequests
	code := d.consented()
	d.row("OAuth2, consent", "code and PKCE verifier", "token", p.Stats().TokenRequests-before, p.Stats().TokenRequests-before == 1)
	d.call("OAuth2, authorization code", code, "GET", p.BearerURL, "", "", 0)
}

// oauth1 shows OAuth1 without a token and with a token.
func (d *demo) oauth1() {
	p := d.provider
	config := connectorauth.OAuth1Config{ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), HTTPClient: p.Client()}
	d.call("OAuth1, two-legged", must(connectorauth.NewOAuth1(config)), "GET", p.OAuth1URL, "", "", 0)

	config.RequestTokenURL, config.AuthorizeURL, config.AccessTokenURL = p.RequestTokenURL, p.AuthorizeURL, p.AccessTokenURL
	threeLegged := must(connectorauth.NewOAuth1(config))
	d.consent(threeLegged)
	d.call("OAuth1, three-legged", threeLegged, "POST", p.OAuth1URL, "application/x-www-form-urlencoded", "a=1&a=2&b=x+y", 0)
}

// expiryUnderLoad shows a token that expires under 50 goroutines: one token request
// is enough for all goroutines.
func (d *demo) expiryUnderLoad() {
	p := d.provider
	c := d.consented()
	d.do(c, "GET", p.BearerURL, "", "")
	p.ExpireAccessTokens()
	before := p.Stats().TokenRequests
	var accepted atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if status, _ := d.do(c, "GET", p.BearerURL, "", ""); status == http.StatusOK {
				accepted.Add(1)
			}
		})
	}
	all.Wait()
	spent := p.Stats().TokenRequests - before
	d.row("OAuth2, expired under 50 goroutines", d.lastSent(p.BearerURL), fmt.Sprintf("%d of 50 accepted", accepted.Load()), spent, accepted.Load() == 50 && spent == 1)
}

// rotation renews a token five times. Each renewal brings a new refresh token. If a
// client sent an old refresh token again, the provider would revoke the grant.
func (d *demo) rotation() {
	p := d.provider
	c := d.consented()
	before, accepted := p.Stats(), 0
	for range 5 {
		p.ExpireAccessTokens()
		if status, _ := d.do(c, "GET", p.BearerURL, "", ""); status == http.StatusOK {
			accepted++
		}
	}
	after := p.Stats()
	spent, reused := after.TokenRequests-before.TokenRequests, after.ReuseDetected-before.ReuseDetected
	d.row("OAuth2, rotating refresh tokens", "5 refresh tokens, each once", fmt.Sprintf("%d of 5 accepted, %d reused", accepted, reused), spent, accepted == 5 && spent == 5 && reused == 0)
}

// revocation shows a revoked grant: every request fails with ErrReauthRequired, and
// only the first request causes a token request.
func (d *demo) revocation() {
	p := d.provider
	c := d.consented()
	p.RevokeGrants()
	before, reauth := p.Stats().TokenRequests, 0
	for range 3 {
		if _, err := connectorauth.NewClient(c, p.Client()).Get(p.BearerURL); errors.Is(err, connectorauth.ErrReauthRequired) {
			reauth++
		}
	}
	spent := p.Stats().TokenRequests - before
	d.row("OAuth2, grant revoked", d.lastSent(p.BearerURL), fmt.Sprintf("%d of 3 ErrReauthRequired", reauth), spent, reauth == 3 && spent == 1)
}

// foreignRedirect makes a request with each kind of credential. The provider
// redirects each request to another origin, and no credential may arrive there.
func (d *demo) foreignRedirect() {
	p := d.provider
	var leaked, arrived int
	foreign := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived++
		if r.Header.Get("Authorization") != "" || r.Header.Get("X-Api-Key") != "" || r.Header.Get("Cookie") != "" ||
			r.URL.RawQuery != "" || strings.Contains(string(body), "api_key") {
			leaked++
		}
	}))
	defer foreign.Close()
	key := connectorauth.Secret(p.APIKey)
	connectors := []connectorauth.Connector{
		must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, Name: "X-Api-Key"})),
		must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, In: dialect.InQuery, Name: "api_key"})),
		must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, In: dialect.InCookie, Name: "api_key"})),
		must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, In: dialect.InBody, Name: "api_key"})),
		must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: p.Username, Password: connectorauth.Secret(p.Password)})),
		must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret)})),
		d.oauth2(connectorauth.ClientCredentials{}),
	}
	before := p.Stats().TokenRequests
	for _, c := range connectors {
		d.do(c, "POST", p.RedirectURL(http.StatusTemporaryRedirect, foreign.URL), "application/x-www-form-urlencoded", "order=7")
	}
	d.row("all, redirected to a foreign host", "nothing", fmt.Sprintf("%d requests arrived, %d leaked", arrived, leaked), p.Stats().TokenRequests-before,
		arrived == len(connectors) && leaked == 0)
}

// must returns v, and ends the program if err is not nil.
func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return v
}
