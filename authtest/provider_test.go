package authtest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
)

func TestConfigMistakesPanic(t *testing.T) {
	for name, c := range map[string]authtest.Config{
		"public with secret":   {PublicClient: true, ClientSecret: "s"},
		"colon in user name":   {Username: "a:b"},
		"negative lifetime":    {TokenLifetime: -1},
		"odd field":            {Fields: map[string]any{"a": []int{1}}},
		"relative callback":    {RedirectURLs: []string{"/cb"}},
		"callback, fragment":   {RedirectURLs: []string{"https://a.example/#x"}},
		"callback, not a URL ": {RedirectURLs: []string{":"}},
	} {
		assert.Panics(t, func() { authtest.New(c).Close() }, name)
	}
}

func TestCertificateIsTrustedByClientOnly(t *testing.T) {
	p := authtest.New(authtest.Config{TLS: true})
	p2 := authtest.New(authtest.Config{})
	defer p2.Close()
	defer p.Close()
	assert.Regexp(t, "^https://127", p.TokenURL)
	resp, err := p.Client().Get(p.OpenURL)
	require.NoError(t, err)
	resp.Body.Close()
	_, err = p2.Client().Get(p.OpenURL)
	assert.ErrorContains(t, err, "certificate")
}

func TestTokensExpireInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true, TLS: true})
		defer p.Close()
		access, _ := p.IssueTokens("")
		for _, want := range []int{200, 401} {
			resp, _, _ := call(t, p.Client(), withBearer(get(t, p.BearerURL), access))
			assert.Equal(t, want, resp.StatusCode)
			time.Sleep(time.Hour)
		}
	})
}

func TestConsentMustBeFinishedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, config, ctx := start(t, authtest.Config{InMemory: true})
		callback, err := p.Authorize(config.AuthCodeURL("s"))
		require.NoError(t, err)
		time.Sleep(10 * time.Minute)
		_, err = config.Exchange(ctx, callback.Query().Get("code"))
		assert.ErrorContains(t, err, "expired")
	})
	synctest.Test(t, func(t *testing.T) {
		p, config := start1(t, authtest.Config{InMemory: true})
		temporary, secret, err := config.RequestToken()
		require.NoError(t, err)
		time.Sleep(10 * time.Minute)
		_, err = p.Authorize(p.AuthorizeURL + "?oauth_token=" + temporary)
		assert.ErrorContains(t, err, "has expired")
		_, _, err = config.AccessToken(temporary, secret, "guess")
		assert.ErrorContains(t, err, "token_expired")
	})
}

func TestHandlerWorksWithoutItsServer(t *testing.T) {
	p := authtest.NewProvider(t)
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/api/open", nil))
	assert.Equal(t, 200, w.Code)
}

func TestRecordedRequestsAreBounded(t *testing.T) {
	p := authtest.NewProvider(t)
	for i := range 250 {
		path := "/unknown/" + string(rune('a'+i%26))
		p.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", path, bytes.NewReader(make([]byte, i))))
	}
	all := p.Requests("")
	require.Len(t, all, 100)
	assert.Len(t, all[0].Body, 150)
	assert.Len(t, all[99].Body, 249)

	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequest("POST", "/api/open", io.LimitReader(zeros{}, 17<<20)))
	assert.Equal(t, 413, w.Code)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestManyGoroutines(t *testing.T) {
	p := authtest.New(authtest.Config{InMemory: true})
	t.Cleanup(p.Close)
	access, refresh := p.IssueTokens("read")
	client := p.Client()
	client.Transport.(*http.Transport).MaxConnsPerHost = 64
	var wg sync.WaitGroup
	for i := range 10_000 {
		wg.Go(func() {
			var resp *http.Response
			var err error
			if i%100 == 0 {
				resp, err = client.PostForm(p.TokenURL, url.Values{
					"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {p.ClientID}, "client_secret": {p.ClientSecret}})
			} else {
				resp, err = client.Do(withBearer(get(t, p.BearerURL), access))
			}
			if assert.NoError(t, err) {
				io.Copy(io.Discard, resp.Body) // so that the connection is used again
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
	stats := p.Stats()
	assert.Equal(t, 9900, stats.APIAccepted+stats.APIRefused)
	assert.Equal(t, 100, stats.TokenRequests)
	assert.Equal(t, map[string]int{"refresh_token": 1}, stats.Issued)
	assert.Equal(t, 99, stats.ReuseDetected)
	assert.Equal(t, 1, stats.RevokedGrants)
}

func TestProviderInMemoryServesAnyHost(t *testing.T) {
	for scheme, c := range map[string]authtest.Config{"http": {InMemory: true}, "https": {InMemory: true, TLS: true}} {
		p := authtest.New(c)
		for _, host := range []string{"api.github.com", "acme.zendesk.com"} {
			u, err := url.Parse(p.BearerURL)
			require.NoError(t, err)
			resp, err := p.Client().Get(scheme + "://" + host + u.Path)
			if assert.NoError(t, err) {
				resp.Body.Close()
				assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
			}
		}
		p.Close()
	}
}
