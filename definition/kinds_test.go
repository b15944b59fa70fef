package definition_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each method of each file of testdata/kinds runs against authtest.
func TestKinds(t *testing.T) {
	files, err := filepath.Glob("testdata/kinds/*.json")
	require.NoError(t, err)
	require.Len(t, files, 9)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		d, err := definition.Parse(file, text, definition.Options{})
		require.NoError(t, err)
		for i := range d.Methods {
			m := &d.Methods[i]
			t.Run(d.Name+"/"+m.Name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					k := newKind(t, d, m)
					defer k.fake.Close()
					k.live(t)
				})
			})
		}
	}
}

// A kind is an account of one method.
type kind struct {
	*definition.Connected
	m     *definition.Method
	fake  *authtest.Provider
	given values
	ask   func(c connectorauth.Connector, u string) (*http.Response, error) // makes the request that shows what the method does
}

// signing are keys that many tests use, because they are expensive.
var signing = sync.OnceValues(func() (*rsa.PrivateKey, *ecdsa.PrivateKey) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	e, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil || err2 != nil {
		panic(fmt.Sprint(err, err2))
	}
	return r, e
})

func pemOf(t *testing.T, key crypto.Signer) connectorauth.Secret {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return connectorauth.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func newKind(t *testing.T, d *definition.Definition, m *definition.Method) *kind {
	forRSA, forECDSA := signing()
	config := authtest.Config{
		InMemory: true, RSAPublicKey: &forRSA.PublicKey, AssertionKeys: map[string]crypto.PublicKey{"k": forECDSA.Public()},
		ClientSecret: "client secret+/%:&=~ that has more than sixty-four bytes, as HS512 needs",
	}
	public := m.Name == "code-public"
	if public {
		config.PublicClient, config.ClientSecret = true, ""
	}
	if d.Name == "and" {
		config.Fields = map[string]any{"user_token": "token"}
	}
	fake := authtest.New(config)
	k := &kind{m: m, fake: fake, given: values{}}
	secret := func(s string) connectorauth.Secret { return connectorauth.Secret(s) }
	all := values{
		"user": secret(fake.Username), "password": secret(fake.Password), "key": secret(fake.APIKey), "id": secret(fake.ClientID), "secret": secret(fake.ClientSecret),
		"realm": "Photos", "company": "4711", "sandbox": "true", "token": secret(fmt.Sprint(fake.Fields["user_token"])),
	}
	if d.Name == "oauth1" {
		token, tokenSecret := fake.IssueOAuth1Token()
		all["token"], all["tokenSecret"] = secret(token), secret(tokenSecret)
	}
	for _, i := range append(d.Inputs[:len(d.Inputs):len(d.Inputs)], m.Inputs...) {
		k.given[i.Name] = all[i.Name]
		if i.Format == definition.FormatKey {
			k.given[i.Name] = pemOf(t, forECDSA)
			if m.Type == connectorauth.AuthTypeOAuth1 {
				k.given[i.Name] = pemOf(t, forRSA)
			}
		}
	}
	c, err := d.Connect(definition.Connection{
		Method: m.Name, Values: k.given, HTTPClient: fake.Client(), Shared: new(connectorauth.Shared),
		Client: definition.Client{ID: fake.ClientID, Secret: secret(fake.ClientSecret)},
	})
	require.NoError(t, err)
	k.Connected = c
	k.bend(t, d)
	return k
}

// bend makes the fake want what the method does, where authtest wants something else.
func (k *kind) bend(t *testing.T, d *definition.Definition) {
	edit := func(endpoint string, edit func(r *http.Request)) {
		k.fake.Inject(endpoint, authtest.Always, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				edit(r)
				next.ServeHTTP(w, r)
			})
		})
	}
	k.ask = func(c connectorauth.Connector, u string) (*http.Response, error) {
		return connectorauth.NewClient(c, k.fake.Client()).Get(u)
	}
	post := func(contentType, body string) {
		k.ask = func(c connectorauth.Connector, u string) (*http.Response, error) {
			return connectorauth.NewClient(c, k.fake.Client()).Post(u, contentType, strings.NewReader(body))
		}
	}
	const form = "application/x-www-form-urlencoded"
	switch d.Name + "/" + k.m.Name {
	case "api-key/body", "auth-fields/json", "and/fields", "oauth1/realm":
		post("application/json", `{"order": 7}`)
	case "auth-fields/form", "auth-fields/any", "oauth1/body":
		post(form, "order=7")
	case "basic/iso-8859-1":
		edit(k.fake.BasicURL, func(r *http.Request) {
			user, password, _ := r.BasicAuth()
			assert.NotContains(t, password, "é", "é has one byte")
			r.SetBasicAuth(fromLatin1(user), fromLatin1(password))
		})
	case "auth-fields/xml":
		post("application/xml", "<order><id>7</id></order>")
		edit(k.fake.FieldsURL, func(r *http.Request) {
			var order struct {
				ID      int    `xml:"id" json:"id"`
				Token   string `xml:"user_token" json:"user_token"`
				Company int    `xml:"company_id" json:"company_id"`
				Sandbox bool   `xml:"sandbox" json:"sandbox"`
			}
			assert.NoError(t, xml.NewDecoder(r.Body).Decode(&order))
			assert.Equal(t, 7, order.ID)
			text, err := json.Marshal(order)
			assert.NoError(t, err)
			r.Body = io.NopCloser(strings.NewReader(string(text)))
			r.Header.Set("Content-Type", "application/json")
		})
	}
	if d.Name == "and" {
		base, err := k.BaseURL(t.Context(), "")
		require.NoError(t, err)
		edit(base, func(r *http.Request) {
			assert.Equal(t, []string{k.fake.APIKey}, r.Header.Values("X-Api-Key"))
		})
	}
	if d.Name == "api-key" && k.m.Name == "exact" {
		edit(k.fake.KeyHeaderURL, func(r *http.Request) { assert.Len(t, r.Header.Values("X-Api-Key"), 1) })
	}
}

func fromLatin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// requireCall calls the API.
func (k *kind) requireCall(t *testing.T) {
	t.Helper()
	status, who := k.call(t, k.Connected)
	require.Equal(t, 200, status)
	want := string(k.m.Type)
	if want == "JWT" {
		want = "Assertion"
	}
	require.Equal(t, want, who.AuthType)
}

func (k *kind) call(t *testing.T, c *definition.Connected) (status int, who authtest.Identity) {
	t.Helper()
	base, err := c.BaseURL(t.Context(), "")
	require.NoError(t, err)
	resp, err := k.ask(c.Connector(), base)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&who))
	return resp.StatusCode, who
}

// live leads the account through its life.
func (k *kind) live(t *testing.T) {
	if _, ok := k.Credential().(connectorauth.None); !ok {
		_, err := k.ask(k.Connector(), "http://127.0.0.1:81/")
		require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	}
	switch account := k.Credential().(type) {
	case *connectorauth.OAuth2:
		k.oauth2(t, account)
	case *connectorauth.OAuth1:
		if k.m.Scheme.(*definition.OAuth1).AuthorizeURL == "" { // the service has issued the token
			k.requireCall(t)
			k.fake.RevokeGrants()
			status, _ := k.call(t, k.Connected)
			assert.Equal(t, 401, status)
			return
		}
		for range 2 {
			handshake(t, k.fake, k.Connected, func(u string) string { return u })
			k.requireCall(t)
			k.fake.RevokeGrants()
			_, err := k.ask(k.Connector(), k.fake.OAuth1URL)
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		}
	case *connectorauth.Custom:
		k.requireCall(t)
		if k.m.Type == definition.TypeSession {
			k.session(t, account)
			return
		}
		time.Sleep(24 * time.Hour)
		k.requireCall(t)
	default:
		k.requireCall(t)
		if _, ok := account.(connectorauth.None); !ok {
			k.refused(t)
		}
	}
}

// refused calls the API with wrong credentials.
func (k *kind) refused(t *testing.T) {
	wrong := values{}
	for name, value := range k.given {
		if wrong[name] = "wrong"; value == "true" || value == "4711" {
			wrong[name] = value
		}
	}
	d := map[connectorauth.AuthType]string{connectorauth.AuthTypeAPIKey: "api-key", connectorauth.AuthTypeBasic: "basic", connectorauth.AuthTypeAuthFields: "auth-fields"}[k.m.Type]
	if k.Definition() != d {
		return // of pairs, each credential has its file
	}
	c, err := kindDefinition(t, d).Connect(definition.Connection{Method: k.m.Name, Values: wrong})
	require.NoError(t, err)
	refused := k.fake.Stats().APIRefused
	status, _ := k.call(t, c)
	assert.Equal(t, 401, status)
	assert.Equal(t, refused+1, k.fake.Stats().APIRefused, "a fixed credential is not sent again")
}

func kindDefinition(t *testing.T, name string) *definition.Definition {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "kinds", name+".json"))
	require.NoError(t, err)
	return parse(t, string(text))
}

// oauth2 leads an account of OAuth2 through consent, rejection, expiry and revocation.
func (k *kind) oauth2(t *testing.T, account *connectorauth.OAuth2) {
	if k.m.Scheme.(*definition.OAuth2).Grant.AuthorizationCode != nil {
		authURL, pending, err := account.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		callback, err := k.fake.Authorize(authURL)
		require.NoError(t, err)
		require.NoError(t, account.Finish(t.Context(), pending, callback.Query()))
	}
	k.requireCall(t)
	requests := k.fake.Stats().TokenRequests
	k.fake.ExpireAccessTokens()
	k.requireCall(t)
	assert.Equal(t, requests+1, k.fake.Stats().TokenRequests, "a rejection")
	time.Sleep(time.Hour + time.Second)
	k.requireCall(t)
	assert.Equal(t, requests+2, k.fake.Stats().TokenRequests, "an expiry")
	token, err := account.Token(t.Context())
	require.NoError(t, err)
	require.NoError(t, account.Revoke(t.Context()))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, k.fake.ScopeURL(401, "read"), nil)
	require.NoError(t, err)
	token.SetAuthHeader(req)
	resp, err := k.fake.Client().Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, 401, resp.StatusCode, "a token that is revoked")
}

// session leads an account that logs in through the ends of its sessions.
func (k *kind) session(t *testing.T, account *connectorauth.Custom) {
	s := k.m.Scheme.(*definition.Session)
	require.Equal(t, 1, k.fake.Stats().Logins)
	k.fake.ExpireSessions()
	k.requireCall(t)
	time.Sleep(time.Hour + time.Second)
	k.requireCall(t)
	if s.Renew != nil {
		assert.Equal(t, []int{1, 2}, []int{k.fake.Stats().Logins, k.fake.Stats().SessionRenewals})
		k.fake.EndSessions()
		k.requireCall(t)
		assert.Equal(t, 2, k.fake.Stats().Logins, "a session that cannot be renewed")
	} else {
		assert.Equal(t, 3, k.fake.Stats().Logins)
	}
	if s.Logout != nil {
		require.NoError(t, account.Revoke(t.Context()))
		assert.Equal(t, 1, k.fake.Stats().Logouts)
	}
}
